// Lists of loops, one row an instruction set, best first: which of them are here. No ATen.
#pragma once

#include <string_view>

namespace lm::cpu {

// The first that is here; the last runs everywhere.
template <typename Sets>
const auto& first_here(const Sets& sets) {
  auto found = sets.begin();
  while (!found->is_here()) ++found;
  return *found;
}

// Null where the processor has none of that name.
template <typename Sets>
auto find_here(const Sets& sets, std::string_view name) -> decltype(sets.data()) {
  for (const auto& set : sets)
    if (set.name == name && set.is_here()) return &set;
  return nullptr;
}

}  // namespace lm::cpu
