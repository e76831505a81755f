// Bytes that pieces of a step must move.

#include <algorithm>

#include "check/profile/cost.h"

namespace lm {
namespace {

double count(const Sizes& shape) { return static_cast<double>(numel(shape)); }

double params_of(const Plan& plan, const Node& node) {
  double numbers = 0;
  for (size_t i = 0; i < node.params.size(); ++i) numbers += count(plan.graph.param_shape(node, i));
  return numbers;
}

double learned_of(const Plan& plan, const Node& node) {
  double numbers = 0;
  for (int c : node.coefs)
    if (plan.graph.is_learned(c)) numbers += count(plan.graph.coefs[static_cast<size_t>(c)].shape);
  return numbers;
}

double buffers_of(const Plan& plan, const Node& node) {
  double numbers = 0;
  for (int b : node.buffers) numbers += count(plan.graph.buffers[static_cast<size_t>(b)].shape);
  return numbers;
}

// Weights that are multiplied in the half type are read in it, those of norms in the model's own.
double weight_bytes(const Node& node, const Sizing& sizing) {
  return op_of(node).mixed == Mixed::kHalf && node.precision != Precision::kOwn ? 2 : sizing.own();
}

// Whether backward reads the numbers of input i: poolings keep it for its shape alone, and a combination
// needs only what a learned number multiplies.
bool reads_input(const Plan& plan, const Node& node, size_t i) {
  const bool pools = node.op == OpKind::kAvgPool2d || node.op == OpKind::kMaxPool2d;
  if (node.op == OpKind::kLin) return plan.graph.is_learned(node.coefs[i]);
  return op_of(node).keeps_inputs && !pools;
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  read += other.read;
  written += other.written;
  flops += other.flops;
  return *this;
}

double Sizing::tensor(int i) const {
  if (i < 0) return 0;
  const PlannedTensor& t = plan_.tensors[static_cast<size_t>(i)];
  using Type = PlannedTensor::Type;
  return count(t.shape) * (t.type == Type::kOwn ? own_ : t.type == Type::kHalf ? 2 : 8);
}

double Sizing::distinct(std::vector<int> tensors) const {
  std::sort(tensors.begin(), tensors.end());
  tensors.erase(std::unique(tensors.begin(), tensors.end()), tensors.end());
  double bytes = 0;
  for (int i : tensors) bytes += tensor(i);
  return bytes;
}

Cost forward_cost(const Plan& plan, const Call& call, const Sizing& sizing) {
  const Node& node = plan.node(call.node);
  const Op& op = op_of(node);
  Cost cost;
  if (op.view != nullptr) return cost;
  const bool again = call.kind == Call::Kind::kAgain;
  cost.read = sizing.distinct(call.inputs) + params_of(plan, node) * weight_bytes(node, sizing) +
              learned_of(plan, node) * sizing.own();
  cost.written = sizing.tensor(call.output);
  (again && op.kept == Kept::kOnce ? cost.read : cost.written) += sizing.distinct(call.kept);
  if (!again) {
    cost.read += buffers_of(plan, node) * sizing.own();
    if (plan.options.training) cost.written += buffers_of(plan, node) * sizing.own();
  }
  cost.flops = forward_flops(plan, call);
  return cost;
}

Cost backward_cost(const Plan& plan, const Call& call, const Sizing& sizing) {
  const Node& node = plan.node(call.node);
  const double params = params_of(plan, node), learned = learned_of(plan, node);
  Cost cost;
  bool wants = false;
  for (const Contribution& c : call.gradients) {
    if (c.passes) continue;
    wants = true;
    cost.written += sizing.tensor(c.from >= 0 && !c.adds ? c.scratch : c.to);
    if (c.adds) cost.read += sizing.tensor(c.from);
  }
  if (!wants && params == 0 && learned == 0) return cost;
  std::vector<int> read{call.grad};
  for (size_t i = 0; i < call.inputs.size(); ++i)
    if (reads_input(plan, node, i)) read.push_back(call.inputs[i]);
  if (op_of(node).keeps_output) read.push_back(call.output);
  read.insert(read.end(), call.kept.begin(), call.kept.end());
  cost.read += sizing.distinct(read) + learned * sizing.own();
  // Products need the weights for the gradient of the input alone.
  const bool reads_weights = op_of(node).mixed != Mixed::kHalf || wants;
  if (reads_weights) cost.read += params * weight_bytes(node, sizing);
  cost.read += (params + learned) * sizing.own();  // gradients are added to
  cost.written += (params + learned) * sizing.own();
  cost.flops = backward_flops(plan, call);
  return cost;
}

Cost sum_cost(const Plan& plan, const Call& call, const Sizing& sizing) {
  Cost cost;
  for (const Contribution& c : call.gradients) {
    if (c.adds) continue;
    const int part = c.passes ? call.grad : c.scratch;
    if (c.from >= 0) {
      cost.read += sizing.tensor(part) + sizing.tensor(c.from);
      cost.written += sizing.tensor(c.to);
      cost.flops += count(plan.tensors[static_cast<size_t>(c.to)].shape);
    } else if (c.passes && c.to != call.grad) {
      cost.read += sizing.tensor(call.grad);
      cost.written += sizing.tensor(c.to);
    }
  }
  return cost;
}

namespace {

// Of one parameter: how many numbers are read and written, and operations.
Cost update_cost(const OptimizerSpec& optimizer, const StepScalars& scalars) {
  using Kind = OptimizerSpec::Kind;
  const double decay = scalars.decay != 0 ? 2 : 0;
  const bool moves = scalars.momentum != 0;
  const Cost sgd{moves ? 3. : 2., moves ? 2. : 1.,
                 2 + (moves ? 2. : 0.) + (moves && optimizer.nesterov ? 2. : 0.)};
  switch (optimizer.kind) {
    case Kind::kSgd:
      return {sgd.read, sgd.written, sgd.flops + decay};
    case Kind::kLars:  // the norms of weights and gradients come first; then decay is added, and all scaled
      return {sgd.read + 2, sgd.written, sgd.flops + 7};
    case Kind::kAdamW:  // moments 3 + 4, then root, eps, two corrections, quotient, rate
      return {4, 3, 13 + decay};
    case Kind::kLamb:  // the norm of the whole update must be known before any weight moves
      return {7, 3, 18 + decay};
  }
  return {};
}

}  // namespace

Cost step_cost(Piece::Kind kind, const Plan& plan, const OptimizerSpec& optimizer, const StepScalars& scalars,
               int64_t bytes_of_own) {
  const auto own = static_cast<double>(bytes_of_own);
  double params = 0, buffers = 0;
  for (const ParamSpec& p : plan.graph.params) params += count(p.shape);
  for (const BufferSpec& b : plan.graph.buffers) buffers += count(b.shape);
  const double images = count(plan.shapes[0]);
  const double logits = count(plan.shapes[static_cast<size_t>(plan.graph.output)]);
  const bool half = plan.options.precision != Precision::kOwn;
  switch (kind) {
    case Piece::Kind::kPrepare:  // pixels are normalised, gradients zeroed, statistics and weights copied
      return {images + own * buffers + (half ? own * params : 0),
              own * (images + params + buffers) + (half ? 2 * params : 0), 2 * images};
    case Piece::Kind::kLoss:  // exp, its sum, the quotient, less the target, by the batch
      return {own * logits, own * logits, 5 * logits};
    case Piece::Kind::kCheck:
      return {own * (params + buffers), 0, params + buffers};
    case Piece::Kind::kUpdate: {
      const Cost one = update_cost(optimizer, scalars);
      return {own * (one.read * params + 2 * buffers), own * (one.written * params + buffers),
              one.flops * params};
    }
    default:  // expressions of a few learned numbers; calls
      return {};
  }
}

}  // namespace lm
