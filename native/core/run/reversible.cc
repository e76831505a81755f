#include "core/run/reversible.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/run/coefficients.h"

namespace lm {
namespace {

// The largest number of every coefficient, read from the device all at once.
std::vector<double> largest(const Graph& graph, const Coefficients& coefficients) {
  std::vector<double> sizes;
  std::vector<at::Tensor> learned;
  for (size_t i = 0; i < graph.coefs.size(); ++i) {
    const Coefficient& c = coefficients.at(static_cast<int>(i));
    sizes.push_back(c.constant ? std::abs(c.number) : -1);
    if (!c.constant) learned.push_back(c.tensor.abs().max());
  }
  if (learned.empty()) return sizes;
  const at::Tensor read = at::stack(learned).to(at::kCPU, at::kDouble);
  const double* next = read.data_ptr<double>();
  for (double& size : sizes)
    if (size < 0) size = *next++;
  return sizes;
}

// How much an error in the states after a step may grow in the states before it: the largest coefficient of a
// state after that is not itself one of those before.
double growth(const Step& step, const std::vector<double>& sizes) {
  double most = 1;
  const auto is_in = [](const std::vector<int>& ids, int v) {
    return std::find(ids.begin(), ids.end(), v) != ids.end();
  };
  for (const Node& node : step.inverse->nodes)
    for (size_t i = 0; i < node.coefs.size(); ++i)
      if (is_in(step.after, node.inputs[i]) && !is_in(step.before, node.inputs[i]))
        most = std::max(most, sizes[static_cast<size_t>(node.coefs[i])]);
  return most;
}

bool follows(const Step& step, const Step* before) {
  return before != nullptr && before->inverse && before->after == step.before;
}

}  // namespace

void check_reversible(const Graph& graph, const Weights& weights) {
  const double precision = weights.flat.scalar_type() == at::kDouble ? 2.2e-16 : 1.2e-7;
  const double bound = 1e-3 / precision;
  Coefficients coefficients(graph, weights);
  coefficients.evaluate();
  const std::vector<double> sizes = largest(graph, coefficients);
  double total = 1, worst = 0;
  const Step *last = nullptr, *worst_step = nullptr;
  bool any = false;
  for (const Step& step : graph.steps) {
    if (!step.inverse || step.inverse->nodes.empty()) {
      last = &step;
      continue;
    }
    any = true;
    if (!follows(step, last)) {
      total = 1;
      worst = 0;
    }
    last = &step;
    const double grows = growth(step, sizes);
    total *= grows;
    if (!(grows <= worst)) {
      worst = grows;
      worst_step = &step;
    }
    LM_CHECK(total <= bound, "ERR_CONFIG",
             "Expected steps that can be undone for `memory: reverse` but errors would grow ", total,
             "-fold until ", step.path, ", most at ", worst_step->path, " (", worst,
             "-fold, 1/|k| of a two-step scheme)");
  }
  LM_CHECK(any, "ERR_CONFIG", "Expected a reversible scheme for `memory: reverse` but \"", graph.name,
           "\" has no step that can be undone");
}

}  // namespace lm
