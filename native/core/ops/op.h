// The op table: one row an op, in the file of its family. Forward and backward run below autograd.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/graph.h"
#include "core/value.h"

namespace lm {

class Frame;

// What forward keeps for backward beside values: made again where values are, or what outlives that, such as
// batch statistics, which are taken once a step.
enum class Kept { kAnew, kOnce };

// What an op computes in under mixed precision: always the model's own type; the half type; or the half type
// where all its inputs are in it.
enum class Mixed { kOwn, kHalf, kInputs };

// A tensor that forward keeps.
struct KeptTensor {
  enum class Type { kOwn, kValue, kIndex };  // the model's, that of the node's value, int64
  Sizes shape;
  Type type;
};

struct Arity {
  int least = 0, most = 0;  // most -1: any number
};

constexpr int kAny = -1;

struct Op {
  OpKind kind;
  std::string_view name;
  Arity inputs{1, 1}, params{};
  int buffers = 0;
  bool internal = false;  // made by a pass, never in a spec
  // What backward reads: the values of the inputs, or of the node.
  bool keeps_inputs = false, keeps_output = false;
  // The result may be written over the first input, where nobody else reads that; the gradient of the input
  // over that of the result.
  bool in_place = false, in_place_backward = false;
  // Backward adds the gradient of an input to what is there before, where the kernels can (Kernels::adds).
  bool adds = false;
  // Backward wants a place (Frame::inner_grad) for the gradient of something as large as the first input, in
  // the precision of the node.
  bool inner_gradient = false;
  // An input that is absent, all its branches being dropped, is left out; for others it is zero.
  bool leaves_out_absent = false;
  // Its value is not kept for backward but made again there: a pass over an input that is kept in any case.
  bool cheap = false;
  Kept kept = Kept::kAnew;
  Mixed mixed = Mixed::kOwn;

  std::shared_ptr<const Attributes> (*parse)(const Value& attrs) = nullptr;
  // Throws ERR_SHAPE with the node's path.
  Sizes (*shape)(const Node&, const Graph&, const std::vector<Sizes>& inputs);
  // What forward keeps, by the shape of the first input and of the result.
  std::vector<KeptTensor> (*keeps)(const Node&, const Sizes& input, const Sizes& output) = nullptr;
  // The result is this part of the first input's memory: nothing is computed.
  at::Tensor (*view)(const Node&, const at::Tensor& input) = nullptr;
  // The name of the random streams that a training step draws from, one for each image; "" where the node
  // draws nothing.
  std::string (*draws)(const Node&) = nullptr;
  // The gradient of input i is that of the result, number for number.
  bool (*passes)(const Node&, const Graph&, size_t i) = nullptr;
  // Made of the parameters and running statistics once, for many evaluations.
  std::vector<at::Tensor> (*pack)(const Frame&) = nullptr;
  void (*forward)(Frame&) = nullptr;
  void (*backward)(Frame&) = nullptr;
};

const Op& op_of(OpKind kind);
inline const Op& op_of(const Node& node) { return op_of(node.op); }
const Op* find_op(std::string_view name);               // null when there is none
std::vector<std::string> op_names();                    // those a spec may name
void check_arity(const Node& node);                     // throws ERR_GRAPH
bool reads_statistics(const Node& node, size_t input);  // of batch norm, which are no feature map

// Shapes of all nodes for n images of height x width, by the ops' rules; ERR_SHAPE with the node's path.
std::vector<Sizes> infer_shapes(const Graph& graph, int64_t n, int64_t height, int64_t width);

}  // namespace lm
