// lin: sum of c_i u_i, the coefficients numbers or learned.

#include "core/ops/frame.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {
namespace {

using at::Tensor;

Sizes shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  want_equal_shapes(node, in);
  LM_CHECK(node.coefs.size() == in.size(), "ERR_GRAPH", node.path, ": one coefficient per term is needed");
  for (int c : node.coefs) {
    const Sizes& shape = graph.coefs[static_cast<size_t>(c)].shape;
    LM_CHECK(shape == Sizes{1} || (in[0].size() == 4 && shape == Sizes({in[0][1], 1, 1})), "ERR_SHAPE",
             node.path, ": a coefficient of shape ", text(shape),
             " is neither one number nor one per channel of ", text(in[0]));
  }
  return in[0];
}

Term term(const Tensor& u, const Coefficient& c) { return {&u, c.number, c.constant ? nullptr : &c.tensor}; }

void forward(Frame& f) {
  std::vector<Term> terms;
  terms.reserve(f.count());
  for (size_t i = 0; i < f.count(); ++i)  // all branches of an absent one were dropped: zero, at no cost
    if (!f.is_absent(i)) terms.push_back(term(f.input(i), f.coef(i)));
  if (terms.empty()) return f.leave_out();
  f.kernels.combine(terms, f.output());
}

bool passes(const Node& node, const Graph& graph, size_t i) {
  const CoefSpec& c = graph.coefs[static_cast<size_t>(node.coefs[i])];
  return c.kind == CoefSpec::Kind::kConstant && c.value == 1;
}

void backward(Frame& f) {
  std::vector<TermGradient> terms;
  terms.reserve(f.count());
  for (size_t i = 0; i < f.count(); ++i) {
    if (f.is_absent(i)) continue;
    const Coefficient& c = f.coef(i);
    const at::Tensor* const tensor = c.constant ? nullptr : &c.tensor;
    // The value of a term is kept where its coefficient is learned.
    const Term term{c.constant ? nullptr : &f.input(i), c.number, tensor};
    terms.push_back({term, f.wants(i) ? &f.grad_of(i) : nullptr, c.constant ? nullptr : &c.gradient,
                     f.wants(i) ? f.grad_before(i) : nullptr});
  }
  f.kernels.combine_backward(f.grad(), terms);
}

}  // namespace

extern const Op lin_op;
constinit const Op lin_op{.kind = OpKind::kLin,
                          .name = "lin",
                          .inputs = {1, kAny},
                          .keeps_inputs = true,
                          .adds = true,
                          .leaves_out_absent = true,
                          .shape = shape,
                          .passes = passes,
                          .forward = forward,
                          .backward = backward};

}  // namespace lm
