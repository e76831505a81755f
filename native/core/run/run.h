// Runs a plan forward and backward. One Run holds the values of one pass; it belongs to the compute thread.
#pragma once

#include <ATen/ATen.h>

#include <map>

#include "core/plan/plan.h"
#include "core/run/coefficients.h"
#include "core/run/draws.h"
#include "core/weights.h"

namespace lm {

class Run {
 public:
  // `weights` is read; `buffers` are read, and updated in place by a training pass; `key` names what a
  // training pass draws.
  Run(const Plan& plan, const Weights& weights, std::vector<at::Tensor>& buffers, DrawKey key = {});

  at::Tensor forward(const at::Tensor& input);
  // Adds the gradients of sum(output * grad) to `grads`, which the caller has zeroed.
  void backward(const at::Tensor& grad, Weights& grads);
  at::Tensor input_gradient() const { return slots_[0].grad; }

  const at::Tensor& value(int node) const { return slots_[static_cast<size_t>(node)].value; }
  // Names the first layer whose value or gradient is not finite while running; "" when all are.
  void watch() { watching_ = true; }
  const std::string& not_finite() const { return not_finite_; }

 private:
  friend class Frame;
  struct Slot {
    at::Tensor value, grad;
    bool grad_owned = false;  // nobody else sees grad's memory, so it may be added to in place
    std::vector<at::Tensor> saved;
  };

  at::ScalarType type_of(Precision precision) const;
  void draw(const at::TensorOptions& options);
  void mark_needed();
  void run_node(int id);
  const at::Tensor& present(size_t id);
  void run_program(const Segment& segment);
  void look(const at::Tensor& tensor, const Node& node);

  const Plan& plan_;
  const Weights& weights_;
  Weights half_;  // copy of the weights in the precision of the plan, where that is not the model's own
  std::vector<at::Tensor>& buffers_;
  Weights* grads_ = nullptr;
  Coefficients coefficients_;
  std::vector<Slot> slots_;
  DrawKey key_;
  std::map<size_t, MixWeights> mixes_;  // by node
  std::vector<bool> needed_;            // by node: not part of a dropped branch
  std::vector<bool> absent_;            // by slot: a mixture all of whose branches were dropped
  bool recomputing_ = false;
  bool watching_ = false;
  std::string not_finite_;
};

// What one op sees of a run.
class Frame {
 public:
  Frame(Run& run, int id) : node(run.plan_.node(id)), run_(run), id_(static_cast<size_t>(id)) {}

  const Node& node;
  bool training() const { return run_.plan_.training; }
  // The input dies here and is not kept: its memory may be reused for the result.
  bool may_overwrite_input() const {
    return id_ < run_.plan_.overwrites.size() && run_.plan_.overwrites[id_];
  }
  // Forward runs again, for backward: batch statistics are those that were saved, running ones stay.
  bool recomputing() const { return run_.recomputing_; }
  // The input is a mixture all of whose branches were dropped, so it was not computed: it counts as zero.
  bool is_absent(size_t i) const { return run_.absent_[static_cast<size_t>(node.inputs[i])]; }
  const Sizes& input_shape(size_t i = 0) const {
    return run_.plan_.shapes[static_cast<size_t>(node.inputs[i])];
  }
  const at::Tensor& input(size_t i = 0) const;
  const MixWeights& mix_weights() const { return run_.mixes_.at(id_); }
  const DrawKey& draw_key() const { return run_.key_; }
  const at::Tensor& output() const { return run_.slots_[id_].value; }
  bool has_param(size_t i) const { return i < node.params.size(); }
  // Types of the node's value, and of an input's.
  at::ScalarType type() const { return run_.type_of(node.precision); }
  at::ScalarType input_type(size_t i = 0) const {
    return run_.type_of(run_.plan_.node(node.inputs[i]).precision);
  }
  at::TensorOptions own_options() const { return run_.weights_.flat.options(); }
  const at::Tensor& param(size_t i) const { return run_.weights_.views[static_cast<size_t>(node.params[i])]; }
  // A parameter in the type of the node's value.
  const at::Tensor& weight(size_t i) const {
    const bool own = node.precision == Precision::kOwn;
    return own ? param(i) : run_.half_.views[static_cast<size_t>(node.params[i])];
  }
  at::Tensor& buffer(size_t i) const { return run_.buffers_[static_cast<size_t>(node.buffers[i])]; }
  const Coefficient& coef(size_t i) const { return run_.coefficients_.at(node.coefs[i]); }
  std::vector<at::Tensor>& saved() const { return run_.slots_[id_].saved; }

  bool wants(size_t i = 0) const { return run_.plan_.needs_grad[static_cast<size_t>(node.inputs[i])]; }
  // `owned`: the tensor is new, nobody else sees its memory.
  void add_grad(size_t i, at::Tensor grad, bool owned) const;
  void add_param_grad(size_t i, const at::Tensor& grad) const;
  void add_coef_grad(size_t i, const at::Tensor& grad) const {
    run_.coefficients_.add_grad(node.coefs[i], grad);
  }
  // The incoming gradient's memory may be reused: no other consumer sees it.
  bool may_overwrite_grad() const { return run_.slots_[id_].grad_owned; }

 private:
  Run& run_;
  size_t id_;
};

}  // namespace lm
