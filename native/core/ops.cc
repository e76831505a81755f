#include "core/ops.h"

#include <array>

#include "core/executor.h"
#include "core/kernels.h"

namespace lm {
namespace {

using at::Tensor;

std::string text(const Sizes& shape) {
  std::ostringstream out;
  out << at::IntArrayRef(shape);
  return out.str();
}

const Sizes& param_shape(const Node& node, const Graph& graph, size_t i) {
  return graph.params[static_cast<size_t>(node.params[i])].shape;
}

void want_image(const Node& node, const Sizes& x) {
  LM_CHECK(x.size() == 4, "ERR_SHAPE", node.path, ": expected feature maps [N, C, H, W] but received ",
           text(x));
}

int64_t windows(const Node& node, int64_t size, size_t axis, int64_t kernel) {
  const Attrs& a = node.attrs;
  const int64_t room = size + 2 * a.padding[axis] - kernel;
  LM_CHECK(room >= 0, "ERR_SHAPE", node.path, ": a kernel of ", kernel, " does not fit into ", size,
           " pixels with padding ", a.padding[axis]);
  return room / a.stride[axis] + 1;
}

Tensor channels_last(const Tensor& t) { return t.contiguous(at::MemoryFormat::ChannelsLast); }

// --- input
// -------------------------------------------------------------------------------------------------------

Sizes no_shape(const Node& node, const Graph&, const std::vector<Sizes>&) {
  fail("ERR_GRAPH", node.path, ": only the first node may be the input");
}
Tensor no_forward(Frame&) { fail("ERR_GRAPH", "The input is not computed"); }
void no_backward(Frame&, const Tensor&) {}

// --- convolution: weight [out, in / groups, kh, kw]
// ----------------------------------------------------------------

Sizes conv_shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  want_image(node, in[0]);
  const Sizes& w = param_shape(node, graph, 0);
  const int64_t groups = node.attrs.groups;
  LM_CHECK(w.size() == 4 && w[1] * groups == in[0][1] && w[0] % groups == 0, "ERR_SHAPE", node.path,
           ": weight ", text(w), " with ", groups, " groups does not fit input ", text(in[0]));
  LM_CHECK(node.params.size() < 2 || param_shape(node, graph, 1) == Sizes{w[0]}, "ERR_SHAPE", node.path,
           ": the bias needs one number per channel");
  return {in[0][0], w[0], windows(node, in[0][2], 0, w[2]), windows(node, in[0][3], 1, w[3])};
}

Tensor conv_forward(Frame& f) {
  const Attrs& a = f.node.attrs;
  const std::optional<Tensor> bias = f.has_param(1) ? std::optional(f.param(1)) : std::nullopt;
  // A convolution with one input channel comes back in NCHW: force the layout that the rest runs in.
  return channels_last(
      at::convolution(f.input(), f.param(0), bias, a.stride, a.padding, {1, 1}, false, {0, 0}, a.groups));
}

void conv_backward(Frame& f, const Tensor& grad) {
  const Attrs& a = f.node.attrs;
  const bool has_bias = f.has_param(1);
  const Sizes bias_sizes{f.param(0).size(0)};
  auto [gx, gw, gb] = at::convolution_backward(
      grad, f.input(), f.param(0), has_bias ? at::OptionalIntArrayRef(bias_sizes) : std::nullopt, a.stride,
      a.padding, {1, 1}, false, {0, 0}, a.groups, {f.wants(), true, has_bias});
  if (f.wants()) f.add_grad(0, channels_last(gx), true);
  f.add_param_grad(0, gw);
  if (has_bias) f.add_param_grad(1, gb);
}

// --- relu
// --------------------------------------------------------------------------------------------------------

Tensor relu_forward(Frame& f) {
  Tensor x = f.input();
  return f.may_overwrite_input() ? x.relu_() : x.relu();
}

void relu_backward(Frame& f, const Tensor& grad) {
  f.add_grad(0, at::threshold_backward(grad, f.output(), 0), true);
}

// --- lin: sum of c_i u_i
// -------------------------------------------------------------------------------------------

Sizes lin_shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  for (const Sizes& shape : in)
    LM_CHECK(shape == in[0], "ERR_SHAPE", node.path, ": cannot add ", text(in[0]), " and ", text(shape));
  LM_CHECK(node.coefs.size() == in.size(), "ERR_GRAPH", node.path, ": one coefficient per term is needed");
  for (int c : node.coefs) {
    const Sizes& shape = graph.coefs[static_cast<size_t>(c)].shape;
    LM_CHECK(shape == Sizes{1} || (in[0].size() == 4 && shape == Sizes({in[0][1], 1, 1})), "ERR_SHAPE",
             node.path, ": a coefficient of shape ", text(shape),
             " is neither one number nor one per channel of ", text(in[0]));
  }
  return in[0];
}

Tensor scaled(const Tensor& u, const Coefficient& c) {
  return c.constant ? u.mul(c.number) : u.mul(c.tensor);
}

Tensor lin_forward(Frame& f) {
  if (auto fused = kernels::lin_forward(f)) return *fused;
  Tensor sum = scaled(f.input(0), f.coef(0));
  for (size_t i = 1; i < f.node.inputs.size(); ++i) {
    const Coefficient& c = f.coef(i);
    if (c.constant)
      sum.add_(f.input(i), c.number);
    else
      sum.addcmul_(f.input(i), c.tensor);
  }
  return sum;
}

void lin_backward(Frame& f, const Tensor& grad) {
  for (size_t i = 0; i < f.node.inputs.size(); ++i) {
    const Coefficient& c = f.coef(i);
    if (!c.constant) f.add_coef_grad(static_cast<int>(i), kernels::dot(grad, f.input(i), c.tensor));
    if (!f.wants(i)) continue;
    const bool one = c.constant && c.number == 1;
    f.add_grad(i, one ? grad : scaled(grad, c), !one);
  }
}

// --- pooling
// -----------------------------------------------------------------------------------------------------

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
  const Sizes shape = f.input().sizes().vec();
  const auto share = grad.div(static_cast<double>(shape[2] * shape[3])).view({shape[0], shape[1], 1, 1});
  f.add_grad(0, share.expand(shape).contiguous(at::MemoryFormat::ChannelsLast), true);
}

// --- linear: weight [out, in]
// ----------------------------------------------------------------------------------------

Sizes linear_shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  const Sizes& w = param_shape(node, graph, 0);
  LM_CHECK(in[0].size() == 2 && w.size() == 2 && w[1] == in[0][1], "ERR_SHAPE", node.path, ": weight ",
           text(w), " does not fit input ", text(in[0]));
  LM_CHECK(node.params.size() < 2 || param_shape(node, graph, 1) == Sizes{w[0]}, "ERR_SHAPE", node.path,
           ": the bias needs one number per output");
  return {in[0][0], w[0]};
}

Tensor linear_forward(Frame& f) {
  return f.has_param(1) ? at::addmm(f.param(1), f.input(), f.param(0).t())
                        : at::mm(f.input(), f.param(0).t());
}

void linear_backward(Frame& f, const Tensor& grad) {
  if (f.wants()) f.add_grad(0, at::mm(grad, f.param(0)), true);
  f.add_param_grad(0, at::mm(grad.t(), f.input()));
  if (f.has_param(1)) f.add_param_grad(1, grad.sum(0));
}

// --- channels
// ------------------------------------------------------------------------------------------------------

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
    const int64_t size = f.input(i).size(1);
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
  Tensor whole = at::zeros_like(f.input());
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

// name | inputs | params | buffers | internal | keeps inputs, output | view | shape, forward, backward
constexpr std::array table{
    Op{"input", 0, 0, 0, 0, 0, false, false, false, false, no_shape, no_forward, no_backward},
    Op{"conv2d", 1, 1, 1, 2, 0, false, true, false, false, conv_shape, conv_forward, conv_backward},
    Op{"batchNormStats", 1, 1, 0, 0, 2, false, true, false, false, stats_shape, stats_forward,
       stats_backward},
    Op{"batchNormApply", 2, 2, 0, 2, 0, false, true, false, false, apply_shape, apply_forward,
       apply_backward},
    Op{"relu", 1, 1, 0, 0, 0, false, false, true, false, same_shape, relu_forward, relu_backward},
    Op{"lin", 1, -1, 0, 0, 0, false, true, false, false, lin_shape, lin_forward, lin_backward},
    Op{"avgPool2d", 1, 1, 0, 0, 0, false, true, false, false, pool_shape, avg_pool_forward,
       avg_pool_backward},
    Op{"maxPool2d", 1, 1, 0, 0, 0, false, true, false, false, pool_shape, max_pool_forward,
       max_pool_backward},
    Op{"globalAvgPool", 1, 1, 0, 0, 0, false, true, false, false, global_pool_shape, global_pool_forward,
       global_pool_backward},
    Op{"linear", 1, 1, 1, 2, 0, false, true, false, false, linear_shape, linear_forward, linear_backward},
    Op{"concat", 1, -1, 0, 0, 0, false, true, false, false, concat_shape, concat_forward, concat_backward},
    Op{"slice", 1, 1, 0, 0, 0, false, true, false, true, slice_shape, slice_forward, slice_backward},
    Op{"padChannels", 1, 1, 0, 0, 0, false, false, false, false, pad_shape, pad_forward, pad_backward},
    Op{"batchNorm", 1, 1, 0, 2, 2, true, true, false, false, same_shape, norm_forward, norm_backward},
    Op{"batchNormRelu", 1, 1, 0, 2, 2, true, true, false, false, same_shape, norm_relu_forward,
       norm_relu_backward},
};

}  // namespace

Sizes same_shape(const Node&, const Graph&, const std::vector<Sizes>& inputs) { return inputs[0]; }

const Op* find_op(std::string_view name) {
  for (const Op& op : table)
    if (op.name == name) return &op;
  return nullptr;
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const Op& op : table)
    if (!op.internal) names.emplace_back(op.name);
  return names;
}

void check_arity(const Node& node) {
  const Op& op = *node.op;
  const auto within = [](size_t n, int low, int high) {
    return n >= static_cast<size_t>(low) && (high < 0 || n <= static_cast<size_t>(high));
  };
  LM_CHECK(within(node.inputs.size(), op.min_inputs, op.max_inputs), "ERR_GRAPH", node.path, ": ", op.name,
           " takes another number of inputs than ", node.inputs.size());
  LM_CHECK(within(node.params.size(), op.min_params, op.max_params), "ERR_GRAPH", node.path, ": ", op.name,
           " takes another number of parameters than ", node.params.size());
  LM_CHECK(node.buffers.size() == static_cast<size_t>(op.buffers), "ERR_GRAPH", node.path, ": ", op.name,
           " needs ", op.buffers, " buffers");
}

}  // namespace lm
