// Runs a graph without Node: for sanitizers, gdb, perf, and machines that have CUDA and a libtorch but no
// Node.
//   lm-check graph.json [--device cpu|cuda] [--dtype float32|float64] [--precision own|bfloat16|float16]
//            [--memory store|recompute|reverse] [--every 1] [--steps 5] [--chunk 1] [--batch 16] [--size 32]
//            [--lr 0.1] [--seed 0] [--threads 1] [--benchmark 0]
// Prints one JSON object: the losses of SGD steps on seeded random images, gradient norms of the last step of
// the first chunk, memory and times. A device is waited for once a chunk. --benchmark 1: cuDNN chooses by
// time.

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>

#include "check/json.h"
#include "check/random_images.h"
#include "core/allocator.h"
#include "core/parse_graph.h"
#include "core/rng.h"
#include "core/run/device_feed.h"
#include "core/train/trainer.h"

namespace {

using Options = std::map<std::string, std::string>;

Options parse(int argc, char** argv) {
  Options options{{"device", "cpu"},   {"dtype", "float32"}, {"steps", "5"}, {"batch", "16"},
                  {"size", "32"},      {"lr", "0.1"},        {"seed", "0"},  {"threads", "1"},
                  {"memory", "store"}, {"every", "1"},       {"chunk", "1"}, {"precision", "own"},
                  {"benchmark", "0"}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) {
      options["graph"] = word;
      continue;
    }
    LM_CHECK(options.count(word.substr(2)) > 0 && i + 1 < argc, "ERR_CONFIG", "Unknown option ", word);
    options[word.substr(2)] = argv[++i];
  }
  LM_CHECK(options.count("graph") > 0, "ERR_CONFIG",
           "Usage: lm-check graph.json [--device cpu|cuda] [--steps N] …");
  return options;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  LM_CHECK(file.good(), "ERR_FILE", "Cannot read ", path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Registers CUDA with libtorch where its library is installed: nothing here links to it.
at::Device device_of(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  LM_CHECK(dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_LOCAL) != nullptr, "ERR_DEVICE",
           "No CUDA here: ", dlerror());
  return at::Device(name);
}

// Most bytes of the process that lay in memory at once, libtorch's code among them; 0 where Linux does not
// say.
size_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  size_t kib = 0;
  for (std::string word; status >> word;)
    if (word == "VmHWM:") status >> kib;
  return 1024 * kib;
}

lm::OptimizerSpec one_group(const lm::Graph& graph) {
  lm::OptimizerSpec spec;
  spec.groups.emplace_back();
  for (size_t i = 0; i < graph.params.size(); ++i) spec.groups[0].params.push_back(static_cast<int>(i));
  return spec;
}

lm::Precision precision_of(const std::string& name) {
  LM_CHECK(name == "own" || name == "bfloat16" || name == "float16", "ERR_CONFIG", "Unknown --precision ",
           name);
  return name == "own"        ? lm::Precision::kOwn
         : name == "bfloat16" ? lm::Precision::kBfloat16
                              : lm::Precision::kFloat16;
}

// --memory store | reverse | recompute, every so many steps: --every 4
lm::TrainerOptions trainer_options(const Options& options) {
  const std::string& name = options.at("memory");
  LM_CHECK(name == "store" || name == "recompute" || name == "reverse", "ERR_CONFIG", "Unknown --memory ",
           name);
  const lm::Memory memory = name == "store"     ? lm::Memory::kStore
                            : name == "reverse" ? lm::Memory::kReverse
                                                : lm::Memory::kRecompute;
  lm::TrainerOptions out;
  out.seed = std::stoull(options.at("seed"));
  out.memory = memory;
  out.every = std::stoi(options.at("every"));
  out.precision = precision_of(options.at("precision"));
  return out;
}

// Results are to be those of float32, and the same every time.
void choose_algorithms(const Options& options) {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setDeterministicCuDNN(options.at("benchmark") == "0");
  at::globalContext().setBenchmarkCuDNN(options.at("benchmark") == "1");
}

// Most bytes of tensors on the device at once.
int64_t peak_device_bytes(const at::Device& device) {
  if (device.is_cpu()) return 0;
  const auto stats = at::accelerator::getDeviceStats(0);
  return stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
}

void run(const Options& options) {
  at::set_num_threads(std::stoi(options.at("threads")));
  lm::install_caching_allocator();
  choose_algorithms(options);
  lm::ModelOptions model_options{device_of(options.at("device")),
                                 options.at("dtype") == "float64" ? at::kDouble : at::kFloat,
                                 std::stoull(options.at("seed"))};
  lm::Model model(lm::parse_graph(lm::parse_json(read_file(options.at("graph")))), model_options);
  const bool on_device = !model_options.device.is_cpu();
  const auto images = std::make_shared<lm::RandomImages>(
      lm::RandomImages::Sizes{std::stoll(options.at("batch")), std::stoll(options.at("size")),
                              model.graph().input.channels, model.classes()},
      *model_options.seed, /*pinned=*/on_device);
  const auto feed = lm::feed_to(images, model_options.device);
  lm::Trainer trainer(model, *feed, one_group(model.graph()), trainer_options(options));
  const lm::StepScalars scalars{.lr = std::stod(options.at("lr")), .momentum = 0.9};
  const std::atomic<bool> stop{false};
  std::vector<double> losses, milliseconds;
  std::map<std::string, double> norms;
  size_t activation_bytes = 0, stray_bytes = 0;
  const int64_t steps = std::stoll(options.at("steps")), each = std::stoll(options.at("chunk"));
  for (int64_t i = 0; i < steps; i += each) {
    const size_t live = lm::memory_use().live;
    lm::reset_peak();
    const std::vector<lm::StepScalars> rows(static_cast<size_t>(std::min(each, steps - i)), scalars);
    const lm::ChunkResult chunk = trainer.run(i, rows, std::nullopt, stop, [] {});
    LM_CHECK(chunk.not_finite.empty(), "ERR_NOT_FINITE", "Not finite in ", chunk.not_finite);
    losses.insert(losses.end(), chunk.losses.begin(), chunk.losses.end());
    if (i > 0) stray_bytes += chunk.stray_bytes;  // in the first step libtorch takes what it keeps for itself
    // The arena; what libtorch takes inside its calls; the first step also makes gradients and momenta.
    activation_bytes = lm::memory_use().peak - live + (i > 0 ? static_cast<size_t>(model.arena_bytes()) : 0);
    milliseconds.push_back(1000 * chunk.seconds / static_cast<double>(rows.size()));
    if (i == 0)
      for (const auto& param : model.graph().params)
        norms[param.path] = model.read(param.path, "gradient").norm().item<double>();
  }
  const at::ScalarType type = model.options().dtype().toScalarType();
  std::printf("{\"device\":\"%s\",\"kernels\":\"%s\",\"losses\":[", options.at("device").c_str(),
              std::string(lm::kernels_for(model_options.device, type).name).c_str());
  for (size_t i = 0; i < losses.size(); ++i) std::printf("%s%.17g", i > 0 ? "," : "", losses[i]);
  std::printf("],\"gradientNorms\":{");
  const char* comma = "";
  for (const auto& [path, norm] : norms) {
    std::printf("%s\"%s\":%.17g", comma, path.c_str(), norm);
    comma = ",";
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const double median = milliseconds.empty() ? 0 : milliseconds[milliseconds.size() / 2];
  std::printf(
      "},\"activationBytes\":%zu,\"strayBytes\":%zu,\"peakResidentBytes\":%zu,\"peakDeviceBytes\":%ld,"
      "\"medianStepMs\":%.3f}\n",
      activation_bytes, stray_bytes, peak_resident_bytes(),
      static_cast<long>(peak_device_bytes(model_options.device)), median);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
    return 0;
  } catch (const lm::Error& e) {
    std::cerr << e.code << ": " << e.message << '\n';
  } catch (const c10::Error& e) {
    std::cerr << "ERR_TORCH: " << e.what_without_backtrace() << '\n';
  } catch (const std::exception& e) {
    std::cerr << "ERR_CONFIG: " << e.what() << '\n';
  }
  return 1;
}
