// The network as C++ sees it: src/graph/spec.ts parsed into structs and checked. No architecture lives here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/value.h"

namespace lm {

using Sizes = std::vector<int64_t>;
struct Op;

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

struct CoefSpec {
  enum class Kind { kConstant, kParam, kSum, kProduct, kReciprocal, kTanh } kind = Kind::kConstant;
  double value = 0;
  int param = -1;
  std::array<int, 2> of{-1, -1};
  Sizes shape{1};  // [1] or that of the parameters in it
};

// Attributes of every op in one struct, parsed once, so that running needs no look-up by name.
struct Attrs {
  std::array<int64_t, 2> kernel{1, 1}, stride{1, 1}, padding{0, 0};
  std::array<int64_t, 2> by{0, 0};  // shift
  int64_t groups = 1, start = 0, end = 0, before = 0, after = 0;
  double eps = 1e-5, momentum = 0.1;
  // Randomness: mix, dropout, gaussianNoise.
  enum class Law { kBernoulli, kShake, kDropPath } law = Law::kBernoulli;
  enum class Backward { kSame, kUniform, kEven } backward = Backward::kSame;
  bool per_sample = false, scale_at_test = false;
  double keep = 1, global = 0, p = 0, std = 0;
  std::vector<int64_t> columns;
  std::string group;
};

// What values are computed in: the model's own type, or one of half its bits (mixed precision).
enum class Precision { kOwn, kBfloat16, kFloat16 };

struct Node {
  const Op* op = nullptr;
  std::string path;
  std::vector<int> inputs, params, buffers, coefs;
  Attrs attrs;
  Precision precision = Precision::kOwn;  // of its value; a pass may lower it
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

  // Throws ERR_GRAPH where an index, an arity or an order would make running it unsafe.
  static Graph parse(const Value& spec);

  int param_index(const std::string& path) const;   // -1 when there is none
  int buffer_index(const std::string& path) const;  // -1 when there is none
};

// Shapes of all nodes for n images of height x width, by the ops' rules; ERR_SHAPE with the node's path.
std::vector<Sizes> infer_shapes(const Graph& graph, int64_t n, int64_t height, int64_t width);

int64_t numel(const Sizes& shape);

}  // namespace lm
