// Pooling, channels, and pixels of feature maps.

#include <cstdlib>

#include "core/ops/rows.h"

namespace lm {

using at::Tensor;

// --- pooling

Sizes pool_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  want_image(node, in[0]);
  const Attrs& a = node.attrs;
  LM_CHECK(2 * a.padding[0] <= a.kernel[0] && 2 * a.padding[1] <= a.kernel[1], "ERR_SHAPE", node.path,
           ": a pooling's padding is at most half its kernel");
  return {in[0][0], in[0][1], windows(node, in[0][2], 0, a.kernel[0]),
          windows(node, in[0][3], 1, a.kernel[1])};
}

Tensor avg_pool_forward(Frame& f) {
  const Attrs& a = f.node.attrs;
  return channels_last(at::avg_pool2d(f.input(), a.kernel, a.stride, a.padding));
}

void avg_pool_backward(Frame& f, const Tensor& grad) {
  const Attrs& a = f.node.attrs;
  f.add_grad(
      0, at::avg_pool2d_backward(grad, f.input(), a.kernel, a.stride, a.padding, false, true, std::nullopt),
      true);
}

Tensor max_pool_forward(Frame& f) {
  const Attrs& a = f.node.attrs;
  auto [out, indices] = at::max_pool2d_with_indices(f.input(), a.kernel, a.stride, a.padding);
  f.saved() = {indices};
  return channels_last(out);
}

void max_pool_backward(Frame& f, const Tensor& grad) {
  const Attrs& a = f.node.attrs;
  f.add_grad(0,
             at::max_pool2d_with_indices_backward(grad, f.input(), a.kernel, a.stride, a.padding, {1, 1},
                                                  false, f.saved()[0]),
             true);
}

Sizes global_pool_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  want_image(node, in[0]);
  return {in[0][0], in[0][1]};
}

Tensor global_pool_forward(Frame& f) { return f.input().mean({2, 3}); }

void global_pool_backward(Frame& f, const Tensor& grad) {
  const Sizes& shape = f.input_shape();
  const auto share = grad.div(static_cast<double>(shape[2] * shape[3])).view({shape[0], shape[1], 1, 1});
  f.add_grad(0, share.expand(shape).contiguous(at::MemoryFormat::ChannelsLast), true);
}

// --- channels

Sizes concat_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  Sizes out = in[0];
  LM_CHECK(out.size() >= 2, "ERR_SHAPE", node.path, ": expected channels");
  for (size_t i = 1; i < in.size(); ++i) {
    Sizes expected = in[0];
    if (in[i].size() >= 2) expected[1] = in[i][1];
    LM_CHECK(in[i] == expected, "ERR_SHAPE", node.path, ": cannot join ", text(in[0]), " and ", text(in[i]));
    out[1] += in[i][1];
  }
  return out;
}

Tensor concat_forward(Frame& f) {
  std::vector<Tensor> parts;
  for (size_t i = 0; i < f.node.inputs.size(); ++i) parts.push_back(f.input(i));
  return at::cat(parts, 1);
}

void concat_backward(Frame& f, const Tensor& grad) {
  int64_t start = 0;
  for (size_t i = 0; i < f.node.inputs.size(); ++i) {
    const int64_t size = f.input_shape(i)[1];
    if (f.wants(i)) f.add_grad(i, grad.narrow(1, start, size), false);
    start += size;
  }
}

Sizes slice_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  Sizes out = in[0];
  const Attrs& a = node.attrs;
  LM_CHECK(out.size() >= 2 && a.start < a.end && a.end <= out[1], "ERR_SHAPE", node.path, ": channels ",
           a.start, " to ", a.end, " are not in ", text(out));
  out[1] = a.end - a.start;
  return out;
}

Tensor slice_forward(Frame& f) { return f.input().slice(1, f.node.attrs.start, f.node.attrs.end); }

void slice_backward(Frame& f, const Tensor& grad) {
  const Sizes& shape = f.input_shape();
  Tensor whole = at::zeros(shape, grad.options());
  if (shape.size() == 4) whole = whole.contiguous(at::MemoryFormat::ChannelsLast);
  whole.slice(1, f.node.attrs.start, f.node.attrs.end).copy_(grad);
  f.add_grad(0, whole, true);
}

Sizes pad_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  Sizes out = in[0];
  const Attrs& a = node.attrs;
  LM_CHECK(out.size() == 4, "ERR_SHAPE", node.path, ": cannot pad ", text(out));
  out[1] += a.before + a.after;
  return out;
}

Tensor pad_forward(Frame& f) {
  const Attrs& a = f.node.attrs;
  return at::constant_pad_nd(f.input(), {0, 0, 0, 0, a.before, a.after});
}

void pad_backward(Frame& f, const Tensor& grad) {
  f.add_grad(0, grad.narrow(1, f.node.attrs.before, grad.size(1) - f.node.attrs.before - f.node.attrs.after),
             false);
}

// --- shift by whole pixels, zeros coming in

Sizes shift_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  want_image(node, in[0]);
  const auto& by = node.attrs.by;
  LM_CHECK(std::abs(by[0]) < in[0][2] && std::abs(by[1]) < in[0][3], "ERR_SHAPE", node.path, ": a shift by ",
           by[0], ", ", by[1], " leaves nothing of ", text(in[0]));
  return in[0];
}

static Tensor moved(const Tensor& t, int64_t h, int64_t w) {
  return channels_last(at::constant_pad_nd(t, {w, -w, h, -h}));
}

Tensor shift_forward(Frame& f) { return moved(f.input(), f.node.attrs.by[0], f.node.attrs.by[1]); }

void shift_backward(Frame& f, const Tensor& grad) {
  f.add_grad(0, moved(grad, -f.node.attrs.by[0], -f.node.attrs.by[1]), true);
}

}  // namespace lm
