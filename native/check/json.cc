#include "check/json.h"

#include <charconv>

namespace lm {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Value document() {
    Value value = this->value();
    LM_CHECK(next() == '\0', "ERR_GRAPH", "JSON: text after the end at byte ", at_);
    return value;
  }

 private:
  char next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  void expect(char c) {
    LM_CHECK(next() == c, "ERR_GRAPH", "JSON: expected '", c, "' at byte ", at_);
    ++at_;
  }

  bool accept(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Value value() {
    switch (next()) {
      case '{':
        return {record()};
      case '[':
        return {list()};
      case '"':
        return {string()};
      default:
        break;
    }
    if (accept("null")) return {};
    if (accept("true")) return {true};
    if (accept("false")) return {false};
    return {number()};
  }

  Value::Record record() {
    Value::Record fields;
    expect('{');
    while (next() != '}') {
      if (!fields.empty()) expect(',');
      next();
      std::string key = string();
      expect(':');
      fields.emplace(std::move(key), value());
    }
    ++at_;
    return fields;
  }

  Value::List list() {
    Value::List items;
    expect('[');
    while (next() != ']') {
      if (!items.empty()) expect(',');
      items.push_back(value());
    }
    ++at_;
    return items;
  }

  // Paths and names are plain: of the escapes only those of one character are known.
  std::string string() {
    expect('"');
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      const bool escaped = text_[at_] == '\\';
      if (escaped) ++at_;
      LM_CHECK(at_ < text_.size() && !(escaped && text_[at_] == 'u'), "ERR_GRAPH",
               "JSON: unreadable string at byte ", at_);
      out += text_[at_++];
    }
    expect('"');
    return out;
  }

  double number() {
    double out = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), out);
    LM_CHECK(error == std::errc(), "ERR_GRAPH", "JSON: expected a value at byte ", at_);
    at_ = static_cast<size_t>(end - text_.data());
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Value parse_json(std::string_view text) { return Reader(text).document(); }

}  // namespace lm
