// The attributes of `mix`, which the draws of a step read too (run/draws.h).
#pragma once

#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace lm {

struct MixAttributes final : Attributes {
  enum class Law { kBernoulli, kShake, kDropPath } law = Law::kBernoulli;
  enum class Backward { kSame, kUniform, kEven } backward = Backward::kSame;
  bool per_image = false, scale_at_test = false;
  double keep = 1, global = 0;
  std::vector<int64_t> columns;
  std::string group;
};

// What a mix weighs its branches by where nothing is drawn, the same for each.
double expected_weight(const Node& mix);

}  // namespace lm
