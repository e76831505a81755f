// mix: branches with drawn weights (run/draws.h); evaluation takes their expectation.

#include "core/ops/mix.h"

#include "core/ops/attributes.h"
#include "core/ops/frame.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {

double expected_weight(const Node& mix) {
  const auto& a = mix.as<MixAttributes>();
  if (a.law == MixAttributes::Law::kBernoulli) return a.scale_at_test ? a.keep : 1.0;
  return 1 / static_cast<double>(mix.inputs.size());
}

namespace {

using at::Tensor;

std::shared_ptr<const Attributes> parse(const Value& v) {
  using Law = MixAttributes::Law;
  using Backward = MixAttributes::Backward;
  const AttributeReader reader(v);
  auto a = std::make_shared<MixAttributes>();
  reader.part("keep", a->keep, 1);
  reader.part("global", a->global, 1);
  reader.read("columns", a->columns);
  reader.read("group", a->group);
  reader.choose<Law>("law", a->law,
                     {{"bernoulli", Law::kBernoulli}, {"shake", Law::kShake}, {"dropPath", Law::kDropPath}});
  reader.choose<Backward>(
      "backward", a->backward,
      {{"same", Backward::kSame}, {"uniform", Backward::kUniform}, {"even", Backward::kEven}});
  reader.choose<bool>("per", a->per_image, {{"batch", false}, {"sample", true}});
  reader.choose<bool>("scale", a->scale_at_test, {{"train", false}, {"test", true}});
  return a;
}

Sizes shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  want_equal_shapes(node, in);
  const auto& a = node.as<MixAttributes>();
  using Law = MixAttributes::Law;
  const size_t wanted = a.law == Law::kBernoulli ? 1 : a.law == Law::kShake ? 2 : in.size();
  LM_CHECK(in.size() == wanted, "ERR_SHAPE", node.path, ": the law takes another number of branches than ",
           in.size());
  LM_CHECK(a.columns.empty() ? a.global <= 0 : a.columns.size() == in.size(), "ERR_SHAPE", node.path,
           ": every branch needs a column");
  for (int64_t column : a.columns) LM_CHECK(column >= 0, "ERR_GRAPH", node.path, ": a column is negative");
  return in[0];
}

// A weight per image, as what it multiplies takes it: [n, 1, …].
Tensor column(const Tensor& weights, const Tensor& like) {
  Sizes shape(static_cast<size_t>(like.dim()), 1);
  shape[0] = like.size(0);
  return weights.view(shape).to(like.device(), like.scalar_type());
}

// Where a branch's weight is on the device; null: the host's number is its weight.
const Tensor* factor(const MixWeights& w, const Tensor& images, const std::vector<Tensor>& numbers,
                     size_t i) {
  if (w.per_image) return &images;
  return w.keeps_all ? &numbers[i] : nullptr;
}

// Left out when every branch is dropped: those who read it take it as zero without computing it.
void forward(Frame& f) {
  const MixWeights& w = f.mix_weights();
  std::vector<Tensor> columns(f.count());
  std::vector<Term> terms;
  for (size_t i = 0; i < f.count(); ++i) {
    if (w.drops(i) || f.is_absent(i)) continue;
    if (w.per_image) columns[i] = column(w.forward_images[i], f.output());
    terms.push_back({&f.input(i), w.forward[i], factor(w, columns[i], w.forward_number, i)});
  }
  if (terms.empty()) return f.leave_out();
  f.kernels.combine(terms, f.output());
}

void backward(Frame& f) {
  const MixWeights& w = f.mix_weights();
  for (size_t i = 0; i < f.count(); ++i) {
    if (!f.wants(i) || w.drops(i) || f.is_absent(i)) continue;
    Tensor images;
    if (w.per_image) images = column(w.backward_images[i], f.grad());
    const Term scaled{&f.grad(), w.backward[i], factor(w, images, w.backward_number, i)};
    f.kernels.combine({&scaled, 1}, f.grad_of(i));
  }
}

}  // namespace

extern const Op mix_op;
constinit const Op mix_op{.kind = OpKind::kMix,
                          .name = "mix",
                          .inputs = {1, kAny},
                          .leaves_out_absent = true,
                          .parse = parse,
                          .shape = shape,
                          .forward = forward,
                          .backward = backward};

}  // namespace lm
