// The images, and casts between the model's type and a half one.

#include "core/ops/frame.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {
namespace {

Sizes input_shape(const Node& node, const Graph&, const std::vector<Sizes>&) {
  fail("ERR_GRAPH", node.path, ": only the first node may be the input");
}

void cast_forward(Frame& f) { f.output().copy_(f.input()); }

void cast_backward(Frame& f) { f.grad_of().copy_(f.grad()); }

}  // namespace

extern const Op input_op, cast_op;

constinit const Op input_op{.kind = OpKind::kInput, .name = "input", .inputs = {0, 0}, .shape = input_shape};

constinit const Op cast_op{.kind = OpKind::kCast,
                           .name = "cast",
                           .internal = true,
                           .shape = same_shape,
                           .forward = cast_forward,
                           .backward = cast_backward};

}  // namespace lm
