// max(x, 0).

#include "core/ops/frame.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {
namespace {

void forward(Frame& f) {
  at::Tensor out = f.output();
  at::clamp_min_out(out, f.input(), 0);  // what at::relu is
}

void backward(Frame& f) {
  at::Tensor out = f.grad_of();
  at::threshold_backward_out(out, f.grad(), f.output(), 0);
}

}  // namespace

extern const Op relu_op;
constinit const Op relu_op{.kind = OpKind::kRelu,
                           .name = "relu",
                           .keeps_output = true,
                           .in_place = true,
                           .mixed = Mixed::kInputs,
                           .shape = same_shape,
                           .forward = forward,
                           .backward = backward};

}  // namespace lm
