// What the ops have made of the weights and running statistics of a model for its evaluations (Op::pack):
// shared by all sessions of one graph, whatever the size of their images.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <vector>

#include "core/weights.h"

namespace lm {

class Packs {
 public:
  // Of the op of a node; it stays where it is.
  std::vector<at::Tensor>& at(int node) { return by_node_[node]; }
  // Drops what was made of other weights, or of what these were; whether all is to be made anew.
  bool renew(const Weights& weights);

 private:
  const Weights* weights_ = nullptr;
  uint64_t version_ = 0;
  std::map<int, std::vector<at::Tensor>> by_node_;
};

}  // namespace lm
