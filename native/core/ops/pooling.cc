// Average and largest of a sliding window, and the average of all pixels.

#include "core/ops/attributes.h"
#include "core/ops/frame.h"
#include "core/ops/layers.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {
namespace {

using at::Tensor;

std::shared_ptr<const Attributes> parse(const Value& v) {
  const AttributeReader reader(v);
  auto a = std::make_shared<PoolAttributes>();
  reader.read("kernel", a->kernel, 1);
  reader.read("stride", a->window.stride, 1);
  reader.read("padding", a->window.padding, 0);
  return a;
}

Sizes shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  want_image(node, in[0]);
  const auto& [kernel, window] = node.as<PoolAttributes>();
  LM_CHECK(2 * window.padding[0] <= kernel[0] && 2 * window.padding[1] <= kernel[1], "ERR_SHAPE", node.path,
           ": a pooling's padding is at most half its kernel");
  return {in[0][0], in[0][1], window.places(node, in[0][2], 0, kernel[0]),
          window.places(node, in[0][3], 1, kernel[1])};
}

void average_forward(Frame& f) {
  const auto& a = f.node.as<PoolAttributes>();
  Tensor out = f.output();
  at::avg_pool2d_out(out, f.input(), a.kernel, a.window.stride, a.window.padding);
}

void average_backward(Frame& f) {
  const auto& a = f.node.as<PoolAttributes>();
  Tensor out = f.grad_of();
  at::avg_pool2d_backward_out(out, f.grad(), f.input(), a.kernel, a.window.stride, a.window.padding, false,
                              true, std::nullopt);
}

// Where the largest was.
std::vector<KeptTensor> max_keeps(const Node&, const Sizes&, const Sizes& output) {
  return {{output, KeptTensor::Type::kIndex}};
}

void max_forward(Frame& f) {
  const auto& a = f.node.as<PoolAttributes>();
  Tensor out = f.output(), indices = f.kept(0);
  at::max_pool2d_with_indices_out(out, indices, f.input(), a.kernel, a.window.stride, a.window.padding);
}

// Places of a window's number (row, column) in an image with a border, one for each window.
Tensor places_of(const Tensor& bordered, const PoolAttributes& a, const Tensor& out, int64_t row,
                 int64_t column) {
  const auto span = [&](const Tensor& t, int64_t axis, int64_t from) {
    const auto i = static_cast<size_t>(axis - 2);
    return t.slice(axis, from, from + (out.size(axis) - 1) * a.window.stride[i] + 1, a.window.stride[i]);
  };
  return span(span(bordered, 2, row), 3, column);
}

// In one order on every device, where libtorch's own adds up in any: number by number of the windows, for
// those of one number never overlap.
void max_backward_in_order(const PoolAttributes& a, const Tensor& grad, const Tensor& indices,
                           const Tensor& out) {
  const int64_t top = a.window.padding[0], left = a.window.padding[1];
  const int64_t height = out.size(2), width = out.size(3);
  const at::ScalarType type = out.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor sum = at::zeros({out.size(0), out.size(1), height + 2 * top, width + 2 * left},
                               out.options().dtype(type).memory_format(at::MemoryFormat::ChannelsLast));
  const at::TensorOptions index = indices.options().memory_format(std::nullopt);
  const Tensor rows =
      at::arange(grad.size(2), index).mul(a.window.stride[0]).sub(top).mul(width).unsqueeze(1);
  const Tensor first = rows + at::arange(grad.size(3), index).mul(a.window.stride[1]).sub(left);
  for (int64_t row = 0; row < a.kernel[0]; ++row)
    for (int64_t column = 0; column < a.kernel[1]; ++column) {
      const Tensor is_largest = indices.eq(first + (row * width + column));
      places_of(sum, a, grad, row, column).add_(grad.mul(is_largest));
    }
  out.copy_(sum.slice(2, top, top + height).slice(3, left, left + width));
}

void max_backward(Frame& f) {
  const auto& a = f.node.as<PoolAttributes>();
  Tensor out = f.grad_of();
  if (!out.device().is_cpu() && at::globalContext().deterministicCuDNN())
    return max_backward_in_order(a, f.grad(), f.kept(0), out);
  at::max_pool2d_with_indices_backward_out(out, f.grad(), f.input(), a.kernel, a.window.stride,
                                           a.window.padding, {1, 1}, false, f.kept(0));
}

Sizes global_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  want_image(node, in[0]);
  return {in[0][0], in[0][1]};
}

void global_forward(Frame& f) {
  Tensor out = f.output();
  at::mean_out(out, f.input(), at::IntArrayRef{2, 3}, false, std::nullopt);
}

void global_backward(Frame& f) {
  const Tensor& to = f.grad_of();
  const Tensor share = f.grad().div(static_cast<double>(to.size(2) * to.size(3)));
  to.copy_(share.view({to.size(0), to.size(1), 1, 1}).expand(to.sizes()));
}

}  // namespace

extern const Op avg_pool2d_op, max_pool2d_op, global_avg_pool_op;

constinit const Op avg_pool2d_op{.kind = OpKind::kAvgPool2d,
                                 .name = "avgPool2d",
                                 .keeps_inputs = true,
                                 .mixed = Mixed::kInputs,
                                 .parse = parse,
                                 .shape = shape,
                                 .forward = average_forward,
                                 .backward = average_backward};

constinit const Op max_pool2d_op{.kind = OpKind::kMaxPool2d,
                                 .name = "maxPool2d",
                                 .keeps_inputs = true,
                                 .mixed = Mixed::kInputs,
                                 .parse = parse,
                                 .shape = shape,
                                 .keeps = max_keeps,
                                 .forward = max_forward,
                                 .backward = max_backward};

constinit const Op global_avg_pool_op{.kind = OpKind::kGlobalAvgPool,
                                      .name = "globalAvgPool",
                                      .mixed = Mixed::kInputs,
                                      .shape = global_shape,
                                      .forward = global_forward,
                                      .backward = global_backward};

}  // namespace lm
