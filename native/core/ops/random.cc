// Randomness: mixtures of branches with drawn weights (draws.h), dropout, and Gaussian noise.

#include "core/ops/rows.h"

namespace lm {
namespace {

using at::Tensor;

at::Generator generator(const Frame& f, const Tensor& x, const char* purpose) {
  at::Generator own = at::globalContext().defaultGenerator(x.device()).clone();
  own.set_current_seed(f.draw_key().stream(purpose, f.node.attrs.group).next() >> 1);
  return own;
}

Tensor times(const Tensor& t, const MixWeights& w, size_t branch, bool forward) {
  if (w.per_sample()) return t.mul((forward ? w.forward_tensors : w.backward_tensors)[branch]);
  return t.mul((forward ? w.forward : w.backward)[branch]);
}

}  // namespace

Sizes mix_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  for (const Sizes& shape : in)
    LM_CHECK(shape == in[0], "ERR_SHAPE", node.path, ": branches differ in shape");
  const Attrs& a = node.attrs;
  const size_t wanted = a.law == Attrs::Law::kBernoulli ? 1 : a.law == Attrs::Law::kShake ? 2 : in.size();
  LM_CHECK(in.size() == wanted, "ERR_SHAPE", node.path, ": the law takes another number of branches than ",
           in.size());
  LM_CHECK(a.columns.empty() ? a.global <= 0 : a.columns.size() == in.size(), "ERR_SHAPE", node.path,
           ": every branch needs a column");
  for (int64_t column : a.columns) LM_CHECK(column >= 0, "ERR_GRAPH", node.path, ": a column is negative");
  return in[0];
}

// Undefined when every branch is dropped: those who read it take it as zero without computing it.
Tensor mix_forward(Frame& f) {
  const MixWeights& w = f.mix_weights();
  Tensor sum;
  for (size_t i = 0; i < f.node.inputs.size(); ++i) {
    if (w.drops(i) || f.is_absent(i)) continue;
    const bool alone = !w.per_sample() && w.forward[i] == 1 && !sum.defined();
    const Tensor term = alone ? f.input(i) : times(f.input(i), w, i, true);
    sum = sum.defined() ? sum.add(term) : term;
  }
  return sum;
}

void mix_backward(Frame& f, const Tensor& grad) {
  const MixWeights& w = f.mix_weights();
  for (size_t i = 0; i < f.node.inputs.size(); ++i) {
    if (w.drops(i) || f.is_absent(i) || !f.wants(i)) continue;
    const bool alone = !w.per_sample() && w.backward[i] == 1;
    f.add_grad(i, alone ? grad : times(grad, w, i, false), !alone);
  }
}

Tensor dropout_forward(Frame& f) {
  const Tensor& x = f.input();
  const double p = f.node.attrs.p;
  if (!f.training() || p == 0) return x.clone();
  Tensor mask = at::empty_like(x).bernoulli_(1 - p, generator(f, x, "dropout")).div_(1 - p);
  f.saved() = {mask};
  return x.mul(mask);
}

void dropout_backward(Frame& f, const Tensor& grad) {
  const bool masked = f.training() && f.node.attrs.p != 0;
  f.add_grad(0, masked ? grad.mul(f.saved()[0]) : grad, masked);
}

Tensor gaussian_forward(Frame& f) {
  const Tensor& x = f.input();
  const double std = f.node.attrs.std;
  if (!f.training() || std == 0) return x.clone();
  return at::empty_like(x).normal_(0, std, generator(f, x, "noise")).add_(x);
}

void gaussian_backward(Frame& f, const Tensor& grad) { f.add_grad(0, grad, false); }

}  // namespace lm
