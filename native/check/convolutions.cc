// Convolutions of shapes at the bounds of known faults, then of random ones, all three directions, against
// float64, with a page behind every tensor, and behind all scratch memory, that nobody may touch:
//   lm-check-convolutions [--seed 1] [--count 200] [--only N] [--libtorch 1] [--fused SET]
// Prints one JSON object a line: the shape, and of output and gradients the largest error of an element as a
// share of what it would be if nothing cancelled, or the signal that ended the process that tried. --only
// tries one; --libtorch 1 goes around nothing, which shows what is wrong on this processor; --fused tries
// those of evaluations, by the loops of an instruction set: avx512, avx2 or any.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "check/convolution_shapes.h"
#include "check/fused.h"
#include "check/guarded.h"

namespace {

using at::Tensor;

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
  const lm::Shape s = lm::draw_shape(seed, i);
  lm::Rng rng(seed, "values", i);
  const Tensor x = lm::normal(rng, {s.images, s.in, s.height, s.width}, s.type);
  const Tensor w = lm::normal(rng, {s.out, s.in / s.sliding.groups, s.kernel[0], s.kernel[1]}, s.type);
  const Tensor b = s.bias ? lm::normal(rng, {s.out}, s.type) : Tensor();
  const Tensor grad = lm::normal(rng, {s.images, s.out, s.places(0), s.places(1)}, s.type);
  const auto wide = [](const Tensor& t) { return t.defined() ? t.to(at::kDouble).contiguous() : t; };
  const auto size = [&](const Tensor& t) { return t.defined() ? wide(t).abs() : t; };
  const All right = libtorch(wide(x), wide(w), wide(b), wide(grad), s.sliding);
  const All sizes = libtorch(size(x), size(w), size(b), size(grad), s.sliding);
  const All found = (plain ? libtorch : all)(x, w, b, grad, s.sliding);
  std::ostringstream out;
  out << "\"output\":" << lm::error(found.output, right.output, sizes.output)
      << ",\"x\":" << lm::error(found.by.x, right.by.x, sizes.by.x)
      << ",\"weight\":" << lm::error(found.by.weight, right.by.weight, sizes.by.weight)
      << ",\"bias\":" << lm::error(found.by.bias, right.by.bias, sizes.by.bias);
  return out.str();
}

// In a process of its own, which may crash.
void attempt(uint64_t i, const std::string& shape, const std::function<std::string()>& tried) {
  std::printf("{\"i\":%llu,%s,", static_cast<unsigned long long>(i), shape.c_str());
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    guarded::guard_scratch();
    try {
      std::printf("%s", tried().c_str());
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
      {"--seed", "1"}, {"--count", "200"}, {"--only", ""}, {"--libtorch", "0"}, {"--fused", ""}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  at::set_num_threads(1);
  guarded::guard_tensors();
  const uint64_t seed = std::stoull(options["--seed"]);
  const bool plain = options["--libtorch"] == "1";
  const std::string set = options["--fused"];
  if (!set.empty() && lm::find_set(set) == nullptr) {
    std::printf("{\"absent\":\"%s\"}\n", set.c_str());
    return 0;
  }
  const auto shape = [&](uint64_t i) {
    return text(set.empty() ? lm::draw_shape(seed, i) : lm::draw_fused(seed, i));
  };
  const auto try_one = [&](uint64_t i) {
    return set.empty() ? tried(seed, i, plain) : lm::tried_fused(seed, i, *lm::find_set(set));
  };
  if (!options["--only"].empty()) {
    const uint64_t i = std::stoull(options["--only"]);
    guarded::guard_scratch();
    std::printf("{%s,%s}\n", shape(i).c_str(), try_one(i).c_str());
    return 0;
  }
  for (uint64_t i = 0; i < std::stoull(options["--count"]); ++i)
    attempt(i, shape(i), [&, i] { return try_one(i); });
}
