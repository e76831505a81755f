// Convolutions of shapes at the bounds of known faults, then of random ones, all three directions, against
// float64, with a page behind every tensor, and behind all scratch memory, that nobody may touch:
//   lm-check-convolutions [--seed 1] [--count 200] [--only N] [--libtorch 1]
// Prints one JSON object a line: the shape, and of output and gradients the largest error of an element as a
// share of what it would be if nothing cancelled, or the signal that ended the process that tried. --only
// tries one; --libtorch 1 goes around nothing, which shows what is wrong on this processor.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <map>
#include <mutex>
#include <sstream>
#include <string>

#include "core/error.h"
#include "core/kernels/convolution.h"
#include "core/rng.h"

// Memory that ends, to its alignment, where a page begins that nobody may touch; what lies between has to
// stay as it is.
namespace guarded {

constexpr unsigned char kUntouched = 0xA5;

struct Header {
  char* base;
  size_t whole, size, used;
};

size_t up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

void* take(size_t size, size_t alignment) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t used = up(size, alignment), before = up(sizeof(Header), alignment);
  const size_t whole = up(used + before, page) + page;
  void* base = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  char* end = static_cast<char*>(base) + whole - page;
  mprotect(end, page, PROT_NONE);
  char* data = end - used;
  *reinterpret_cast<Header*>(data - sizeof(Header)) = {static_cast<char*>(base), whole, size, used};
  std::memset(data + size, kUntouched, used - size);
  return data;
}

void give_back(void* data) {
  if (data == nullptr) return;
  const Header header = *reinterpret_cast<Header*>(static_cast<char*>(data) - sizeof(Header));
  const auto* rest = static_cast<unsigned char*>(data);
  for (size_t i = header.size; i < header.used; ++i)
    if (rest[i] != kUntouched) std::abort();
  munmap(header.base, header.whole);
}

class Allocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    void* data = take(size, 64);
    return {data, data, &give_back, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t count) const override {
    default_copy_data(to, from, count);
  }
};

// Memory that oneDNN asks the C library for lies in these; a child of `attempt` needs few at once.
constexpr size_t kScratches = 256;
std::mutex mutex;
std::array<void*, kScratches> scratches{};
bool watching = false;

}  // namespace guarded

extern "C" void __libc_free(void* data);

// In place of those of the C library, for libtorch too: oneDNN takes its scratch memory so.
extern "C" [[gnu::visibility("default")]] int posix_memalign(void** out, size_t alignment,
                                                             size_t size) noexcept {
  const std::lock_guard lock(guarded::mutex);
  for (size_t i = 0; guarded::watching && i < guarded::kScratches; ++i) {
    if (guarded::scratches[i] != nullptr) continue;
    *out = guarded::scratches[i] = guarded::take(size, alignment);
    return *out == nullptr ? ENOMEM : 0;
  }
  *out = aligned_alloc(alignment, guarded::up(size, alignment));
  return *out == nullptr ? ENOMEM : 0;
}

extern "C" [[gnu::visibility("default")]] void free(void* data) noexcept {
  if (data == nullptr) return;
  if (guarded::watching) {
    const std::lock_guard lock(guarded::mutex);
    for (void*& scratch : guarded::scratches) {
      if (scratch != data) continue;
      scratch = nullptr;
      guarded::give_back(data);
      return;
    }
  }
  __libc_free(data);
}

namespace {

using at::Tensor;

struct Shape {
  int64_t images, in, out, height, width, kernel[2];
  lm::Sliding sliding;
  bool bias;
  at::ScalarType type;
};

int64_t one_of(lm::Rng& rng, std::initializer_list<int64_t> values) {
  return values.begin()[rng.below(values.size())];
}

// On both sides of the bounds of what oneDNN does wrong: the number of input channels, the stride.
const Shape bounds[]{
    {4, 4, 8, 64, 64, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {4, 7, 1, 64, 64, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {4, 8, 1, 64, 64, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {2, 15, 2, 30, 74, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {2, 16, 2, 30, 74, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {2, 8, 32, 69, 68, {1, 1}, {.stride = {3, 1}}, false, at::kFloat},
    {4, 12, 33, 48, 65, {1, 1}, {.stride = {2, 1}}, true, at::kFloat},
    {4, 5, 2, 66, 32, {1, 1}, {.stride = {1, 2}}, true, at::kFloat},
    {4, 5, 2, 66, 32, {1, 1}, {.stride = {1, 1}}, true, at::kFloat},
    {3, 6, 9, 33, 35, {1, 1}, {.stride = {2, 2}, .padding = {1, 1}}, true, at::kFloat},
    {2, 2, 16, 69, 62, {1, 1}, {.stride = {3, 1}}, true, at::kBFloat16},
    {2, 16, 16, 69, 62, {1, 1}, {.stride = {3, 1}}, true, at::kBFloat16},
    {2, 12, 24, 41, 43, {1, 1}, {.stride = {2, 2}, .groups = 4}, false, at::kFloat},
};

// Channels about every vector width, groups of one, of some and of each channel, windows of every kind.
Shape draw(uint64_t seed, uint64_t i) {
  if (i < std::size(bounds)) return bounds[i];
  lm::Rng rng(seed, "convolution", i);
  Shape s{};
  s.type = static_cast<at::ScalarType>(
      one_of(rng, {int64_t(at::kFloat), int64_t(at::kFloat), int64_t(at::kBFloat16), int64_t(at::kHalf)}));
  s.images = one_of(rng, {1, 1, 2, 3, 4});
  const bool shortcut = rng.below(4) == 0;  // 1 x 1, as beside the first function of a stage
  const int64_t groups = shortcut ? 1 : one_of(rng, {1, 1, 1, 2, 3, 4, 8, 32});
  const bool depth_wise = !shortcut && rng.below(5) == 0;
  s.in = groups * one_of(rng, {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33});
  s.out = groups * one_of(rng, {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33});
  s.sliding.groups = groups;
  if (depth_wise) {
    s.sliding.groups = s.in;
    s.out = s.in * one_of(rng, {1, 1, 2});
  }
  const int64_t side = shortcut ? 1 : one_of(rng, {1, 2, 3, 3, 5, 7});
  for (int64_t& kernel : s.kernel) kernel = !shortcut && rng.below(5) == 0 ? one_of(rng, {1, 2, 3, 4}) : side;
  for (size_t axis = 0; axis < 2; ++axis) {
    s.sliding.padding[axis] = static_cast<int64_t>(
        rng.below(static_cast<uint64_t>(s.kernel[axis] / 2 + (rng.below(8) == 0 ? 2 : 1))));
    s.sliding.stride[axis] =
        axis == 1 && rng.below(4) != 0 ? s.sliding.stride[0] : one_of(rng, {1, 1, 2, 2, 3});
  }
  const uint64_t most = s.in > 64 ? 16 : rng.below(2) == 0 ? 24 : 80;
  s.height = s.kernel[0] + static_cast<int64_t>(rng.below(most));
  s.width = s.kernel[1] + static_cast<int64_t>(rng.below(most));
  s.bias = rng.below(3) == 0;
  return s;
}

std::string text(const Shape& s) {
  std::ostringstream out;
  out << "\"shape\":\"" << s.images << "x" << s.in << "x" << s.height << "x" << s.width << " -> " << s.out
      << ", kernel " << s.kernel[0] << "x" << s.kernel[1] << ", stride " << s.sliding.stride[0] << "x"
      << s.sliding.stride[1] << ", padding " << s.sliding.padding[0] << "x" << s.sliding.padding[1]
      << ", groups " << s.sliding.groups << (s.bias ? ", bias" : "") << "\",\"type\":\""
      << c10::toString(s.type) << "\"";
  return out.str();
}

Tensor normal(lm::Rng& rng, at::IntArrayRef sizes, at::ScalarType type) {
  const Tensor out = at::empty(sizes, at::kDouble);
  for (int64_t i = 0; i < out.numel(); ++i) out.data_ptr<double>()[i] = rng.normal();
  const auto format = sizes.size() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return out.to(type).contiguous(format);
}

// The largest |found - right| of an element, as a share of what it would be if nothing cancelled, or of the
// smallest number that has all its digits.
double error(const Tensor& found, const Tensor& right, const Tensor& uncancelled) {
  if (!right.defined()) return 0;
  const double least = found.scalar_type() == at::kHalf ? std::ldexp(1, -14) : std::ldexp(1, -126);
  return ((found.to(at::kDouble) - right).abs() / uncancelled.clamp_min(least)).max().item<double>();
}

struct All {
  Tensor output;
  lm::ConvolutionGradients by;
};

All all(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& grad, const lm::Sliding& s) {
  return {lm::convolve(x, w, b, s), lm::convolve_backward(grad, x, w, b.defined(), s, true)};
}

// libtorch's own functions, with nothing gone around.
All libtorch(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& grad, const lm::Sliding& s) {
  const std::array<int64_t, 1> sizes{w.size(0)};
  auto [gx, gw, gb] = at::convolution_backward(
      grad, x, w, b.defined() ? at::OptionalIntArrayRef(sizes) : std::nullopt, s.stride, s.padding, {1, 1},
      false, {0, 0}, s.groups, {true, true, b.defined()});
  return {lm::convolve(x, w, b, s), {gx, gw, gb}};
}

std::string tried(uint64_t seed, uint64_t i, bool plain) {
  const Shape s = draw(seed, i);
  lm::Rng rng(seed, "values", i);
  const auto places = [&](int64_t size, size_t axis) {
    return (size + 2 * s.sliding.padding[axis] - s.kernel[axis]) / s.sliding.stride[axis] + 1;
  };
  const Tensor x = normal(rng, {s.images, s.in, s.height, s.width}, s.type);
  const Tensor w = normal(rng, {s.out, s.in / s.sliding.groups, s.kernel[0], s.kernel[1]}, s.type);
  const Tensor b = s.bias ? normal(rng, {s.out}, s.type) : Tensor();
  const Tensor grad = normal(rng, {s.images, s.out, places(s.height, 0), places(s.width, 1)}, s.type);
  const auto wide = [](const Tensor& t) { return t.defined() ? t.to(at::kDouble).contiguous() : t; };
  const auto size = [&](const Tensor& t) { return t.defined() ? wide(t).abs() : t; };
  const All right = libtorch(wide(x), wide(w), wide(b), wide(grad), s.sliding);
  const All sizes = libtorch(size(x), size(w), size(b), size(grad), s.sliding);
  const All found = (plain ? libtorch : all)(x, w, b, grad, s.sliding);
  std::ostringstream out;
  out << "\"output\":" << error(found.output, right.output, sizes.output)
      << ",\"x\":" << error(found.by.x, right.by.x, sizes.by.x)
      << ",\"weight\":" << error(found.by.weight, right.by.weight, sizes.by.weight)
      << ",\"bias\":" << error(found.by.bias, right.by.bias, sizes.by.bias);
  return out.str();
}

// In a process of its own, which may crash.
void attempt(uint64_t seed, uint64_t i, bool plain) {
  std::printf("{\"i\":%llu,%s,", static_cast<unsigned long long>(i), text(draw(seed, i)).c_str());
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    guarded::watching = true;
    try {
      std::printf("%s", tried(seed, i, plain).c_str());
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
      _exit(1);
    }
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) std::printf("\"signal\":%d", WTERMSIG(status));
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) std::printf("\"code\":%d", WEXITSTATUS(status));
  std::printf("}\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options{
      {"--seed", "1"}, {"--count", "200"}, {"--only", ""}, {"--libtorch", "0"}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  at::set_num_threads(1);
  static guarded::Allocator memory;
  c10::SetCPUAllocator(&memory, /*priority=*/1);
  const uint64_t seed = std::stoull(options["--seed"]);
  const bool plain = options["--libtorch"] == "1";
  if (!options["--only"].empty()) {
    const uint64_t i = std::stoull(options["--only"]);
    guarded::watching = true;
    std::printf("{%s,%s}\n", text(draw(seed, i)).c_str(), tried(seed, i, plain).c_str());
    return 0;
  }
  for (uint64_t i = 0; i < std::stoull(options["--count"]); ++i) attempt(seed, i, plain);
}
