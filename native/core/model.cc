#include "core/model.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "core/rng.h"
#include "core/run/normalise.h"
#include "core/run/reversible.h"
#include "core/run/run.h"
#include "core/train/loss.h"

namespace lm {
namespace {

constexpr size_t kPlansKept = 32;
constexpr std::array<std::string_view, 5> kSets{"value", "gradient", "momentum", "secondMoment", "ema"};

template <typename Specs>
std::vector<Sizes> shapes_of(const Specs& specs) {
  std::vector<Sizes> shapes;
  for (const auto& spec : specs) shapes.push_back(spec.shape);
  return shapes;
}

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

}  // namespace

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
    : graph_(std::move(graph)), options_(at::TensorOptions().device(options.device).dtype(options.dtype)) {
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

at::Tensor Model::normalise(const at::Tensor& pixels) const {
  LM_CHECK(pixels.dim() == 4 && pixels.size(3) == graph_.input.channels, "ERR_SHAPE", "Expected images with ",
           graph_.input.channels, " channels but received ", pixels.sizes());
  return lm::normalise(pixels, scale_, shift_, options_);
}

const Plan& Model::plan(int64_t n, int64_t height, int64_t width, const PlanOptions& o) {
  const int mode = o.training * 1 + o.input_gradient * 2 + o.keep_all * 4 + o.fuse * 8 +
                   static_cast<int>(o.memory) * 16 + static_cast<int>(o.precision) * 64 + o.every * 256;
  const auto key = std::make_tuple(n, height, width, mode);
  const auto found = plans_.find(key);
  if (found != plans_.end()) return found->second;
  check_precision(o.precision);
  if (plans_.size() >= kPlansKept) plans_.clear();
  return plans_.emplace(key, make_plan(graph_, n, height, width, o)).first->second;
}

void Model::check_precision(Precision precision) const {
  LM_CHECK(precision == Precision::kOwn || options_.dtype().toScalarType() == at::kFloat, "ERR_CONFIG",
           "Mixed precision needs a model of float32");
}

at::Tensor Model::predict(const at::Tensor& pixels, const std::string& weights, Precision precision) {
  LM_CHECK(weights == "value" || weights == "ema", "ERR_CONFIG", "Cannot evaluate the set \"", weights, "\"");
  LM_CHECK(sets_.count(weights) > 0 || weights == "value", "ERR_CONFIG",
           "The model has no averaged weights: train it with `modelEma`");
  const at::Tensor x = normalise(pixels);
  Run run(plan(x.size(0), x.size(2), x.size(3), {.precision = precision}), set(weights),
          buffers(weights).views);
  return run.forward(x);
}

Evaluation Model::evaluate(BatchSource& source, const std::string& weights, Precision precision,
                           const std::function<void()>& between_batches) {
  at::Tensor loss = at::zeros({}, options_.dtype(at::kDouble)),
             correct = at::zeros({2}, options_.dtype(at::kLong));
  Evaluation result;
  for (int64_t i = 0; i < source.batches(); ++i) {
    const Batch batch = source.at(i);
    LM_CHECK(batch.pixels.defined(), "ERR_CLOSED", "The data was closed");
    if (batch.counted == 0) continue;
    const at::Tensor labels = batch.labels.to(options_.device());
    const at::Tensor logits = predict(batch.pixels, weights, precision);
    loss.add_(cross_entropy(logits, labels), static_cast<double>(batch.counted));
    correct.add_(count_correct(logits, labels));
    result.count += batch.counted;
    between_batches();
  }
  LM_CHECK(result.count > 0, "ERR_DATASET", "None of the images can be used");
  const at::Tensor counts = correct.to(at::kCPU);
  result.loss = loss.item<double>() / static_cast<double>(result.count);
  result.correct1 = counts[0].item<int64_t>();
  result.correct5 = counts[1].item<int64_t>();
  return result;
}

Vjp Model::vjp(const at::Tensor& x, const std::optional<at::Tensor>& cotangent, const VjpOptions& o) {
  check_precision(o.precision);
  const PlanOptions options{.training = true,
                            .input_gradient = true,
                            .memory = o.memory,
                            .every = o.every,
                            .precision = o.precision};
  Plan plan = make_plan(graph_, x.size(0), x.size(2), x.size(3), options);
  if (o.memory == Memory::kReverse) check_reversible(graph_, values());
  plan.training = o.training;  // evaluation statistics, but everything kept for the gradient
  Weights scratch = buffers().copy(options_.dtype().toScalarType());
  Run run(plan, values(), scratch.views, {o.seed, 0, 0});
  const at::Tensor input =
      x.to(options_.device(), options_.dtype().toScalarType()).contiguous(at::MemoryFormat::ChannelsLast);
  Vjp result{run.forward(input), {}};
  if (!cotangent) return result;
  LM_CHECK(cotangent->numel() == result.output.numel(), "ERR_SHAPE", "Expected ", result.output.numel(),
           " numbers for `cotangent` but received ", cotangent->numel());
  Weights& grads = set("gradient");
  grads.flat.zero_();
  const at::Tensor seed =
      cotangent->view(result.output.sizes()).to(options_.device(), options_.dtype().toScalarType());
  run.backward(seed.dim() == 4 ? seed.contiguous(at::MemoryFormat::ChannelsLast) : seed, grads);
  result.input_gradient = run.input_gradient();
  return result;
}

std::vector<at::Tensor> Model::probe(const at::Tensor& x, const std::vector<int64_t>& nodes) {
  Run run(plan(x.size(0), x.size(2), x.size(3), {.keep_all = true}), values(), buffers().views);
  run.forward(
      x.to(options_.device(), options_.dtype().toScalarType()).contiguous(at::MemoryFormat::ChannelsLast));
  std::vector<at::Tensor> found;
  for (int64_t id : nodes) {
    LM_CHECK(id >= 0 && static_cast<size_t>(id) < graph_.nodes.size(), "ERR_UNKNOWN_NAME",
             "There is no node ", id);
    found.push_back(run.value(static_cast<int>(id)));
  }
  return found;
}

at::Tensor& Model::find(const std::string& path, const std::string& set_name) {
  const bool known = std::find(kSets.begin(), kSets.end(), set_name) != kSets.end();
  LM_CHECK(known, "ERR_UNKNOWN_NAME", "There is no set \"", set_name, "\"");
  const int param = graph_.param_index(path);
  if (param >= 0) return set(set_name).views[static_cast<size_t>(param)];
  const int buffer = graph_.buffer_index(path);
  LM_CHECK(buffer >= 0 && (set_name == "value" || set_name == "ema"), "ERR_UNKNOWN_NAME", "There is no ",
           set_name, " of \"", path, "\"");
  return buffers(set_name).views[static_cast<size_t>(buffer)];
}

at::Tensor Model::read(const std::string& path, const std::string& set_name) {
  LM_CHECK(set_name != "ema" || sets_.count(set_name) > 0, "ERR_UNKNOWN_NAME", "There is no ema of \"", path,
           "\": train with `modelEma`");
  return find(path, set_name).to(at::kCPU).contiguous();
}

void Model::write(const std::string& path, const std::string& set_name, const at::Tensor& values) {
  at::Tensor& into = find(path, set_name);
  LM_CHECK(values.numel() == into.numel(), "ERR_SHAPE", path, ": expected ", into.numel(),
           " numbers but received ", values.numel());
  into.copy_(values.view(into.sizes()));
}

}  // namespace lm
