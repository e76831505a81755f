#include "core/kernels/cpu/direct.h"

namespace lm::cpu {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)
bool has_avx512() { return __builtin_cpu_supports("avx512f"); }
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
bool always() { return true; }

}  // namespace

std::span<const DirectSet> direct_sets() {
  static constexpr DirectSet sets[]{
#if defined(__x86_64__) && defined(__GNUC__)
      {"avx512", has_avx512, convolve_avx512, winograd_avx512, copy_avx512},
      {"avx2", has_avx2, convolve_avx2, winograd_avx2, copy_avx2},
#endif
      {"any", always, convolve_any, winograd_any, copy_any},
  };
  return sets;
}

const DirectSet& direct_set() {
  static const DirectSet& best = *[] {
    const DirectSet* found = direct_sets().data();
    while (!found->is_here()) ++found;
    return found;
  }();
  return best;
}

}  // namespace lm::cpu
