// How an op reads its attributes: each is checked as it is read, for C++ must not trust what crosses the
// border.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "core/graph/graph.h"
#include "core/value.h"

namespace lm {

// As in src/graph/shapes.ts: small enough that sums and products of two cannot overflow.
constexpr int64_t kSizeEnd = int64_t{1} << 31;

class AttributeReader {
 public:
  explicit AttributeReader(const Value& attrs) : attrs_(attrs) {}

  // Each leaves what it reads into as it is where the attribute is absent.
  void read(const char* key, int64_t& into, int64_t least) const {
    if (const Value* found = attrs_.find(key)) into = checked(key, found->integer(), least);
  }
  void read(const char* key, std::array<int64_t, 2>& into, int64_t least) const {
    const Value* found = attrs_.find(key);
    if (found == nullptr) return;
    const Sizes values = found->integers();
    LM_CHECK(values.size() == 2, "ERR_GRAPH", "`", key, "` needs two numbers");
    into = {checked(key, values[0], least), checked(key, values[1], least)};
  }
  void read(const char* key, double& into) const {
    if (const Value* found = attrs_.find(key)) into = found->number();
  }
  // In [0, most].
  void part(const char* key, double& into, double most) const {
    read(key, into);
    LM_CHECK(into >= 0 && into <= most, "ERR_GRAPH", "`", key, "` cannot be ", into);
  }
  void read(const char* key, std::string& into) const {
    if (const Value* found = attrs_.find(key)) into = found->text();
  }
  void read(const char* key, std::vector<int64_t>& into) const {
    if (const Value* found = attrs_.find(key)) into = found->integers();
  }
  // One of the words that an attribute may be.
  template <typename T>
  void choose(const char* key, T& into, std::initializer_list<std::pair<const char*, T>> known) const {
    const Value* found = attrs_.find(key);
    if (found == nullptr) return;
    for (const auto& [word, meaning] : known)
      if (found->text() == word) {
        into = meaning;
        return;
      }
    fail("ERR_GRAPH", "Unknown `", key, "`: \"", found->text(), "\"");
  }

 private:
  static int64_t checked(const char* key, int64_t value, int64_t least) {
    LM_CHECK(value >= least && value < kSizeEnd, "ERR_GRAPH", "`", key, "` cannot be ", value);
    return value;
  }

  const Value& attrs_;
};

}  // namespace lm
