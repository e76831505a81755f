// Floating-point operations of calls, by op. Of batch norm: the mean (1 a value), the deviation (3: less the
// mean, squared, summed), the result (2); backwards the sums of g and g x^ (5) and the gradient (4).

#include "check/profile/cost.h"
#include "core/ops/convolutions/normed.h"

namespace lm {
namespace {

double count(const Sizes& shape) { return static_cast<double>(numel(shape)); }

// One call with the sizes that its operations follow from.
struct Work {
  const Plan& plan;
  const Call& call;
  const Node& node = plan.node(call.node);
  double out = count(plan.shapes[static_cast<size_t>(call.node)]);
  double in = count(plan.shapes[static_cast<size_t>(node.inputs[0])]);

  double terms() const { return static_cast<double>(node.inputs.size()); }
  bool is_again() const { return call.kind == Call::Kind::kAgain; }
  bool takes_statistics() const { return plan.options.training && !is_again(); }

  // Products of weights [out, in, …] with what they see.
  double products() const {
    const Sizes& w = plan.graph.param_shape(node, 0);
    return 2 * out * count(w) / static_cast<double>(w[0]);
  }
  double bias() const {
    const bool has =
        node.op == OpKind::kNormConv2d ? node.as<NormConvAttributes>().bias : node.params.size() > 1;
    return has ? out : 0;
  }
  double relu() const { return node.as<NormConvAttributes>().relu ? in : 0; }
  double window() const {
    const auto& kernel = node.as<PoolAttributes>().kernel;
    return static_cast<double>(kernel[0] * kernel[1]);
  }
  // Inputs whose gradients the op has to make.
  double wanted() const {
    double wanted = 0;
    for (const Contribution& c : call.gradients) wanted += c.passes ? 0 : 1;
    return wanted;
  }
  // Those that the op adds to what others have given.
  double added() const {
    double added = 0;
    for (const Contribution& c : call.gradients) added += c.adds ? 1 : 0;
    return added;
  }
  double learned() const {
    double learned = 0;
    for (int c : node.coefs) learned += plan.graph.is_learned(c) ? 1 : 0;
    return learned;
  }
};

}  // namespace

double forward_flops(const Plan& plan, const Call& call) {
  const Work w{plan, call};
  switch (w.node.op) {
    case OpKind::kConv2d:
    case OpKind::kLinear:
      return w.products() + w.bias();
    case OpKind::kNormConv2d:
      return w.products() + w.bias() + (w.takes_statistics() ? 6 : 2) * w.in + w.relu();
    case OpKind::kFusedConv2d:  // and what it takes in: in evaluations alone
      return w.products();
    case OpKind::kBatchNormStats:
      return w.takes_statistics() ? 4 * w.in : 0;
    case OpKind::kBatchNormApply:
      return 2 * w.out;
    case OpKind::kBatchNorm:
      return (w.takes_statistics() ? 6 : 2) * w.out;
    case OpKind::kBatchNormRelu:
      return (w.takes_statistics() ? 7 : 3) * w.out;
    case OpKind::kLin:
    case OpKind::kMix:
      return (2 * w.terms() - 1) * w.out;
    case OpKind::kAvgPool2d:
      return w.window() * w.out;
    case OpKind::kMaxPool2d:
      return (w.window() - 1) * w.out;
    case OpKind::kGlobalAvgPool:
      return w.in;
    case OpKind::kRelu:
    case OpKind::kDropout:
    case OpKind::kGaussianNoise:
      return w.out;
    case OpKind::kInput:
    case OpKind::kConcat:
    case OpKind::kSlice:
    case OpKind::kPadChannels:
    case OpKind::kShift:
    case OpKind::kCast:
      return 0;
  }
  return 0;
}

double backward_flops(const Plan& plan, const Call& call) {
  const Work w{plan, call};
  switch (w.node.op) {
    case OpKind::kConv2d:
    case OpKind::kLinear:
      return (1 + w.wanted()) * w.products() + w.bias();
    case OpKind::kNormConv2d:  // the norm is applied again for the gradient of the weights
      return 2 * w.products() + w.bias() + (2 + 5 + 4 * w.wanted() + w.added()) * w.in + 4 * w.relu();
    case OpKind::kBatchNormStats:
      return 3 * w.in * w.wanted();
    case OpKind::kBatchNormApply:
      return (4 + w.wanted()) * w.out;
    case OpKind::kBatchNorm:
      return (5 + 4 * w.wanted() + w.added()) * w.out;
    case OpKind::kBatchNormRelu:  // whose mask follows from x^ (2), and is compared and applied (1)
      return (8 + 4 * w.wanted() + w.added()) * w.out;
    case OpKind::kLin:
      return (w.wanted() + w.added() + 2 * w.learned()) * w.out;
    case OpKind::kAvgPool2d:
      return (w.window() + 1) * w.out;
    case OpKind::kRelu:
    case OpKind::kMix:
    case OpKind::kMaxPool2d:
    case OpKind::kGlobalAvgPool:
    case OpKind::kDropout:
      return w.wanted() * w.out;
    case OpKind::kInput:
    case OpKind::kGaussianNoise:
    case OpKind::kConcat:
    case OpKind::kSlice:
    case OpKind::kPadChannels:
    case OpKind::kShift:
    case OpKind::kCast:
    case OpKind::kFusedConv2d:
      return 0;
  }
  return 0;
}

}  // namespace lm
