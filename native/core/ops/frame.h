// What one op sees of a run: the values it reads and the places it writes to, all known before. The run
// (run/session.h) fills it in.
#pragma once

#include <ATen/ATen.h>

#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "core/kernels/kernels.h"
#include "core/rng.h"

namespace lm {

class Ranks;

// A coefficient of `lin`, evaluated.
struct Coefficient {
  bool constant = true;
  double number = 0;      // when constant
  at::Tensor tensor{};    // [1] or [C, 1, 1] otherwise
  at::Tensor gradient{};  // of the same shape; what is found is added to it
};

// Which step draws, and for which images. A draw is keyed by (seed, purpose, step, group) and, where it is
// for one image, by the number of that image in its data set: how a step is cut into batches, or shared by
// ranks, changes nobody's draw. Steps are counted over all epochs.
struct DrawKey {
  uint64_t seed = 0;
  int64_t step = 0;
  std::span<const int64_t> samples;  // of the batch; empty: 0, 1, 2, …

  // Of the whole step.
  Rng stream(std::string_view purpose, std::string_view group) const;
  // Of image i of the batch.
  Rng stream(std::string_view purpose, std::string_view group, size_t i) const;
  Rng image_stream(std::string_view name, size_t i) const;  // its name is "purpose:group"
};

// Weights of one mix: a number per branch, or per branch and image of the batch.
struct MixWeights {
  std::span<double> forward, backward;                         // by branch, in the table of the step
  std::vector<std::span<double>> host_forward, host_backward;  // by branch, for every image, if it draws so
  std::vector<at::Tensor> forward_images, backward_images;     // the same on the device, double [n]
  bool per_image = false;                                      // which of the two this step takes
  // By branch, [1] in the model's own type: what a step that drops no branch multiplies by.
  std::vector<at::Tensor> forward_number, backward_number;
  bool keeps_all = false;  // no branch is left out, and the numbers are read on the device

  // Nothing of the branch reaches the result or the gradient, and it is left out.
  bool drops(size_t branch) const {
    return !keeps_all && !per_image && forward[branch] == 0 && backward[branch] == 0;
  }
};

class Frame {
 public:
  Frame(const Node& node, const Graph& graph, const Kernels& kernels)
      : node(node), graph(graph), kernels(kernels) {}

  const Node& node;
  const Graph& graph;
  const Kernels& kernels;  // for the type of the node's value

  bool training() const { return training_; }  // batch statistics, and draws
  // Forward runs again, for backward: batch statistics are those that were kept, running ones stay.
  bool recomputing() const { return recomputing_; }

  // The value of input i; in backward where the op keeps its inputs.
  const at::Tensor& input(size_t i = 0) const { return *inputs_[i]; }
  std::span<const at::Tensor* const> inputs() const { return inputs_; }
  // The input is a mixture all of whose branches were dropped, so it was not computed: it counts as zero.
  bool is_absent(size_t i) const { return absent_[i]; }
  size_t count() const { return node.inputs.size(); }
  const Sizes& input_shape(size_t i) const { return *input_shapes_[i]; }
  // Where the result is to be written; in backward the result, where the op keeps it.
  const at::Tensor& output() const { return *output_; }
  // The result is zero, and nobody needs to write it.
  void leave_out() { left_out_ = true; }
  const at::Tensor& kept(size_t i) const { return kept_[i]; }

  bool has_param(size_t i) const { return i < node.params.size(); }
  // A parameter in the model's own type, and in that of the node's value. Undefined where there is none.
  const at::Tensor& param(size_t i) const { return has_param(i) ? *params_[i] : none_; }
  const at::Tensor& weight(size_t i) const { return has_param(i) ? *weights_[i] : none_; }
  const at::Tensor& buffer(size_t i) const { return *buffers_[i]; }
  // What the op has made of them (Op::pack).
  const std::vector<at::Tensor>& packed() const { return *packed_; }
  bool has_coefs() const { return !coefs_.empty(); }
  const Coefficient& coef(size_t i) const { return *coefs_[i]; }
  const MixWeights& mix_weights() const { return *mix_; }
  // Of the streams that Op::draws names.
  const DrawKeys& draw_keys() const { return *keys_; }
  // Whose batches batch statistics are of too; null: those of this process alone.
  Ranks* ranks() const { return ranks_ == nullptr ? nullptr : *ranks_; }

  const at::Tensor& grad() const { return *grad_; }  // of the result
  // Whether the gradient of input i is wanted from the op, which then writes it to grad_of(i).
  bool wants(size_t i = 0) const { return i < grads_.size() && grads_[i] != nullptr; }
  const at::Tensor& grad_of(size_t i = 0) const { return *grads_[i]; }
  // What the op has to add that gradient to; null: nothing.
  const at::Tensor* grad_before(size_t i = 0) const { return i < befores_.size() ? befores_[i] : nullptr; }
  // Op::inner_gradient; it may lie where the gradient of the first input goes.
  const at::Tensor& inner_grad() const { return *inner_grad_; }
  // Added to: nothing else knows the gradient of a parameter.
  const at::Tensor& param_grad(size_t i) const { return has_param(i) ? *param_grads_[i] : none_; }

 private:
  friend class Session;
  bool training_ = false, recomputing_ = false, left_out_ = false;
  std::vector<const at::Tensor*> inputs_;
  std::vector<const Sizes*> input_shapes_;
  std::vector<char> absent_;
  const at::Tensor* output_ = nullptr;
  std::vector<at::Tensor> kept_;
  std::vector<const at::Tensor*> params_, weights_, buffers_;
  const std::vector<at::Tensor>* packed_ = nullptr;
  std::vector<const Coefficient*> coefs_;
  const MixWeights* mix_ = nullptr;
  const DrawKeys* keys_ = nullptr;
  Ranks* const* ranks_ = nullptr;
  const at::Tensor *grad_ = nullptr, *inner_grad_ = nullptr;
  std::vector<const at::Tensor*> grads_, befores_, param_grads_;
  at::Tensor none_;
};

}  // namespace lm
