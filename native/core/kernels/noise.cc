#include "core/kernels/noise.h"

#include <ATen/Parallel.h>

#include "core/error.h"
#include "core/rng.h"

namespace lm {
namespace {

// Each image from its own stream, element by element as they lie in memory.
template <typename T, typename Draw>
void fill(const DrawKeys& keys, const at::Tensor& out, const Draw& draw) {
  const int64_t images = out.size(0), each = out.numel() / std::max<int64_t>(1, images);
  T* const data = out.data_ptr<T>();
  at::parallel_for(0, images, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      Rng rng(keys.host[static_cast<size_t>(i)]);
      for (T* to = data + i * each; to != data + (i + 1) * each; ++to) *to = static_cast<T>(draw(rng));
    }
  });
}

template <typename Draw>
void fill(const DrawKeys& keys, const at::Tensor& out, const Draw& draw) {
  if (out.scalar_type() == at::kDouble) return fill<double>(keys, out, draw);
  LM_CHECK(out.scalar_type() == at::kFloat, "ERR_TORCH", "Noise is drawn in float32 and float64 alone");
  fill<float>(keys, out, draw);
}

}  // namespace

void fill_dropout_mask(const DrawKeys& keys, double p, const at::Tensor& out) {
  const double kept = 1 / (1 - p);
  fill(keys, out, [=](Rng& rng) { return rng.uniform() < 1 - p ? kept : 0.0; });
}

void fill_gaussian(const DrawKeys& keys, double deviation, const at::Tensor& out) {
  fill(keys, out, [=](Rng& rng) { return deviation * rng.normal(); });
}

}  // namespace lm
