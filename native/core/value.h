// A plain value (null, boolean, number, string, list, record): what a JS object or a JSON text becomes before
// it is a Graph.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/error.h"

namespace lm {

struct Value {
  using List = std::vector<Value>;
  using Record = std::map<std::string, Value>;
  std::variant<std::nullptr_t, bool, double, std::string, List, Record> data = nullptr;

  template <typename T>
  const T& as(const char* what) const {
    const T* value = std::get_if<T>(&data);
    LM_CHECK(value != nullptr, "ERR_GRAPH", "Expected ", what, " in the description from JavaScript");
    return *value;
  }

  double number() const { return as<double>("a number"); }
  const std::string& text() const { return as<std::string>("a string"); }
  const List& list() const { return as<List>("a list"); }
  const Record& record() const { return as<Record>("an object"); }
  bool boolean() const { return as<bool>("a boolean"); }

  int64_t integer() const {
    const double value = number();
    LM_CHECK(value == std::floor(value) && std::abs(value) <= 9007199254740992.0, "ERR_GRAPH",
             "Expected an integer but received ", value);
    return static_cast<int64_t>(value);
  }

  const Value* find(const std::string& key) const {
    const auto& fields = record();
    const auto found = fields.find(key);
    return found == fields.end() ? nullptr : &found->second;
  }

  const Value& operator[](const std::string& key) const {
    const Value* found = find(key);
    LM_CHECK(found != nullptr, "ERR_GRAPH", "The description lacks `", key, "`");
    return *found;
  }

  std::vector<int64_t> integers() const {
    std::vector<int64_t> out;
    for (const Value& item : list()) out.push_back(item.integer());
    return out;
  }

  std::vector<double> numbers() const {
    std::vector<double> out;
    for (const Value& item : list()) out.push_back(item.number());
    return out;
  }
};

}  // namespace lm
