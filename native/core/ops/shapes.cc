#include "core/ops/shapes.h"

#include <algorithm>
#include <sstream>

#include "core/ops/attributes.h"
#include "core/ops/op.h"

namespace lm {

std::string text(const Sizes& shape) {
  std::ostringstream out;
  out << at::IntArrayRef(shape);
  return out.str();
}

Sizes same_shape(const Node&, const Graph&, const std::vector<Sizes>& inputs) { return inputs[0]; }

void want_image(const Node& node, const Sizes& x) {
  LM_CHECK(x.size() == 4, "ERR_SHAPE", node.path, ": expected feature maps [N, C, H, W] but received ",
           text(x));
}

void want_equal_shapes(const Node& node, const std::vector<Sizes>& inputs) {
  for (const Sizes& shape : inputs)
    LM_CHECK(shape == inputs[0], "ERR_SHAPE", node.path, ": cannot combine ", text(inputs[0]), " and ",
             text(shape));
}

int64_t Window::places(const Node& node, int64_t size, size_t axis, int64_t kernel) const {
  const int64_t room = size + 2 * padding[axis] - kernel;
  LM_CHECK(room >= 0, "ERR_SHAPE", node.path, ": a kernel of ", kernel, " does not fit into ", size,
           " pixels with padding ", padding[axis]);
  return room / stride[axis] + 1;
}

namespace {

// Statistics are no feature maps: batchNormApply alone reads them, as its second input.
void check_statistics(const Graph& graph, const Node& node) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Node& source = graph.nodes[static_cast<size_t>(node.inputs[i])];
    LM_CHECK(reads_statistics(node, i) == (source.op == OpKind::kBatchNormStats), "ERR_GRAPH", node.path,
             ": ", op_of(node).name, " cannot read ", op_of(source).name, " as input ", i);
  }
}

// The most numbers in the result of a node: sizes in bytes, sums of them too, fit 64 bits.
constexpr int64_t kMostNumbers = int64_t{1} << 40;

void check_numbers(const Node& node, const Sizes& shape) {
  int64_t room = kMostNumbers;
  for (const int64_t size : shape) room /= std::max<int64_t>(size, 1);
  LM_CHECK(room > 0, "ERR_SHAPE", node.path, ": at most 2^40 numbers are computed at once, but not ",
           text(shape));
}

}  // namespace

std::vector<Sizes> infer_shapes(const Graph& graph, int64_t n, int64_t height, int64_t width) {
  for (int64_t size : {n, height, width})
    LM_CHECK(size > 0 && size < kSizeEnd, "ERR_SHAPE", "Expected positive sizes but received ", size);
  std::vector<Sizes> shapes{{n, graph.input.channels, height, width}};
  shapes.reserve(graph.nodes.size());
  for (size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    check_statistics(graph, node);
    std::vector<Sizes> inputs;
    for (int v : node.inputs) inputs.push_back(shapes[static_cast<size_t>(v)]);
    shapes.push_back(op_of(node).shape(node, graph, inputs));
    check_numbers(node, shapes.back());
  }
  return shapes;
}

}  // namespace lm
