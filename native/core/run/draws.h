// What a training step draws: the weights of every mix, by group, before it runs; and keys for elementwise
// noise. A draw is named by (seed, group, step), so that forward, recomputation and backward agree, and a
// resumed run draws the same.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "core/graph/graph.h"
#include "core/rng.h"

namespace lm {

// Which step draws. Evaluation takes expectations instead.
struct DrawKey {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t columns = 0;  // of the whole network, for global drop-path

  Rng stream(const std::string& purpose, const std::string& group) const {
    return Rng(seed, purpose + ":" + group, static_cast<uint64_t>(step));
  }
};

// Weights of one mix: a number per branch, or per branch and image ([n, 1, …]) when `tensors` are there.
struct MixWeights {
  std::vector<double> forward, backward;
  std::vector<at::Tensor> forward_tensors, backward_tensors;

  bool per_sample() const { return !forward_tensors.empty(); }
  // Nothing of the branch reaches the result or the gradient.
  bool drops(size_t branch) const { return !per_sample() && forward[branch] == 0 && backward[branch] == 0; }
  bool drops_all() const;
};

// `training`: drawn; otherwise their expectation. `shape` is that of the mix's result.
MixWeights draw_mix(const Node& node, const Sizes& shape, bool training, const DrawKey& key,
                    const at::TensorOptions& options);

}  // namespace lm
