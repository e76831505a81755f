#include "core/kernels/cpu/sets.h"

#include "core/kernels/cpu/convolutions/direct.h"

namespace lm::cpu {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)
bool has_avx512() { return __builtin_cpu_supports("avx512f"); }
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
bool always() { return true; }

}  // namespace

#define LM_DIRECT_SET(set, is_here) \
  {#set,                            \
   is_here,                         \
   convolve_##set,                  \
   winograd_##set,                  \
   copy_##set,                      \
   winograd_weights_##set,          \
   winograd_tiles_##set,            \
   winograd_products_##set,         \
   winograd_sums_##set,             \
   narrow_##set,                    \
   narrow_gradient_##set,           \
   pointwise_panels_##set,          \
   pointwise_products_##set}

std::span<const DirectSet> direct_sets() {
  static constexpr DirectSet sets[]{
#if defined(__x86_64__) && defined(__GNUC__)
      LM_DIRECT_SET(avx512, has_avx512),
      LM_DIRECT_SET(avx2, has_avx2),
#endif
      LM_DIRECT_SET(any, always),
  };
  return sets;
}

const DirectSet& direct_set() {
  static const DirectSet& best = first_here(direct_sets());
  return best;
}

}  // namespace lm::cpu
