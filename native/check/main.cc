// Runs a graph without Node: for sanitizers, gdb, perf, and machines that have CUDA and a libtorch but no
// Node. `lm-check --help` names the options.
// Prints one JSON object: the losses of steps on seeded random images, gradient norms of the last step of
// the first chunk, memory and times. A device is waited for once a chunk. With --turns it prints one for
// every line that it reads, so that programs can be timed in turn.

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>

#include <cstdio>
#include <fstream>
#include <iostream>

#include "check/training/training.h"

namespace {

// Most bytes of the process that lay in memory at once, libtorch's code among them; 0 where Linux does not
// say.
size_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  size_t kib = 0;
  for (std::string word; status >> word;)
    if (word == "VmHWM:") status >> kib;
  return 1024 * kib;
}

// Most bytes of tensors on the device at once.
int64_t peak_device_bytes(const at::Device& device) {
  if (device.is_cpu()) return 0;
  const auto stats = at::accelerator::getDeviceStats(0);
  return stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
}

void print_list(const char* name, const std::vector<double>& numbers) {
  std::printf("\"%s\":[", name);
  for (size_t i = 0; i < numbers.size(); ++i) std::printf("%s%.17g", i > 0 ? "," : "", numbers[i]);
  std::printf("],");
}

void print_norms(const std::map<std::string, double>& norms) {
  std::printf("\"gradientNorms\":{");
  const char* comma = "";
  for (const auto& [path, norm] : norms) {
    std::printf("%s\"%s\":%.17g", comma, path.c_str(), norm);
    comma = ",";
  }
  std::printf("},");
}

void print(const lm::Findings& found, const at::TensorOptions& type) {
  const at::Device device = type.device();
  std::printf("{\"device\":\"%s\",\"kernels\":\"%s\",", device.str().c_str(),
              std::string(lm::kernels_for(device, type.dtype().toScalarType()).name).c_str());
  print_list("losses", found.losses);
  print_list("milliseconds", found.milliseconds);
  print_norms(found.norms);
  std::printf(
      "\"activationBytes\":%zu,\"strayBytes\":%zu,\"peakResidentBytes\":%zu,\"peakDeviceBytes\":%ld,"
      "\"pageFaultsPerStep\":%g,\"replayed\":%ld,\"captured\":%s,\"medianStepMs\":%.3f}\n",
      found.activation_bytes, found.stray_bytes, peak_resident_bytes(),
      static_cast<long>(peak_device_bytes(device)), found.page_faults, static_cast<long>(found.replayed),
      found.not_captured.empty() && found.replayed > 0 ? "true" : "false", found.median());
  if (!found.not_captured.empty())
    std::fprintf(stderr, "Steps are not captured: %s\n", found.not_captured.c_str());
  std::fflush(stdout);
}

void print_switches() {
  const char* comma = "[";
  for (const lm::Switch& s : lm::switches) {
    std::printf("%s\"%s\"", comma, s.name);
    comma = ",";
  }
  std::printf("]\n");
}

void profile(lm::Training& training, int64_t steps, bool each) {
  const lm::Profile profile = training.profile(steps);
  std::cerr << to_table(profile, each);
  std::cout << to_json(profile, each) << std::endl;
}

void run(const lm::Options& options) {
  if (options.has("help")) {
    std::cout << lm::Options::usage();
    return;
  }
  if (options.has("switches")) return print_switches();
  lm::Training training(options);
  const int64_t steps = options.integer("steps", 0);
  if (!options.text("write").empty()) training.write(options.text("write"));
  const auto turn = [&] { print(training.run(steps), training.model().options()); };
  if (options.has("profile")) return profile(training, steps, options.has("each"));
  if (!options.has("turns")) return turn();
  for (std::string line; std::getline(std::cin, line);) turn();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(lm::Options::parse(argc, argv));
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
