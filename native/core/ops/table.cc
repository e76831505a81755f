#include <array>

#include "core/kernels/kernels.h"
#include "core/ops/ops.h"
#include "core/ops/rows.h"

namespace lm {
namespace {

using at::Tensor;

const Sizes& param_shape(const Node& node, const Graph& graph, size_t i) {
  return graph.params[static_cast<size_t>(node.params[i])].shape;
}

// --- input

Sizes no_shape(const Node& node, const Graph&, const std::vector<Sizes>&) {
  fail("ERR_GRAPH", node.path, ": only the first node may be the input");
}
Tensor no_forward(Frame&) { fail("ERR_GRAPH", "The input is not computed"); }
void no_backward(Frame&, const Tensor&) {}

// --- convolution: weight [out, in / groups, kh, kw]

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
  const std::optional<Tensor> bias = f.has_param(1) ? std::optional(f.weight(1)) : std::nullopt;
  // A convolution with one input channel comes back in NCHW: force the layout that the rest runs in.
  return channels_last(
      at::convolution(f.input(), f.weight(0), bias, a.stride, a.padding, {1, 1}, false, {0, 0}, a.groups));
}

void conv_backward(Frame& f, const Tensor& grad) {
  const Attrs& a = f.node.attrs;
  const bool has_bias = f.has_param(1);
  const Sizes bias_sizes{f.weight(0).size(0)};
  auto [gx, gw, gb] = at::convolution_backward(
      grad, f.input(), f.weight(0), has_bias ? at::OptionalIntArrayRef(bias_sizes) : std::nullopt, a.stride,
      a.padding, {1, 1}, false, {0, 0}, a.groups, {f.wants(), true, has_bias});
  if (f.wants()) f.add_grad(0, channels_last(gx), true);
  f.add_param_grad(0, gw);
  if (has_bias) f.add_param_grad(1, gb);
}

// --- relu

Tensor relu_forward(Frame& f) {
  Tensor x = f.input();
  return f.may_overwrite_input() ? x.relu_() : x.relu();
}

void relu_backward(Frame& f, const Tensor& grad) {
  f.add_grad(0, at::threshold_backward(grad, f.output(), 0), true);
}

// --- lin: sum of c_i u_i

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
  Tensor sum;
  for (size_t i = 0; i < f.node.inputs.size(); ++i) {
    if (f.is_absent(i)) continue;  // all its branches were dropped: zero, at no cost
    const Coefficient& c = f.coef(i);
    if (!sum.defined())
      sum = scaled(f.input(i), c);
    else if (c.constant)
      sum.add_(f.input(i), c.number);
    else
      sum.addcmul_(f.input(i), c.tensor);
  }
  return sum;
}

void lin_backward(Frame& f, const Tensor& grad) {
  for (size_t i = 0; i < f.node.inputs.size(); ++i) {
    if (f.is_absent(i)) continue;
    const Coefficient& c = f.coef(i);
    if (!c.constant) f.add_coef_grad(static_cast<int>(i), kernels::dot(grad, f.input(i), c.tensor));
    if (!f.wants(i)) continue;
    const bool one = c.constant && c.number == 1;
    f.add_grad(i, one ? grad : scaled(grad, c), !one);
  }
}

// --- linear: weight [out, in]

Sizes linear_shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  const Sizes& w = param_shape(node, graph, 0);
  LM_CHECK(in[0].size() == 2 && w.size() == 2 && w[1] == in[0][1], "ERR_SHAPE", node.path, ": weight ",
           text(w), " does not fit input ", text(in[0]));
  LM_CHECK(node.params.size() < 2 || param_shape(node, graph, 1) == Sizes{w[0]}, "ERR_SHAPE", node.path,
           ": the bias needs one number per output");
  return {in[0][0], w[0]};
}

Tensor linear_forward(Frame& f) {
  return f.has_param(1) ? at::addmm(f.weight(1), f.input(), f.weight(0).t())
                        : at::mm(f.input(), f.weight(0).t());
}

void linear_backward(Frame& f, const Tensor& grad) {
  if (f.wants()) f.add_grad(0, at::mm(grad, f.weight(0)), true);
  f.add_param_grad(0, at::mm(grad.t(), f.input()));
  if (f.has_param(1)) f.add_param_grad(1, grad.sum(0));
}

// --- cast: between the model's type and a half one

Tensor cast_forward(Frame& f) { return f.input().to(f.type()); }

void cast_backward(Frame& f, const Tensor& grad) { f.add_grad(0, grad.to(f.input_type()), true); }

// name | inputs | params | buffers | internal | keeps inputs, output | view | saved | mixed | shape, forward,
// backward
constexpr std::array table{
    Op{"input", 0, 0, 0, 0, 0, false, false, false, false, Saved::kNothing, Mixed::kOwn, no_shape, no_forward,
       no_backward},
    Op{"conv2d", 1, 1, 1, 2, 0, false, true, false, false, Saved::kNothing, Mixed::kHalf, conv_shape,
       conv_forward, conv_backward},
    Op{"batchNormStats", 1, 1, 0, 0, 2, false, true, false, false, Saved::kOnce, Mixed::kOwn, stats_shape,
       stats_forward, stats_backward},
    Op{"batchNormApply", 2, 2, 0, 2, 0, false, true, false, false, Saved::kNothing, Mixed::kOwn, apply_shape,
       apply_forward, apply_backward},
    Op{"relu", 1, 1, 0, 0, 0, false, false, true, false, Saved::kNothing, Mixed::kInputs, same_shape,
       relu_forward, relu_backward},
    Op{"lin", 1, -1, 0, 0, 0, false, true, false, false, Saved::kNothing, Mixed::kOwn, lin_shape, lin_forward,
       lin_backward},
    Op{"avgPool2d", 1, 1, 0, 0, 0, false, true, false, false, Saved::kNothing, Mixed::kInputs, pool_shape,
       avg_pool_forward, avg_pool_backward},
    Op{"maxPool2d", 1, 1, 0, 0, 0, false, true, false, false, Saved::kAnew, Mixed::kInputs, pool_shape,
       max_pool_forward, max_pool_backward},
    Op{"globalAvgPool", 1, 1, 0, 0, 0, false, false, false, false, Saved::kNothing, Mixed::kInputs,
       global_pool_shape, global_pool_forward, global_pool_backward},
    Op{"linear", 1, 1, 1, 2, 0, false, true, false, false, Saved::kNothing, Mixed::kHalf, linear_shape,
       linear_forward, linear_backward},
    Op{"concat", 1, -1, 0, 0, 0, false, false, false, false, Saved::kNothing, Mixed::kInputs, concat_shape,
       concat_forward, concat_backward},
    Op{"slice", 1, 1, 0, 0, 0, false, false, false, true, Saved::kNothing, Mixed::kInputs, slice_shape,
       slice_forward, slice_backward},
    Op{"padChannels", 1, 1, 0, 0, 0, false, false, false, false, Saved::kNothing, Mixed::kInputs, pad_shape,
       pad_forward, pad_backward},
    Op{"shift", 1, 1, 0, 0, 0, false, false, false, false, Saved::kNothing, Mixed::kInputs, shift_shape,
       shift_forward, shift_backward},
    Op{"mix", 1, -1, 0, 0, 0, false, false, false, true, Saved::kNothing, Mixed::kOwn, mix_shape, mix_forward,
       mix_backward},
    Op{"dropout", 1, 1, 0, 0, 0, false, false, false, false, Saved::kAnew, Mixed::kOwn, same_shape,
       dropout_forward, dropout_backward},
    Op{"gaussianNoise", 1, 1, 0, 0, 0, false, false, false, false, Saved::kNothing, Mixed::kOwn, same_shape,
       gaussian_forward, gaussian_backward},
    Op{"cast", 1, 1, 0, 0, 0, true, false, false, false, Saved::kNothing, Mixed::kOwn, same_shape,
       cast_forward, cast_backward},
    Op{"batchNorm", 1, 1, 0, 2, 2, true, true, false, false, Saved::kOnce, Mixed::kInputs, same_shape,
       norm_forward, norm_backward},
    Op{"batchNormRelu", 1, 1, 0, 2, 2, true, true, false, false, Saved::kOnce, Mixed::kInputs, same_shape,
       norm_relu_forward, norm_relu_backward},
};

}  // namespace

std::string text(const Sizes& shape) {
  std::ostringstream out;
  out << at::IntArrayRef(shape);
  return out.str();
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

at::Tensor channels_last(const at::Tensor& t) { return t.contiguous(at::MemoryFormat::ChannelsLast); }

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
