#include "core/plan/schedule.h"

#include <algorithm>
#include <limits>
#include <set>

#include "core/ops/op.h"
#include "core/plan/programs.h"

namespace lm {
namespace {

constexpr int kNever = std::numeric_limits<int>::max();

int highest(const std::vector<int>& ids) { return *std::max_element(ids.begin(), ids.end()); }

// Segments end at the given cuts; the input is kept, and what lies behind the last cut, for backward begins
// there.
std::vector<Segment> segments_to(const std::vector<int>& cuts, int count) {
  std::vector<Segment> out{{0, 1, true, {}}};
  int begin = 1;
  for (int end : cuts) {
    if (end > begin) out.push_back({begin, end, false, {}});
    begin = std::max(begin, end);
  }
  out.push_back({begin, count, true, {}});
  return out;
}

std::vector<Segment> cut_every(const Graph& graph, int every) {
  std::vector<int> cuts;
  for (size_t i = 0; i < graph.steps.size(); ++i)
    if ((i + 1) % static_cast<size_t>(every) == 0) cuts.push_back(highest(graph.steps[i].after) + 1);
  std::sort(cuts.begin(), cuts.end());
  return segments_to(cuts, static_cast<int>(graph.nodes.size()));
}

// Segments of a reversing plan: every reversible step is one; all else is stored.
std::vector<Segment> cut_reversible(Plan& plan, std::vector<Undone>& undone) {
  std::vector<Segment> out;
  int begin = 0;
  for (const Step& step : plan.graph.steps) {
    if (!step.inverse || step.inverse->nodes.empty()) continue;
    const int from = highest(step.before) + 1, end = highest(step.after) + 1;
    if (from < begin || end <= from) continue;
    if (from > begin) {
      out.push_back({begin, from, true, {}});
      undone.push_back({nullptr, 0});
    }
    out.push_back({from, end, false, {}});
    undone.push_back({&step, static_cast<int>(plan.slots())});
    const int first = static_cast<int>(plan.slots());
    for (Node node : step.inverse->nodes) {
      for (int& v : node.inputs)
        if (v < 0) v = first + (-1 - v);
      plan.inverse_nodes.push_back(std::move(node));
    }
    begin = end;
  }
  out.push_back({begin, static_cast<int>(plan.graph.nodes.size()), true, {}});
  undone.push_back({nullptr, 0});
  return out;
}

// Where values are read last: by a node's backward (its id), or by a segment's program (the segment's begin).
// Backward runs downwards.
struct Uses {
  std::vector<int> release;       // lowest place that reads the value; kNever when none does
  std::vector<bool> keep;         // needed from the forward pass
  std::vector<bool> in_programs;  // a program makes or reads it
};

void note(Uses& uses, int v, int place, bool keep) {
  const auto i = static_cast<size_t>(v);
  uses.release[i] = std::min(uses.release[i], place);
  if (keep) uses.keep[i] = true;
}

Uses find_uses(const Plan& plan, const std::vector<Segment>& segments, const std::vector<Demand>& demands) {
  const size_t count = plan.graph.nodes.size();
  Uses uses{std::vector<int>(count, kNever), std::vector<bool>(count, false),
            std::vector<bool>(count, false)};
  std::set<int> made;  // by segments whose backward comes first
  for (size_t s = segments.size(); s-- > 0;) {
    const Segment& segment = segments[s];
    const Demand& demand = demands[s];
    const int begin = std::max(1, segment.begin);
    for (int v : demand.needs) {
      note(uses, v, begin, made.count(v) == 0);
      uses.in_programs[static_cast<size_t>(v)] = true;
    }
    for (int i = segment.begin; i < segment.end; ++i)
      for (int v : backward_reads(plan, i)) {
        const bool here = demand.made.count(v) > 0 || made.count(v) > 0;
        note(uses, v, std::max(1, i), !here);
      }
    for (int v : demand.made) uses.in_programs[static_cast<size_t>(v)] = true;
    made.insert(demand.made.begin(), demand.made.end());
  }
  return uses;
}

std::vector<int> last_forward_use(const Graph& graph) {
  std::vector<int> last(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    last[i] = static_cast<int>(i);
    for (int v : graph.nodes[i].inputs) last[static_cast<size_t>(v)] = static_cast<int>(i);
  }
  return last;
}

std::vector<bool> find_viewed(const Graph& graph) {
  std::vector<bool> viewed(graph.nodes.size(), false);
  for (const Node& node : graph.nodes)
    if (op_of(node).view != nullptr)
      for (int v : node.inputs) viewed[static_cast<size_t>(v)] = true;
  return viewed;
}

// What is cheap is dropped after forward, and made again for the first backward that reads it.
void make_again(const Plan& plan, Uses& uses, Schedule& schedule) {
  const std::vector<bool> viewed = find_viewed(plan.graph);
  std::vector<int> first(uses.keep.size(), 0);
  for (size_t i = 0; i < first.size(); ++i)
    for (int v : backward_reads(plan, static_cast<int>(i)))
      first[static_cast<size_t>(v)] = static_cast<int>(i);
  for (size_t v = 0; v < first.size(); ++v) {
    const bool cheap = op_of(plan.graph.nodes[v]).cheap && plan.needs_grad[v];
    if (!cheap || !uses.keep[v] || uses.in_programs[v] || viewed[v]) continue;
    uses.keep[v] = false;
    schedule.again_before_backward[static_cast<size_t>(first[v])].push_back(static_cast<int>(v));
  }
}

void free_in_forward(const Plan& plan, const Uses& uses, Schedule& schedule) {
  const std::vector<int> last = last_forward_use(plan.graph);
  const std::vector<bool> viewed = find_viewed(plan.graph);
  for (size_t v = 0; v < last.size(); ++v) {
    const int id = static_cast<int>(v);
    if (id == plan.graph.output || uses.keep[v]) continue;
    const auto consumer = static_cast<size_t>(last[v]);
    schedule.free_after[consumer].push_back(id);
    const Node& reader = plan.graph.nodes[consumer];
    const bool read_later = uses.release[v] != kNever || uses.in_programs[v];
    const bool fresh = v != 0 && !viewed[v] && op_of(plan.graph.nodes[v]).view == nullptr;
    if (op_of(reader).in_place && fresh && !read_later && last[v] != id && reader.inputs[0] == id)
      schedule.overwrites[consumer] = true;
  }
}

// Frees what a program makes for itself alone after its last use there; the rest where backward or a lower
// segment reads it last.
void free_in_backward(const Plan& plan, const std::vector<Demand>& demands, const Uses& uses,
                      Schedule& schedule) {
  for (size_t v = 0; v < uses.release.size(); ++v) {
    const bool held = static_cast<int>(v) != plan.graph.output && uses.release[v] != kNever;
    if (held)
      schedule.free_after_backward[static_cast<size_t>(uses.release[v])].push_back(static_cast<int>(v));
  }
  for (size_t s = 0; s < schedule.segments.size(); ++s) {
    std::vector<Action>& program = schedule.segments[s].program;
    std::set<int> seen;  // read by a later action, going backwards
    for (size_t k = program.size(); k-- > 0;) {
      std::vector<int> touched = plan.node(program[k].node).inputs;
      touched.push_back(program[k].node);
      for (int v : touched) {
        if (!seen.insert(v).second) continue;
        const bool inverse = static_cast<size_t>(v) >= plan.graph.nodes.size();
        const bool own =
            inverse || (demands[s].made.count(v) > 0 && uses.release[static_cast<size_t>(v)] == kNever);
        if (own) program[k].free_after.push_back(v);
      }
      const int target = program[k].target;
      if (target >= 0 && seen.insert(target).second && uses.release[static_cast<size_t>(target)] == kNever)
        program[k].free_after.push_back(target);
    }
  }
}

}  // namespace

Schedule make_schedule(Plan& plan) {
  const size_t count = plan.graph.nodes.size();
  const PlanOptions& options = plan.options;
  Schedule schedule{{{0, static_cast<int>(count), true, {}}}, std::vector<bool>(count, false),
                    std::vector<bool>(count, false),          std::vector<std::vector<int>>(count),
                    std::vector<std::vector<int>>(count),     std::vector<std::vector<int>>(count)};
  if (options.keep_all) return schedule;
  std::vector<Undone> undone;
  if (options.backward && options.memory == Memory::kRecompute)
    schedule.segments = cut_every(plan.graph, options.every);
  if (options.backward && options.memory == Memory::kReverse)
    schedule.segments = cut_reversible(plan, undone);
  const std::vector<Demand> demands = build_programs(plan, schedule.segments, undone);
  Uses uses{std::vector<int>(count, kNever), std::vector<bool>(count, false),
            std::vector<bool>(count, false)};
  if (options.backward) uses = find_uses(plan, schedule.segments, demands);
  for (const Segment& segment : schedule.segments)
    for (int i = segment.begin; i < segment.end; ++i)
      schedule.drops_kept[static_cast<size_t>(i)] =
          !segment.stored && keeps_anew(plan.graph.nodes[static_cast<size_t>(i)]);
  if (options.again) make_again(plan, uses, schedule);
  free_in_forward(plan, uses, schedule);
  free_in_backward(plan, demands, uses, schedule);
  return schedule;
}

}  // namespace lm
