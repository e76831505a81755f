#include "core/weights.h"

namespace lm {
namespace {

Sizes strides_of(const Sizes& shape) {
  if (shape.size() == 4) return {shape[1] * shape[2] * shape[3], 1, shape[3] * shape[1], shape[1]};
  Sizes strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

}  // namespace

Weights Weights::zeros(const std::vector<Sizes>& shapes, const at::TensorOptions& options) {
  Sizes offsets;
  int64_t total = 0;
  for (const Sizes& shape : shapes) {
    offsets.push_back(total);
    total += (numel(shape) + kAlign - 1) / kAlign * kAlign;
  }
  Weights set;
  set.flat = at::zeros({total}, options);
  for (size_t i = 0; i < shapes.size(); ++i)
    set.views.push_back(set.flat.as_strided(shapes[i], strides_of(shapes[i]), offsets[i]));
  return set;
}

Weights Weights::copy(at::ScalarType type) const {
  Weights out{flat.to(type, /*non_blocking=*/false, /*copy=*/true), {}, version};
  for (const at::Tensor& view : views)
    out.views.push_back(out.flat.as_strided(view.sizes(), view.strides(), view.storage_offset()));
  return out;
}

}  // namespace lm
