// A convolution of a training pass and the batch norm that it alone reads: what the norm makes of x is never
// in memory, but made where the convolution reads x, forwards and for the gradient of the weights.

#include "core/ops/convolutions/normed.h"

#include "core/ops/norm.h"

namespace lm {
namespace {

using at::Tensor;

Sizes shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  return convolution_shape(node, node.as<NormConvAttributes>().convolution, in[0],
                           graph.param_shape(node, 0));
}

std::vector<KeptTensor> keeps(const Node&, const Sizes& input, const Sizes&) {
  return kept_statistics(input);
}

// The two of a frame.
struct Pair {
  explicit Pair(const Frame& f)
      : attributes(f.node.as<NormConvAttributes>()),
        first(attributes.bias ? 2 : 1),
        kernels(kernels_for(f.input().device(), f.input().scalar_type())),
        norm{f.input(), f.param(first), f.param(first + 1), attributes.norm.eps, attributes.relu},
        found{f.kept(0), f.kept(1)},
        sliding(attributes.convolution.sliding()),
        convolution{f.input(), f.param(0), attributes.bias ? f.param(1) : none, sliding, &norm, &found} {}

  const NormConvAttributes& attributes;
  size_t first;  // parameter of the norm
  Tensor none;
  const Kernels& kernels;  // of the norm: x may be wider than what is convolved
  Norm norm;
  Statistics found;
  Sliding sliding;
  Convolution convolution;
};

void forward(Frame& f) {
  const Pair pair(f);
  if (!f.recomputing()) train_norm(f, pair.kernels, pair.norm, pair.attributes.norm.momentum, pair.none);
  f.kernels.convolve(pair.convolution, f.output());
}

void backward(Frame& f) {
  const Pair pair(f);
  const Tensor& inner = f.inner_grad();  // of what is convolved
  f.kernels.convolve_backward(pair.convolution, f.grad(),
                              {inner, f.param_grad(0), pair.attributes.bias ? f.param_grad(1) : pair.none});
  norm_gradients(f, pair.kernels, pair.norm, inner,
                 {f.wants() ? f.grad_of() : pair.none, f.param_grad(pair.first), f.param_grad(pair.first + 1),
                  f.grad_before()});
}

}  // namespace

extern const Op norm_conv2d_op;
constinit const Op norm_conv2d_op{.kind = OpKind::kNormConv2d,
                                  .name = "normConv2d",
                                  .params = {1, 4},
                                  .buffers = 2,
                                  .internal = true,
                                  .keeps_inputs = true,
                                  .adds = true,
                                  .inner_gradient = true,
                                  .kept = Kept::kOnce,
                                  .mixed = Mixed::kHalf,
                                  .shape = shape,
                                  .keeps = keeps,
                                  .forward = forward,
                                  .backward = backward};

}  // namespace lm
