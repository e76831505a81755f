// What a check program is told on its command line.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <utility>

#include "core/error.h"

namespace lm {

class Options {
 public:
  // ERR_CONFIG for words that are no options, or lack their value.
  static Options parse(int argc, char** argv);
  static std::string usage();

  const std::string& text(const std::string& name) const { return values_.at(name); }
  bool has(const std::string& flag) const { return values_.at(flag) == "1"; }
  int64_t integer(const std::string& name, int64_t least) const;
  double number(const std::string& name) const;

  template <typename T>
  T choose(const std::string& name, std::initializer_list<std::pair<const char*, T>> choices) const {
    std::string known;
    for (const auto& [word, value] : choices) {
      if (text(name) == word) return value;
      known += std::string(known.empty() ? "" : ", ") + word;
    }
    fail("ERR_CONFIG", "Expected one of ", known, " for --", name, " but received ", text(name));
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace lm
