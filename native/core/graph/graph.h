// The network as C++ sees it: plain data, made from src/graph/spec.ts by core/parse_graph.h. No architecture
// lives here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lm {

using Sizes = std::vector<int64_t>;

int64_t numel(const Sizes& shape);

struct InputSpec {
  int64_t channels = 0, height = 0, width = 0;
  std::vector<double> mean, std;
};

struct Init {
  enum class Kind { kConstant, kUniform, kNormal } kind = Kind::kConstant;
  double a = 0, b = 0;  // value | low, high | mean, std
};

struct ParamSpec {
  std::string path;
  Sizes shape;
  Init init;
};

struct BufferSpec {
  std::string path;
  Sizes shape;
  double value = 0;
};

// A coefficient of `lin`: a small expression of constants and learned numbers.
struct CoefSpec {
  enum class Kind { kConstant, kParam, kSum, kProduct, kReciprocal, kTanh } kind = Kind::kConstant;
  double value = 0;
  int param = -1;
  std::array<int, 2> of{-1, -1};
  Sizes shape{1};  // [1] or that of the parameters in it
};

// Every op there is; its row is in the file of its family below ops/.
enum class OpKind : uint8_t {
  kInput,
  kConv2d,
  kBatchNormStats,
  kBatchNormApply,
  kRelu,
  kLin,
  kAvgPool2d,
  kMaxPool2d,
  kGlobalAvgPool,
  kLinear,
  kConcat,
  kSlice,
  kPadChannels,
  kShift,
  kMix,
  kDropout,
  kGaussianNoise,
  // Made by passes, never in a spec:
  kCast,
  kBatchNorm,
  kBatchNormRelu,
  kNormConv2d,
  kFusedConv2d,
};

// What an op is told beside its inputs: a struct of its own in the file of its family, parsed there.
struct Attributes {
  virtual ~Attributes() = default;
};

// What values are computed in: the model's own type, or one of half its bits (mixed precision).
enum class Precision { kOwn, kBfloat16, kFloat16 };

struct Node {
  OpKind op = OpKind::kInput;
  std::string path;
  std::vector<int> inputs, params, buffers, coefs;
  std::shared_ptr<const Attributes> attributes;
  Precision precision = Precision::kOwn;  // that it computes in; a pass may lower it
  bool wide = false;                      // its value is in the model's own type in any case

  Precision of_value() const { return wide ? Precision::kOwn : precision; }

  // The attributes, by the struct that the row of its op has parsed.
  template <typename T>
  const T& as() const {
    return static_cast<const T&>(*attributes);
  }
};

// How the states before a reversible step follow from those after it. An input i >= 0 is a node of the graph,
// i < 0 is operation -1 - i of this list.
struct Inverse {
  std::vector<Node> nodes;
  std::vector<int> before;
};

// One time step: node ids of the states before and after it, newest first.
struct Step {
  std::string path;
  std::vector<int> before, after;
  std::optional<Inverse> inverse;
};

struct Graph {
  std::string name;
  InputSpec input;
  std::vector<Node> nodes;
  std::vector<ParamSpec> params;
  std::vector<BufferSpec> buffers;
  std::vector<CoefSpec> coefs;
  std::vector<Step> steps;
  int output = 0;

  int param_index(const std::string& path) const;   // -1 when there is none
  int buffer_index(const std::string& path) const;  // -1 when there is none

  const Sizes& param_shape(const Node& node, size_t i) const {
    return params[static_cast<size_t>(node.params[i])].shape;
  }
  bool is_learned(int coef) const {
    return coefs[static_cast<size_t>(coef)].kind != CoefSpec::Kind::kConstant;
  }
};

}  // namespace lm
