#include "check/profile/profile.h"

#include <ATen/DeviceAccelerator.h>

#include <algorithm>

#include "core/ops/shapes.h"

namespace lm {
namespace {

double median(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers.empty() ? 0 : numbers[numbers.size() / 2];
}

bool is_again(const Piece& piece) {
  return piece.kind == Piece::Kind::kBackward && piece.call->kind == Call::Kind::kAgain;
}

const char* stage_of(Piece::Kind kind) {
  switch (kind) {
    case Piece::Kind::kPrepare:
      return "prepare";
    case Piece::Kind::kForward:
      return "forward";
    case Piece::Kind::kLoss:
      return "loss";
    case Piece::Kind::kBackward:
    case Piece::Kind::kSum:
    case Piece::Kind::kCoefficients:
      return "backward";
    case Piece::Kind::kCheck:
      return "check";
    case Piece::Kind::kUpdate:
      return "update";
  }
  return "";
}

std::string name_of(const Plan& plan, const Piece& piece) {
  if (piece.kind == Piece::Kind::kSum) return "sum of gradients";
  if (piece.kind == Piece::Kind::kCoefficients) return "coefficients";
  if (piece.call == nullptr) return stage_of(piece.kind);
  const std::string name(op_of(plan.node(piece.call->node)).name);
  return is_again(piece) ? name + ", again" : name;
}

// Weight and sizes of a call: [out, in / groups, kh, kw] of [N, C, H, W].
std::string shape_of(const Plan& plan, const Node& node) {
  const Sizes& in = plan.shapes[static_cast<size_t>(node.inputs[0])];
  if (op_of(node).mixed != Mixed::kHalf) return text(in);
  return text(plan.graph.param_shape(node, 0)) + " of " + text(in);
}

Cost cost_of(const Plan& plan, const Piece& piece, const Sizing& sizing) {
  if (piece.kind == Piece::Kind::kSum) return sum_cost(plan, *piece.call, sizing);
  if (piece.kind == Piece::Kind::kForward || is_again(piece)) return forward_cost(plan, *piece.call, sizing);
  return backward_cost(plan, *piece.call, sizing);
}

void add(std::vector<ProfileRow>& rows, const ProfileRow& row, const std::string& name) {
  auto found = std::find_if(rows.begin(), rows.end(),
                            [&](const ProfileRow& r) { return r.stage == row.stage && r.name == name; });
  if (found == rows.end()) {
    rows.push_back({.stage = row.stage, .name = name, .pieces = 0});
    found = rows.end() - 1;
  }
  found->pieces += row.pieces;
  found->seconds += row.seconds;
  found->cost += row.cost;
  found->bound += row.bound;
}

}  // namespace

double Profiler::lap() {
  if (!device_.is_cpu()) at::accelerator::synchronizeDevice(0);
  const auto now = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
}

void Profiler::begin() { lap(); }

void Profiler::see(const Piece& piece) {
  step_.push_back(lap());
  if (steps_.empty()) pieces_.push_back(piece);
}

void Profiler::end_step() { steps_.push_back(std::exchange(step_, {})); }

Profile Profiler::finish(const Plan& plan, const OptimizerSpec& optimizer, const StepScalars& scalars,
                         const at::TensorOptions& type) const {
  const auto own = static_cast<int64_t>(type.dtype().itemsize());
  const Sizing sizing(plan, own);
  Profile profile{.machine = measure_machine(type), .sum = {.name = "sum", .pieces = 0}};
  const Machine& machine = profile.machine;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    std::vector<double> times;
    for (const std::vector<double>& step : steps_) times.push_back(step[i]);
    ProfileRow row{.stage = stage_of(piece.kind), .name = name_of(plan, piece), .seconds = median(times)};
    double rate = machine.multiply;
    if (piece.call != nullptr) {
      const Node& node = plan.node(piece.call->node);
      row.path = node.path;
      row.shape = shape_of(plan, node);
      row.cost = cost_of(plan, piece, sizing);
      if (node.precision != Precision::kOwn) rate = machine.multiply_half;
    } else {
      row.cost = step_cost(piece.kind, plan, optimizer, scalars, own);
    }
    row.bound = std::max(row.cost.bytes() / machine.copy, row.cost.flops / rate);
    // Where there was nothing to do, the clock alone was measured.
    if (piece.kind == Piece::Kind::kSum && row.cost.bytes() == 0) continue;
    profile.pieces.push_back(row);
    add(profile.kinds, row, row.name);
    add(profile.stages, row, row.stage);
    profile.sum.pieces += 1;
    profile.sum.seconds += row.seconds;
    profile.sum.cost += row.cost;
    profile.sum.bound += row.bound;
  }
  std::stable_sort(profile.kinds.begin(), profile.kinds.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.seconds > b.seconds; });
  return profile;
}

}  // namespace lm
