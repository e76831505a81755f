// Convolution: weight [out, in / groups, kh, kw].

#include "core/ops/attributes.h"
#include "core/ops/frame.h"
#include "core/ops/layers.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {

Sizes convolution_shape(const Node& node, const ConvAttributes& a, const Sizes& x, const Sizes& w) {
  want_image(node, x);
  LM_CHECK(w.size() == 4 && w[1] * a.groups == x[1] && w[0] % a.groups == 0, "ERR_SHAPE", node.path,
           ": weight ", text(w), " with ", a.groups, " groups does not fit input ", text(x));
  return {x[0], w[0], a.window.places(node, x[2], 0, w[2]), a.window.places(node, x[3], 1, w[3])};
}

namespace {

using at::Tensor;

std::shared_ptr<const Attributes> parse(const Value& v) {
  const AttributeReader reader(v);
  auto a = std::make_shared<ConvAttributes>();
  reader.read("stride", a->window.stride, 1);
  reader.read("padding", a->window.padding, 0);
  reader.read("groups", a->groups, 1);
  return a;
}

Sizes shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  const Sizes& w = graph.param_shape(node, 0);
  Sizes out = convolution_shape(node, node.as<ConvAttributes>(), in[0], w);
  LM_CHECK(node.params.size() < 2 || graph.param_shape(node, 1) == Sizes{w[0]}, "ERR_SHAPE", node.path,
           ": the bias needs one number per channel");
  return out;
}

void forward(Frame& f) {
  const Sliding sliding = f.node.as<ConvAttributes>().sliding();
  f.kernels.convolve({f.input(), f.weight(0), f.weight(1), sliding}, f.output());
}

void backward(Frame& f) {
  const Sliding sliding = f.node.as<ConvAttributes>().sliding();
  const Tensor nowhere;
  f.kernels.convolve_backward({f.input(), f.weight(0), f.weight(1), sliding}, f.grad(),
                              {f.wants() ? f.grad_of() : nowhere, f.param_grad(0), f.param_grad(1)});
}

}  // namespace

extern const Op conv2d_op;
constinit const Op conv2d_op{.kind = OpKind::kConv2d,
                             .name = "conv2d",
                             .params = {1, 2},
                             .keeps_inputs = true,
                             .mixed = Mixed::kHalf,
                             .parse = parse,
                             .shape = shape,
                             .forward = forward,
                             .backward = backward};

}  // namespace lm
