#include "core/graph.h"

#include <unordered_set>

#include "core/ops.h"

namespace lm {
namespace {

std::vector<int> indices(const Value& list, size_t limit, const std::string& where) {
  std::vector<int> out;
  for (int64_t i : list.integers()) {
    LM_CHECK(i >= 0 && static_cast<size_t>(i) < limit, "ERR_GRAPH", where, ": index ", i, " is out of range");
    out.push_back(static_cast<int>(i));
  }
  return out;
}

InputSpec parse_input(const Value& v) {
  InputSpec in{v["channels"].integer(), v["height"].integer(), v["width"].integer(), v["mean"].numbers(),
               v["std"].numbers()};
  const auto channels = static_cast<size_t>(in.channels);
  LM_CHECK(in.channels > 0 && in.mean.size() == channels && in.std.size() == channels, "ERR_GRAPH",
           "The input needs one mean and one std per channel");
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
  for (int64_t size : shape) LM_CHECK(size > 0, "ERR_GRAPH", path, ": a size must be positive");
  LM_CHECK(numel(shape) <= (int64_t{1} << 40), "ERR_GRAPH", path, ": the tensor is too large");
  return shape;
}

CoefSpec parse_coef(const Value& v, size_t known_coefs, size_t known_params) {
  const std::string& kind = v["kind"].text();
  CoefSpec coef;
  if (kind == "constant") {
    coef.value = v["value"].number();
    return coef;
  }
  if (kind == "param") {
    coef.kind = CoefSpec::Kind::kParam;
    coef.param = static_cast<int>(v["param"].integer());
    LM_CHECK(coef.param >= 0 && static_cast<size_t>(coef.param) < known_params, "ERR_GRAPH",
             "A coefficient names a parameter that is not there");
    return coef;
  }
  const std::vector<int> of = indices(v["of"], known_coefs, "coefficient");
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
  for (size_t i = 0; i < of.size(); ++i) coef.of[i] = of[i];
  return coef;
}

Attrs parse_attrs(const Value& v) {
  Attrs a;
  const auto pair = [&](const char* key, std::array<int64_t, 2>& into) {
    const Value* found = v.find(key);
    if (found == nullptr) return;
    const Sizes values = found->integers();
    LM_CHECK(values.size() == 2, "ERR_GRAPH", "`", key, "` needs two numbers");
    into = {values[0], values[1]};
  };
  const auto integer = [&](const char* key, int64_t& into) {
    if (const Value* found = v.find(key)) into = found->integer();
  };
  const auto number = [&](const char* key, double& into) {
    if (const Value* found = v.find(key)) into = found->number();
  };
  pair("kernel", a.kernel);
  pair("stride", a.stride);
  pair("padding", a.padding);
  integer("groups", a.groups);
  integer("start", a.start);
  integer("end", a.end);
  integer("before", a.before);
  integer("after", a.after);
  number("eps", a.eps);
  number("momentum", a.momentum);
  return a;
}

Node parse_node(const Value& v, size_t position, const Graph& graph) {
  Node node;
  node.path = v["path"].text();
  const std::string& name = v["op"].text();
  node.op = find_op(name);
  LM_CHECK(node.op != nullptr && !node.op->internal, "ERR_GRAPH", node.path, ": unknown op \"", name, "\"");
  node.inputs = indices(v["inputs"], position, node.path);
  node.params = indices(v["params"], graph.params.size(), node.path);
  node.buffers = indices(v["buffers"], graph.buffers.size(), node.path);
  node.coefs = indices(v["coefs"], graph.coefs.size(), node.path);
  node.attrs = parse_attrs(v["attrs"]);
  check_arity(node);
  return node;
}

template <typename Specs>
void check_unique(const Specs& specs, std::unordered_set<std::string>& seen) {
  for (const auto& spec : specs)
    LM_CHECK(seen.insert(spec.path).second, "ERR_NAME_TAKEN", "Two tensors are called \"", spec.path, "\"");
}

}  // namespace

Graph Graph::parse(const Value& spec) {
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
  for (const Value& v : spec["coefs"].list())
    g.coefs.push_back(parse_coef(v, g.coefs.size(), g.params.size()));
  for (const Value& v : spec["nodes"].list()) g.nodes.push_back(parse_node(v, g.nodes.size(), g));
  LM_CHECK(!g.nodes.empty() && std::string(g.nodes[0].op->name) == "input", "ERR_GRAPH",
           "The first node must be the input");
  g.output = static_cast<int>(spec["output"].integer());
  LM_CHECK(g.output >= 0 && static_cast<size_t>(g.output) < g.nodes.size(), "ERR_GRAPH",
           "No such output node");
  std::unordered_set<std::string> seen;
  check_unique(g.params, seen);
  check_unique(g.buffers, seen);
  return g;
}

int Graph::param_index(const std::string& path) const {
  for (size_t i = 0; i < params.size(); ++i)
    if (params[i].path == path) return static_cast<int>(i);
  return -1;
}

int Graph::buffer_index(const std::string& path) const {
  for (size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].path == path) return static_cast<int>(i);
  return -1;
}

std::vector<Sizes> infer_shapes(const Graph& graph, int64_t n, int64_t height, int64_t width) {
  std::vector<Sizes> shapes;
  shapes.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) {
    if (node.inputs.empty()) {
      shapes.push_back({n, graph.input.channels, height, width});
      continue;
    }
    std::vector<Sizes> inputs;
    for (int i : node.inputs) inputs.push_back(shapes[static_cast<size_t>(i)]);
    shapes.push_back(node.op->shape(node, graph, inputs));
  }
  return shapes;
}

int64_t numel(const Sizes& shape) {
  int64_t product = 1;
  for (int64_t size : shape) product *= size;
  return product;
}

}  // namespace lm
