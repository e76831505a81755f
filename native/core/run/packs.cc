#include "core/run/packs.h"

namespace lm {

bool Packs::renew(const Weights& weights) {
  if (weights_ == &weights && version_ == weights.version) return false;
  weights_ = &weights;
  version_ = weights.version;
  for (auto& [node, made] : by_node_) made.clear();
  return true;
}

}  // namespace lm
