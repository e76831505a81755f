// Convolutions of shapes at the bounds of known faults, then of random ones, all three directions, against
// float64, with a page behind every tensor, and behind all scratch memory, that nobody may touch:
//   lm-check-convolutions [--seed 1] [--count 200] [--only N] [--libtorch 1] [--fused SET] [--training SET]
//                         [--tiles SET]
// Prints one JSON object a line: the shape, and of output and gradients the largest error of an element as a
// share of what it would be if nothing cancelled, or the signal that ended the process that tried. --only
// tries one; --libtorch 1 goes around nothing, which shows what is wrong on this processor; --fused tries
// those of evaluations, by the loops of an instruction set: avx512, avx2 or any; --training those of
// training, and --tiles in bfloat16: amx, avx512 or any.

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
#include "check/convolutions/tiled.h"
#include "check/convolutions/trained.h"
#include "core/kernels/cpu/sets.h"
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

// What is tried: shapes by their numbers, and each of them.
struct Trial {
  bool is_here = true;
  lm::Shape (*draw)(uint64_t seed, uint64_t i) = lm::draw_shape;
  std::function<std::string(uint64_t seed, uint64_t i)> tried;
};

Trial trial_of(const std::map<std::string, std::string>& options) {
  const std::string &fused = options.at("--fused"), &training = options.at("--training");
  if (const std::string& name = options.at("--tiles"); !name.empty()) {
    const lm::cpu::TileSet* const set = lm::cpu::find_here(lm::cpu::tile_sets(), name);
    return {set != nullptr, lm::draw_tiled,
            [set](uint64_t seed, uint64_t i) { return lm::tried_tiled(seed, i, *set); }};
  }
  if (fused.empty() && training.empty()) {
    const bool plain = options.at("--libtorch") == "1";
    return {.tried = [plain](uint64_t seed, uint64_t i) { return tried(seed, i, plain); }};
  }
  const lm::cpu::DirectSet* const set =
      lm::cpu::find_here(lm::cpu::direct_sets(), training.empty() ? fused : training);
  const auto tried = training.empty() ? lm::tried_fused : lm::tried_training;
  return {set != nullptr, training.empty() ? lm::draw_fused : lm::draw_training,
          [set, tried](uint64_t seed, uint64_t i) { return tried(seed, i, *set); }};
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options{{"--seed", "1"},     {"--count", "200"}, {"--only", ""},
                                             {"--libtorch", "0"}, {"--fused", ""},    {"--training", ""},
                                             {"--tiles", ""}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  at::set_num_threads(1);
  guarded::guard_tensors();
  const uint64_t seed = std::stoull(options["--seed"]);
  const Trial trial = trial_of(options);
  if (!trial.is_here) {
    std::printf("{\"absent\":true}\n");
    return 0;
  }
  if (!options["--only"].empty()) {
    const uint64_t i = std::stoull(options["--only"]);
    guarded::guard_scratch();
    std::printf("{%s,%s}\n", text(trial.draw(seed, i)).c_str(), trial.tried(seed, i).c_str());
    return 0;
  }
  for (uint64_t i = 0; i < std::stoull(options["--count"]); ++i)
    attempt(i, text(trial.draw(seed, i)), [&, i] { return trial.tried(seed, i); });
}
