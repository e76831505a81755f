// The gradient of 1 x 1 weights: a product of two matrices, whose columns are put in panels of sixteen that
// lie in the order in which they are read.

#include "core/kernels/cpu/convolutions/direct.h"
#include "core/kernels/cpu/convolutions/products.h"

namespace lm::cpu {
namespace {

template <int kNumbers>
LM_INLINE void panels(const PointwisePanels& d) {
  using R = Register<kNumbers>;
  const typename R::Type zero = {};
  for (int64_t p = 0; p < d.pixels; ++p) {
    const float* x = d.x + p * d.step;
    float* to = d.to + p * kLanes;
    for (int64_t c = 0; c < d.channels; c += kLanes, to += d.panel)
      for (int64_t k = 0; k < kLanes; k += kNumbers) {
        typename R::Type v = R::load(x + c + k);
        if (d.scale != nullptr) v = v * R::load(d.scale + c + k) + R::load(d.shift + c + k);
        if (d.relu) v = v < zero ? zero : v;
        R::store(to + k, v);
      }
  }
}

template <int kNumbers, int kFilters>
LM_INLINE void products(const PointwiseProducts& w) {
  for (int64_t f = 0; f < w.filters; f += kLanes)
    for (int64_t c = 0; c < w.channels; c += kLanes)
      add_all_products<kNumbers, kFilters>(w.x + c / kLanes * w.panel, kLanes, w.grad + f / kLanes * w.panel,
                                           kLanes, w.pixels, w.sums + f * w.row + c, w.row);
}

}  // namespace

#ifdef LM_AVX512
LM_AVX512 void pointwise_panels_avx512(const PointwisePanels& d) { panels<16>(d); }
LM_AVX512 void pointwise_products_avx512(const PointwiseProducts& w) { products<16, 16>(w); }
LM_AVX2 void pointwise_panels_avx2(const PointwisePanels& d) { panels<8>(d); }
LM_AVX2 void pointwise_products_avx2(const PointwiseProducts& w) { products<8, 6>(w); }
#endif
void pointwise_panels_any(const PointwisePanels& d) { panels<4>(d); }
void pointwise_products_any(const PointwiseProducts& w) { products<4, 2>(w); }

}  // namespace lm::cpu
