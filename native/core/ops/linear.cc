// x w^T + b: weight [out, in].

#include "core/ops/frame.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {
namespace {

using at::Tensor;

Sizes shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  const Sizes& w = graph.param_shape(node, 0);
  LM_CHECK(in[0].size() == 2 && w.size() == 2 && w[1] == in[0][1], "ERR_SHAPE", node.path, ": weight ",
           text(w), " does not fit input ", text(in[0]));
  LM_CHECK(node.params.size() < 2 || graph.param_shape(node, 1) == Sizes{w[0]}, "ERR_SHAPE", node.path,
           ": the bias needs one number per output");
  return {in[0][0], w[0]};
}

void forward(Frame& f) {
  Tensor out = f.output();
  if (f.has_param(1))
    at::addmm_out(out, f.weight(1), f.input(), f.weight(0).t());
  else
    at::mm_out(out, f.input(), f.weight(0).t());
}

void backward(Frame& f) {
  if (f.wants()) {
    Tensor out = f.grad_of();
    at::mm_out(out, f.grad(), f.weight(0));
  }
  f.param_grad(0).add_(at::mm(f.grad().t(), f.input()));
  if (f.has_param(1)) f.param_grad(1).add_(f.grad().sum(0));
}

}  // namespace

extern const Op linear_op;
constinit const Op linear_op{.kind = OpKind::kLinear,
                             .name = "linear",
                             .params = {1, 2},
                             .keeps_inputs = true,
                             .mixed = Mixed::kHalf,
                             .shape = shape,
                             .forward = forward,
                             .backward = backward};

}  // namespace lm
