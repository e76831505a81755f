#include "check/training/training.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "check/json.h"
#include "core/allocator.h"
#include "core/parse_graph.h"

namespace lm {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  LM_CHECK(file.good(), "ERR_FILE", "Cannot read ", path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::filesystem::path& path, const std::vector<at::Tensor>& tensors) {
  std::ofstream file(path, std::ios::binary);
  for (const at::Tensor& t : tensors)
    file.write(static_cast<const char*>(t.const_data_ptr()), static_cast<std::streamsize>(t.nbytes()));
  LM_CHECK(file.good(), "ERR_FILE", "Cannot write ", path.string());
}

// Registers CUDA with libtorch where its library is installed: nothing here links to it.
at::Device device_of(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  LM_CHECK(dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_LOCAL) != nullptr, "ERR_DEVICE",
           "No CUDA here: ", dlerror());
  return at::Device(name);
}

OptimizerSpec optimizer(const Options& options, const Graph& graph) {
  using Kind = OptimizerSpec::Kind;
  OptimizerSpec spec;
  spec.kind = options.choose<Kind>(
      "optimizer",
      {{"sgd", Kind::kSgd}, {"adamw", Kind::kAdamW}, {"lars", Kind::kLars}, {"lamb", Kind::kLamb}});
  spec.nesterov = options.has("nesterov");
  ParamGroup& group = spec.groups.emplace_back();
  group.adapts = spec.kind == Kind::kLars || spec.kind == Kind::kLamb;
  for (size_t i = 0; i < graph.params.size(); ++i) group.params.push_back(static_cast<int>(i));
  return spec;
}

// --off fuse,own-kernels
void switch_off(const std::string& names, PlanOptions& plan) {
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    const auto found = std::find_if(std::begin(switches), std::end(switches),
                                    [&](const Switch& s) { return name == s.name; });
    LM_CHECK(found != std::end(switches), "ERR_CONFIG", "Expected passes for --off but received ", name,
             "; lm-check --switches names them");
    plan.*found->option = found->off;
  }
}

TrainerOptions trainer_options(const Options& options) {
  TrainerOptions out;
  out.seed = static_cast<uint64_t>(options.integer("seed", 0));
  out.plan.memory = options.choose<Memory>(
      "memory",
      {{"store", Memory::kStore}, {"recompute", Memory::kRecompute}, {"reverse", Memory::kReverse}});
  out.plan.every = static_cast<int>(options.integer("every", 1));
  out.plan.precision = options.choose<Precision>(
      "amp",
      {{"none", Precision::kOwn}, {"bfloat16", Precision::kBfloat16}, {"float16", Precision::kFloat16}});
  switch_off(options.text("off"), out.plan);
  out.deterministic = options.choose<bool>("benchmark", {{"0", true}, {"1", false}});
  out.capture = options.choose<bool>("capture", {{"0", false}, {"1", true}});
  return out;
}

int64_t page_faults() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_minflt + use.ru_majflt;
}

}  // namespace

double Findings::median() const {
  std::vector<double> sorted = milliseconds;
  std::sort(sorted.begin(), sorted.end());
  return sorted.empty() ? 0 : sorted[sorted.size() / 2];
}

Training::Training(const Options& options)
    : scalars_{.lr = options.number("lr"),
               .momentum = options.number("momentum"),
               .decay = options.number("weight-decay")},
      chunk_(options.integer("chunk", 1)) {
  at::set_num_threads(static_cast<int>(options.integer("threads", 1)));
  install_caching_allocator();
  const auto seed = static_cast<uint64_t>(options.integer("seed", 0));
  const auto type =
      options.choose<at::ScalarType>("dtype", {{"float32", at::kFloat}, {"float64", at::kDouble}});
  const at::Device device = device_of(options.text("device"));
  model_.emplace(parse_graph(parse_json(read_file(options.text("graph")))), ModelOptions{device, type, seed});
  const RandomImages::Sizes sizes{options.integer("batch", 1), options.integer("size", 1),
                                  model_->graph().input.channels, model_->classes()};
  images_ = std::make_shared<RandomImages>(sizes, seed, /*pinned=*/!device.is_cpu());
  feed_ = feed_to(images_, device);
  optimizer_ = optimizer(options, model_->graph());
  options_ = trainer_options(options);
  trainer_.emplace(*model_, *feed_, optimizer_, options_);
}

Findings Training::run(int64_t steps) {
  const std::atomic<bool> stop{false};
  Findings found;
  int64_t faults = 0, counted = 0;
  for (int64_t i = 0; i < steps; i += chunk_) {
    const bool is_first = done_ == 0;
    const size_t live = memory_use().live;
    reset_peak();
    const int64_t before = page_faults();
    const std::vector<StepScalars> rows(static_cast<size_t>(std::min(chunk_, steps - i)), scalars_);
    const auto count = static_cast<int64_t>(rows.size());
    const ChunkResult chunk = trainer_->run(done_, rows, std::nullopt, stop, [] {});
    done_ += count;
    LM_CHECK(chunk.not_finite.empty(), "ERR_NOT_FINITE", "Not finite in ", chunk.not_finite);
    found.replayed += chunk.captured.replayed;
    if (!chunk.capture_failure.empty()) found.not_captured = chunk.capture_failure;
    found.losses.insert(found.losses.end(), chunk.losses.begin(), chunk.losses.end());
    found.milliseconds.push_back(1000 * chunk.seconds / static_cast<double>(count));
    // The arena, and what libtorch takes inside its calls; the first step also makes gradients and momenta.
    found.activation_bytes =
        memory_use().peak - live + (is_first ? 0 : static_cast<size_t>(model_->arena_bytes()));
    if (is_first) {
      for (const ParamSpec& param : model_->graph().params)
        found.norms[param.path] = model_->read(param.path, "gradient").norm().item<double>();
      continue;  // libtorch takes what it keeps for itself
    }
    found.stray_bytes += chunk.stray_bytes;
    faults += page_faults() - before;
    counted += count;
  }
  if (counted > 0) found.page_faults = static_cast<double>(faults) / static_cast<double>(counted);
  return found;
}

Profile Training::profile(int64_t steps) {
  LM_CHECK(chunk_ == 1, "ERR_CONFIG", "Expected 1 for --chunk with --profile but received ", chunk_);
  run(1);
  Profiler profiler(model_->options().device());
  trainer_->observe([&](const Piece& piece) { profiler.see(piece); });
  for (int64_t i = 0; i < steps; ++i) {
    profiler.begin();
    run(1);
    profiler.end_step();
  }
  trainer_->observe({});
  const Session& session =
      model_->session(images_->batch(), images_->height(), images_->width(), options_.plan);
  return profiler.finish(session.plan(), optimizer_, scalars_, model_->options());
}

void Training::write(const std::string& folder) {
  const std::filesystem::path path(folder);
  std::vector<at::Tensor> weights;
  for (const ParamSpec& param : model_->graph().params) weights.push_back(model_->read(param.path, "value"));
  write_file(path / "weights", weights);
  write_file(path / "pixels", {images_->pixels()});
  write_file(path / "labels", {images_->labels()});
}

}  // namespace lm
