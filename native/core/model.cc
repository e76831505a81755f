#include "core/model.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/kernels/kernels.h"
#include "core/ops/op.h"
#include "core/rng.h"
#include "core/run/reversible.h"

namespace lm {
namespace {

constexpr size_t kSessionsKept = 32;
constexpr std::array<std::string_view, 5> kSets{"value", "gradient", "momentum", "secondMoment", "ema"};

template <typename Specs>
std::vector<Sizes> shapes_of(const Specs& specs) {
  std::vector<Sizes> shapes;
  for (const auto& spec : specs) shapes.push_back(spec.shape);
  return shapes;
}

void check_known(const std::string& set_name) {
  const bool known = std::find(kSets.begin(), kSets.end(), set_name) != kSets.end();
  LM_CHECK(known, "ERR_UNKNOWN_NAME", "There is no set \"", set_name, "\"");
}

// Whether a set has running statistics beside the parameters.
bool has_buffers(const std::string& set_name) { return set_name == "value" || set_name == "ema"; }

double draw(const Init& init, Rng& rng) {
  switch (init.kind) {
    case Init::Kind::kConstant:
      return init.a;
    case Init::Kind::kUniform:
      return init.a + (init.b - init.a) * rng.uniform();
    case Init::Kind::kNormal:
      return init.a + init.b * rng.normal();
  }
  return 0;
}

// Drawn in double on the CPU: the same numbers on every device, in every dtype, in any order of construction.
at::Tensor initial(const ParamSpec& spec, uint64_t seed) {
  at::Tensor out = at::empty(spec.shape, at::kDouble);
  Rng rng(seed, "init:" + spec.path);
  double* data = out.data_ptr<double>();
  for (int64_t i = 0; i < out.numel(); ++i) data[i] = draw(spec.init, rng);
  return out;
}

at::ScalarType type_of(Precision precision, at::ScalarType own) {
  if (precision == Precision::kOwn) return own;
  return precision == Precision::kFloat16 ? at::kHalf : at::kBFloat16;
}

}  // namespace

// A GPU moves bytes for the longer part of a step, so that it pays for every pass; and so does the processor
// where passes are libtorch's.
PlanTarget target_of(const ModelOptions& model, const PlanOptions& plan) {
  const Kernels& own = kernels_for(model.device, model.dtype, plan.plain);
  const Kernels& half = kernels_for(model.device, type_of(plan.precision, model.dtype), plan.plain);
  return {.bytes_of_own = static_cast<int64_t>(at::elementSize(model.dtype)),
          .cheap_passes = model.device.is_cpu() && !plan.plain && plan.precision != Precision::kFloat16,
          .adds = own.adds,
          .half_adds = half.adds,
          .takes_norm = half.takes_norm};
}

std::vector<int> parameters_of(const Value& list, const Graph& graph) {
  std::vector<int> out;
  for (int64_t i : list.integers()) {
    LM_CHECK(i >= 0 && static_cast<size_t>(i) < graph.params.size(), "ERR_CONFIG", "There is no parameter ",
             i);
    out.push_back(static_cast<int>(i));
  }
  return out;
}

Model::Model(Graph graph, const ModelOptions& options)
    : graph_(std::move(graph)),
      options_(at::TensorOptions().device(options.device).dtype(options.dtype)),
      arena_(options.device) {
  const Sizes out =
      infer_shapes(graph_, 1, graph_.input.height, graph_.input.width)[static_cast<size_t>(graph_.output)];
  classes_ = out.size() == 2 ? out[1] : 0;
  for (size_t c = 0; c < graph_.input.mean.size(); ++c) {
    scale_.push_back(1 / (255 * graph_.input.std[c]));
    shift_.push_back(-graph_.input.mean[c] / graph_.input.std[c]);
  }
  for (size_t i = 0; i < graph_.buffers.size(); ++i) buffers().views[i].fill_(graph_.buffers[i].value);
  if (options.seed) initialise(*options.seed);
}

void Model::initialise(uint64_t seed) {
  for (size_t i = 0; i < graph_.params.size(); ++i) values().views[i].copy_(initial(graph_.params[i], seed));
  ++values().version;
}

int64_t Model::bytes() const {
  int64_t total = 0;
  for (const auto* sets : {&sets_, &buffer_sets_})
    for (const auto& [name, set] : *sets) total += static_cast<int64_t>(set.flat.nbytes());
  return total;
}

Weights& Model::set(const std::string& name) {
  auto found = sets_.find(name);
  if (found == sets_.end())
    found = sets_.emplace(name, Weights::zeros(shapes_of(graph_.params), options_)).first;
  return found->second;
}

Weights& Model::buffers(const std::string& name) {
  auto found = buffer_sets_.find(name);
  if (found == buffer_sets_.end())
    found = buffer_sets_.emplace(name, Weights::zeros(shapes_of(graph_.buffers), options_)).first;
  return found->second;
}

void Model::normalise(const at::Tensor& pixels, const at::Tensor& x) const {
  LM_CHECK(pixels.dim() == 4 && pixels.size(3) == graph_.input.channels, "ERR_SHAPE", "Expected images with ",
           graph_.input.channels, " channels but received ", pixels.sizes());
  kernels_for(options_.device(), type()).normalise(pixels, scale_, shift_, x);
}

Plan Model::make_plan(const Mode& mode) const {
  LM_CHECK(mode.options.precision == Precision::kOwn || type() == at::kFloat, "ERR_CONFIG",
           "Mixed precision needs a model of float32");
  return lm::make_plan(graph_, mode.n, mode.height, mode.width,
                       target_of({options_.device(), type()}, mode.options), mode.options);
}

Session& Model::session(int64_t n, int64_t height, int64_t width, const PlanOptions& options) {
  const Mode mode{n, height, width, options};
  auto found = sessions_.find(mode);
  if (found != sessions_.end()) return *found->second;
  Plan plan = make_plan(mode);
  if (sessions_.size() >= kSessionsKept) sessions_.clear();
  return *sessions_
              .emplace(mode,
                       std::make_unique<Session>(std::move(plan), arena_, type(), &packs_, ++sessions_made_))
              .first->second;
}

const at::Tensor& Model::logits(const at::Tensor& pixels, const std::string& weights, Precision precision) {
  LM_CHECK(has_buffers(weights), "ERR_CONFIG", "Cannot evaluate the set \"", weights, "\"");
  LM_CHECK(sets_.count(weights) > 0 || weights == "value", "ERR_CONFIG",
           "The model has no averaged weights: train it with `modelEma`");
  LM_CHECK(pixels.dim() == 4, "ERR_SHAPE", "Expected images but received ", pixels.sizes());
  const bool packs = kernels_for(options_.device(), type()).convolve_fused != nullptr;
  Session& session = this->session(pixels.size(0), pixels.size(1), pixels.size(2),
                                   {.pack = packs && precision == Precision::kOwn, .precision = precision});
  session.begin(set(weights), buffers(weights));
  normalise(pixels, session.input());
  return session.forward();
}

at::Tensor Model::predict(const at::Tensor& pixels, const std::string& weights, Precision precision) {
  return logits(pixels, weights, precision).clone();
}

// An arena of its own, given back at the end: gradients of single passes are rare, and large.
Vjp Model::vjp(const at::Tensor& x, const std::optional<at::Tensor>& cotangent, const VjpOptions& o) {
  const PlanOptions options{.training = o.training,
                            .backward = true,
                            .input_gradient = true,
                            .plain = o.plain,
                            .memory = o.memory,
                            .every = o.every,
                            .precision = o.precision};
  Arena arena(options_.device());
  Session session(make_plan({x.size(0), x.size(2), x.size(3), options}), arena, type());
  if (o.memory == Memory::kReverse) check_reversible(graph_, values());
  Weights scratch = buffers().copy(type());
  session.begin(values(), scratch, {o.seed, 0, {}});
  session.input().copy_(x);
  Vjp result{session.forward().clone(), {}};
  if (!cotangent) return result;
  LM_CHECK(cotangent->numel() == result.output.numel(), "ERR_SHAPE", "Expected ", result.output.numel(),
           " numbers for `cotangent` but received ", cotangent->numel());
  Weights& grads = set("gradient");
  grads.flat.zero_();
  session.output_gradient().copy_(cotangent->view(result.output.sizes()));
  session.backward(grads);
  result.input_gradient = session.input_gradient();
  if (result.input_gradient.defined()) result.input_gradient = result.input_gradient.clone();
  return result;
}

std::vector<at::Tensor> Model::probe(const at::Tensor& pixels, const std::vector<int64_t>& nodes) {
  Arena arena(options_.device());
  Session session(make_plan({pixels.size(0), pixels.size(1), pixels.size(2), {.keep_all = true}}), arena,
                  type());
  session.begin(values(), buffers());
  normalise(pixels, session.input());
  session.forward();
  std::vector<at::Tensor> found;
  for (int64_t id : nodes) {
    LM_CHECK(id >= 0 && static_cast<size_t>(id) < graph_.nodes.size(), "ERR_UNKNOWN_NAME",
             "There is no node ", id);
    found.push_back(session.value(static_cast<int>(id)).clone());
  }
  return found;
}

at::Tensor& Model::find(const std::string& path, const std::string& set_name) {
  check_known(set_name);
  const int param = graph_.param_index(path);
  if (param >= 0) return set(set_name).views[static_cast<size_t>(param)];
  const int buffer = graph_.buffer_index(path);
  LM_CHECK(buffer >= 0 && has_buffers(set_name), "ERR_UNKNOWN_NAME", "There is no ", set_name, " of \"", path,
           "\"");
  return buffers(set_name).views[static_cast<size_t>(buffer)];
}

// An average is there once a training has made it.
at::Tensor& Model::find_made(const std::string& path, const std::string& set_name) {
  LM_CHECK(set_name != "ema" || sets_.count(set_name) > 0, "ERR_UNKNOWN_NAME", "There is no ema of \"", path,
           "\": train with `modelEma`");
  return find(path, set_name);
}

void Model::changed(const std::string& set_name) {
  if (sets_.count(set_name) > 0) ++set(set_name).version;
}

at::Tensor Model::read(const std::string& path, const std::string& set_name) {
  return find_made(path, set_name).to(at::kCPU).contiguous();
}

void Model::write(const std::string& path, const std::string& set_name, const at::Tensor& values) {
  at::Tensor& into = find(path, set_name);
  LM_CHECK(values.numel() == into.numel(), "ERR_SHAPE", path, ": expected ", into.numel(),
           " numbers but received ", values.numel());
  into.copy_(values.view(into.sizes()));
  changed(set_name);
}

// Not the flat tensor: what lies between its views stays zero.
void Model::fill(const std::string& set_name, double value) {
  check_known(set_name);
  for (at::Tensor& view : set(set_name).views) view.fill_(value);
  if (has_buffers(set_name))
    for (at::Tensor& view : buffers(set_name).views) view.fill_(value);
  changed(set_name);
}

// All of them, or none where one does not fit.
void Model::copy(Model& from, const CopySpec& spec) {
  std::map<std::string, std::string> all;
  for (const ParamSpec& param : graph_.params) all.emplace(param.path, param.path);
  if (has_buffers(spec.from) && has_buffers(spec.into))
    for (const BufferSpec& buffer : graph_.buffers) all.emplace(buffer.path, buffer.path);
  std::vector<std::pair<at::Tensor, at::Tensor>> pairs;
  for (const auto& [here, there] : spec.paths ? *spec.paths : all) {
    const at::Tensor& source = from.find_made(there, spec.from);
    const at::Tensor& into = find(here, spec.into);
    LM_CHECK(source.sizes() == into.sizes(), "ERR_SHAPE", here, ": expected a tensor ", into.sizes(),
             " but received ", source.sizes());
    pairs.emplace_back(into, source);
  }
  for (const auto& [into, source] : pairs) into.copy_(source);
  changed(spec.into);
}

}  // namespace lm
