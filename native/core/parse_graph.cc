#include "core/parse_graph.h"

#include <unordered_set>

#include "core/ops/attributes.h"
#include "core/ops/op.h"

namespace lm {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 40;

int index_of(int64_t i, size_t limit, const std::string& where) {
  LM_CHECK(i >= 0 && static_cast<uint64_t>(i) < limit, "ERR_GRAPH", where, ": index ", i, " is out of range");
  return static_cast<int>(i);
}

std::vector<int> indices(const Value& list, size_t limit, const std::string& where) {
  std::vector<int> out;
  for (int64_t i : list.integers()) out.push_back(index_of(i, limit, where));
  return out;
}

InputSpec parse_input(const Value& v) {
  InputSpec in{v["channels"].integer(), v["height"].integer(), v["width"].integer(), v["mean"].numbers(),
               v["std"].numbers()};
  const auto channels = static_cast<size_t>(in.channels);
  LM_CHECK(
      in.channels > 0 && in.channels < kSizeEnd && in.mean.size() == channels && in.std.size() == channels,
      "ERR_GRAPH", "The input needs one mean and one std per channel");
  return in;
}

Init parse_init(const Value& v) {
  const std::string& kind = v["kind"].text();
  if (kind == "constant") return {Init::Kind::kConstant, v["value"].number(), 0};
  if (kind == "uniform") return {Init::Kind::kUniform, v["low"].number(), v["high"].number()};
  if (kind == "normal") return {Init::Kind::kNormal, v["mean"].number(), v["std"].number()};
  fail("ERR_GRAPH", "Unknown initial law \"", kind, "\"");
}

Sizes parse_shape(const Value& v, const std::string& path) {
  Sizes shape = v.integers();
  int64_t elements = 1;
  for (int64_t size : shape) {
    LM_CHECK(size > 0, "ERR_GRAPH", path, ": a size must be positive");
    LM_CHECK(size <= kMostElements / elements, "ERR_GRAPH", path, ": the tensor is too large");
    elements *= size;
  }
  return shape;
}

Sizes join_shapes(const Sizes& a, const Sizes& b) {
  if (a == Sizes{1}) return b;
  LM_CHECK(b == Sizes{1} || a == b, "ERR_SHAPE", "A coefficient joins parameters of different shapes");
  return a;
}

CoefSpec parse_coef(const Value& v, const Graph& known) {
  const std::string& kind = v["kind"].text();
  CoefSpec coef;
  if (kind == "constant") {
    coef.value = v["value"].number();
    return coef;
  }
  if (kind == "param") {
    coef.kind = CoefSpec::Kind::kParam;
    coef.param = index_of(v["param"].integer(), known.params.size(), "coefficient");
    coef.shape = known.params[static_cast<size_t>(coef.param)].shape;
    return coef;
  }
  const std::vector<int> of = indices(v["of"], known.coefs.size(), "coefficient");
  if (kind == "sum")
    coef.kind = CoefSpec::Kind::kSum;
  else if (kind == "product")
    coef.kind = CoefSpec::Kind::kProduct;
  else if (kind == "reciprocal")
    coef.kind = CoefSpec::Kind::kReciprocal;
  else if (kind == "tanh")
    coef.kind = CoefSpec::Kind::kTanh;
  else
    fail("ERR_GRAPH", "Unknown coefficient \"", kind, "\"");
  const bool binary = coef.kind == CoefSpec::Kind::kSum || coef.kind == CoefSpec::Kind::kProduct;
  LM_CHECK(of.size() == (binary ? 2u : 1u), "ERR_GRAPH", "Coefficient ", kind,
           " has the wrong number of operands");
  for (size_t i = 0; i < of.size(); ++i) {
    coef.of[i] = of[i];
    coef.shape = join_shapes(coef.shape, known.coefs[static_cast<size_t>(of[i])].shape);
  }
  return coef;
}

// Everything of a node but its inputs.
Node parse_operation(const Value& v, const Graph& graph) {
  Node node;
  node.path = v["path"].text();
  const std::string& name = v["op"].text();
  const Op* op = find_op(name);
  LM_CHECK(op != nullptr && !op->internal, "ERR_GRAPH", node.path, ": unknown op \"", name, "\"");
  node.op = op->kind;
  node.params = indices(v["params"], graph.params.size(), node.path);
  node.buffers = indices(v["buffers"], graph.buffers.size(), node.path);
  node.coefs = indices(v["coefs"], graph.coefs.size(), node.path);
  if (op->parse != nullptr) node.attributes = op->parse(v["attrs"]);
  return node;
}

Node parse_node(const Value& v, size_t position, const Graph& graph) {
  Node node = parse_operation(v, graph);
  node.inputs = indices(v["inputs"], position, node.path);
  check_arity(node);
  return node;
}

// Indices of nodes of the graph, or of earlier operations of an inverse, counted down from -1.
std::vector<int> operands(const Value& list, size_t nodes, size_t own, const std::string& where) {
  std::vector<int> out;
  for (int64_t i : list.integers()) {
    const bool there = i >= 0 ? static_cast<size_t>(i) < nodes : static_cast<size_t>(-1 - i) < own;
    LM_CHECK(there, "ERR_GRAPH", where, ": index ", i, " is out of range");
    out.push_back(static_cast<int>(i));
  }
  return out;
}

Node parse_inverse_node(const Value& v, size_t position, const Graph& graph) {
  Node node = parse_operation(v, graph);
  node.inputs = operands(v["inputs"], graph.nodes.size(), position, node.path);
  check_arity(node);
  return node;
}

Step parse_step(const Value& v, const Graph& graph) {
  const size_t count = graph.nodes.size();
  const std::string& path = v["path"].text();
  Step step{path, indices(v["before"], count, path), indices(v["after"], count, path), std::nullopt};
  const Value* inverse = v.find("inverse");
  if (inverse == nullptr) return step;
  step.inverse.emplace();
  for (const Value& node : (*inverse)["nodes"].list())
    step.inverse->nodes.push_back(parse_inverse_node(node, step.inverse->nodes.size(), graph));
  step.inverse->before = operands((*inverse)["before"], count, step.inverse->nodes.size(), path);
  LM_CHECK(step.inverse->before.size() == step.before.size(), "ERR_GRAPH", path,
           ": the inverse yields other states");
  return step;
}

template <typename Specs>
void check_unique(const Specs& specs, std::unordered_set<std::string>& seen) {
  for (const auto& spec : specs)
    LM_CHECK(seen.insert(spec.path).second, "ERR_NAME_TAKEN", "Two tensors are called \"", spec.path, "\"");
}

}  // namespace

Graph parse_graph(const Value& spec) {
  Graph g;
  g.name = spec["name"].text();
  g.input = parse_input(spec["input"]);
  for (const Value& v : spec["params"].list()) {
    const std::string& path = v["path"].text();
    g.params.push_back({path, parse_shape(v["shape"], path), parse_init(v["init"])});
  }
  for (const Value& v : spec["buffers"].list()) {
    const std::string& path = v["path"].text();
    g.buffers.push_back({path, parse_shape(v["shape"], path), v["value"].number()});
  }
  for (const Value& v : spec["coefs"].list()) g.coefs.push_back(parse_coef(v, g));
  for (const Value& v : spec["nodes"].list()) g.nodes.push_back(parse_node(v, g.nodes.size(), g));
  LM_CHECK(!g.nodes.empty() && g.nodes[0].op == OpKind::kInput, "ERR_GRAPH",
           "The first node must be the input");
  if (const Value* steps = spec.find("steps"))
    for (const Value& v : steps->list()) g.steps.push_back(parse_step(v, g));
  g.output = index_of(spec["output"].integer(), g.nodes.size(), "output");
  std::unordered_set<std::string> seen;
  check_unique(g.params, seen);
  check_unique(g.buffers, seen);
  return g;
}

}  // namespace lm
