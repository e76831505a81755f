// Runs a plan forward and backward, again and again. It lives as long as its plan, holds what lasts from step
// to step (places, half-type weights, coefficients), and belongs to the compute thread.
#pragma once

#include <ATen/ATen.h>

#include <array>
#include <functional>
#include <optional>

#include "core/ops/frame.h"
#include "core/plan/plan.h"
#include "core/run/arena.h"
#include "core/run/coefficients.h"
#include "core/run/observer.h"
#include "core/run/packs.h"
#include "core/run/step_table.h"
#include "core/weights.h"

namespace lm {

// Is told how a backward pass goes on, so that gradients can be summed over ranks beside it.
class GradientWatcher {
 public:
  virtual ~GradientWatcher() = default;
  // One of the ops that share a parameter is done with its gradient, or had nothing to give.
  virtual void gave(int param) = 0;
  // All ops are done; the parameters of coefficients get their gradients next.
  virtual void before_coefficients() = 0;
};

class Session {
 public:
  // `packs` are those of all plans of one graph with PlanOptions::pack.
  // `number`: no other session that lives as long as those who ask for it has it.
  Session(Plan plan, Arena& arena, at::ScalarType type, Packs* packs = nullptr, uint64_t number = 0);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Plan& plan() const { return plan_; }

  // What the step reads from the host; its scalars are to be filled in before the step begins.
  StepTable& table() { return table_; }

  // Before every step: `weights` are read, `buffers` are read, and updated in place by a training pass; `key`
  // names what is drawn.
  void begin(const Weights& weights, Weights& buffers, const DrawKey& key = {});
  // The same in two: what the host knows of the step is drawn and sent; what the device makes of that and of
  // the weights. With `keeps_all` the step does the same work whatever is drawn: branches that are dropped
  // count as zero times what they are.
  void prepare(const Weights& weights, Weights& buffers, const DrawKey& key, bool keeps_all);
  void load();
  // After forward, where all branches were kept: statistics of those that were dropped are the ones before.
  void keep_statistics(const Weights& before);
  // Which session this is, and how often the places of its values have changed.
  uint64_t number() const { return number_; }
  uint64_t layout() const { return layout_; }
  // Where the input of the step goes, and the gradient of its output.
  const at::Tensor& input() const { return tensor(plan_.input); }
  const at::Tensor& output_gradient() const { return tensor(plan_.output_gradient); }
  // The output lies in the arena, until the next step of any session of it.
  const at::Tensor& forward(const Observer& seen = {});
  // Adds the gradients of sum(output * output_gradient) to `grads`, which the caller has zeroed.
  void backward(Weights& grads, GradientWatcher* watcher = nullptr, const Observer& seen = {});
  // From the next step on batch statistics are those of all ranks; null: of this process.
  void share_statistics(Ranks* ranks) { ranks_ = ranks; }
  // Undefined where none flows to the input.
  at::Tensor input_gradient() const;
  const at::Tensor& value(int node) const { return tensor(plan_.values[static_cast<size_t>(node)]); }

  // Names the first layer whose value or gradient is not finite while running; "" when all are.
  void watch(bool on) {
    watching_ = on;
    not_finite_.clear();
  }
  const std::string& not_finite() const { return not_finite_; }
  // Bytes that outlived the op that took them: none, for all places are planned.
  size_t stray_bytes() const { return stray_bytes_; }

 private:
  const at::Tensor& tensor(int i) const { return tensors_[static_cast<size_t>(i)]; }
  at::ScalarType type_of(PlannedTensor::Type type) const;
  at::ScalarType half_type() const;
  void lay_out();
  void bind(const Weights& weights, Weights& buffers);
  void pack();
  std::vector<Frame> frames_of(const std::vector<Call>& calls) const;
  Frame frame_of(const Call& call) const;
  void place_mixes();
  void place_keys();
  void own_statistics();
  void draw_keys();
  void draw_mixes();
  void mark_needed();
  void keep_all();
  bool is_needed(int id) const;
  void fill_absent(Frame& frame, const Call& call);
  void run(const Call& call, Frame& frame);
  void differentiate(const Call& call, Frame& frame, const Observer& seen);
  bool contributes(const Call& call, size_t input) const;
  void add(const Contribution& c, int slot, const Call& call);
  void move(const Contribution& c, int slot);
  void look(const at::Tensor& tensor, const Node& node);
  void guard(const Node& node, const std::function<void()>& work);

  Plan plan_;
  Arena& arena_;
  at::ScalarType type_;
  char* base_ = nullptr;  // where the tensors lie now
  std::vector<at::Tensor> tensors_;
  std::vector<Frame> forward_, backward_;  // one a call
  const Weights* weights_ = nullptr;
  Weights* buffers_ = nullptr;
  std::array<const at::Tensor*, 2> views_{};  // theirs: another object may come to lie where one was
  Weights* grads_ = nullptr;
  Weights half_;  // copy of the weights in the precision of the plan, where that is not the model's own
  uint64_t version_ = 0;
  bool is_stale_ = true;  // the weights have changed since they were copied
  uint64_t number_, layout_ = 0;
  Packs* packs_;
  std::optional<Coefficients> coefficients_;
  DrawKey key_;
  Ranks* ranks_ = nullptr;
  StepTable table_;
  std::vector<MixWeights> mixes_;  // by node; empty where it is no mix
  int64_t mix_numbers_ = 0;        // of all of them, at the beginning of what the table has of mixes
  at::Tensor mix_numbers_there_;   // in the model's own type, on the device
  at::Tensor owner_;  // of every number of the statistics: its tensor; none where no branch is dropped
  bool keeps_all_ = false;
  std::vector<DrawKeys> keys_;  // by node; empty where nothing is drawn for images
  std::vector<char> needed_;    // by node: not part of a dropped branch
  std::vector<char> absent_;    // by slot: a mixture all of whose branches were dropped
  std::vector<char> zeroed_;    // by slot: absent, and its place is filled with zeros
  std::vector<char> has_grad_;  // by node
  bool watching_ = false;
  size_t stray_bytes_ = 0;
  std::string not_finite_;
};

}  // namespace lm
