// Convolutions of shapes at the bounds of known faults, then of random ones, all three directions, against
// float64, with a page behind every tensor, and behind all scratch memory, that nobody may touch:
//   lm-check-convolutions [--seed 1] [--count 200] [--only N] [--libtorch 1] [--fused SET] [--training SET]
// Prints one JSON object a line: the shape, and of output and gradients the largest error of an element as a
// share of what it would be if nothing cancelled, or the signal that ended the process that tried. --only
// tries one; --libtorch 1 goes around nothing, which shows what is wrong on this processor; --fused tries
// those of evaluations, by the loops of an instruction set: avx512, avx2 or any; --training those of
// training.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "check/convolutions/convolved.h"
#include "check/convolutions/fused.h"
#include "check/convolutions/guarded.h"
#include "check/convolutions/shapes.h"
#include "check/convolutions/trained.h"
#include "core/kernels/kernels.h"

namespace {

using lm::Convolved, lm::Numbers, lm::Sliding;

// The kernels that networks run by.
Convolved by_kernels(const Numbers& n, const Sliding& sliding) {
  const lm::Kernels& kernels = lm::kernels_for(at::kCPU, n.x.scalar_type());
  const lm::Convolution c{n.x, n.weight, n.bias, sliding};
  const Convolved out{at::empty_like(n.grad), at::empty_like(n.x), at::zeros_like(n.weight),
                      n.bias.defined() ? at::zeros_like(n.bias) : n.bias};
  kernels.convolve(c, out.output);
  kernels.convolve_backward(c, n.grad, {out.x, out.weight, out.bias});
  return out;
}

std::string tried(uint64_t seed, uint64_t i, bool plain) {
  const lm::Shape s = lm::draw_shape(seed, i);
  lm::Rng rng(seed, "values", i);
  const Numbers numbers = lm::draw_numbers(rng, s);
  return lm::errors((plain ? lm::by_libtorch : by_kernels)(numbers, s.sliding), numbers, s.sliding);
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
  std::map<std::string, std::string> options{{"--seed", "1"},     {"--count", "200"}, {"--only", ""},
                                             {"--libtorch", "0"}, {"--fused", ""},    {"--training", ""}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  at::set_num_threads(1);
  guarded::guard_tensors();
  const uint64_t seed = std::stoull(options["--seed"]);
  const bool plain = options["--libtorch"] == "1";
  const bool training = !options["--training"].empty();
  const std::string set = training ? options["--training"] : options["--fused"];
  if (!set.empty() && lm::find_set(set) == nullptr) {
    std::printf("{\"absent\":\"%s\"}\n", set.c_str());
    return 0;
  }
  const auto shape = [&](uint64_t i) {
    return text((training ? lm::draw_training : set.empty() ? lm::draw_shape : lm::draw_fused)(seed, i));
  };
  const auto try_one = [&](uint64_t i) {
    if (set.empty()) return tried(seed, i, plain);
    return (training ? lm::tried_training : lm::tried_fused)(seed, i, *lm::find_set(set));
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
