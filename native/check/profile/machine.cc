#include "check/profile/machine.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>

namespace lm {
namespace {

constexpr int kTries = 7;

double seconds(const at::TensorOptions& type, const std::function<void()>& work) {
  const auto wait = [&] {
    if (!type.device().is_cpu()) at::accelerator::synchronizeDevice(0);
  };
  wait();
  const auto start = std::chrono::steady_clock::now();
  work();
  wait();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double fastest(const at::TensorOptions& type, const std::function<void()>& work) {
  double least = seconds(type, work);
  for (int i = 1; i < kTries; ++i) least = std::min(least, seconds(type, work));
  return least;
}

// Of buffers beyond all caches.
double copy_rate(const at::TensorOptions& type) {
  constexpr int64_t kBytes = int64_t{128} << 20;
  const at::Tensor from = at::ones({kBytes / 4}, type.dtype(at::kFloat)), to = at::empty_like(from);
  return 2 * static_cast<double>(kBytes) / fastest(type, [&] { to.copy_(from); });
}

// Of square matrices: as large as is needed to see it, for a type that has no fast kernel may be slow.
double multiply_rate(const at::TensorOptions& type) {
  double rate = 0;
  for (int64_t n = 256; n <= 4096; n *= 2) {
    const at::Tensor a = at::ones({n, n}, type), b = at::ones_like(a);
    at::Tensor c = at::empty_like(a);
    const double first = seconds(type, [&] { at::mm_out(c, a, b); });
    const double took = first > 0.2 ? first : fastest(type, [&] { at::mm_out(c, a, b); });
    const auto side = static_cast<double>(n);
    rate = std::max(rate, 2 * side * side * side / took);
    if (took > 0.01) break;
  }
  return rate;
}

// The value of a field of Linux's description of the processor; "" where there is none.
std::string field_of_processor(const std::string& field) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(field + "\t", 0) == 0 && line.find(':') + 2 <= line.size())
      return line.substr(line.find(':') + 2);
  return "";
}

std::vector<std::string> instruction_sets() {
  std::vector<std::string> found;
  std::istringstream flags(field_of_processor("flags"));
  for (std::string flag; flags >> flag;)
    for (const char* known : {"avx2", "avx512f", "avx512_bf16", "amx_bf16"})
      if (flag == known) found.push_back(flag);
  return found;
}

}  // namespace

Machine measure_machine(const at::TensorOptions& type) {
  const bool on_cpu = type.device().is_cpu();
  return {.processor = on_cpu ? field_of_processor("model name") : type.device().str(),
          .sets = on_cpu ? instruction_sets() : std::vector<std::string>{},
          .threads = at::get_num_threads(),
          .copy = copy_rate(type),
          .multiply = multiply_rate(type),
          .multiply_half = multiply_rate(type.dtype(at::kBFloat16))};
}

}  // namespace lm
