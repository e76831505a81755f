// The transform of tiles that a convolution by Winograd's algorithm and the gradient of its weights share.
#pragma once

#include "core/kernels/cpu/convolutions/vectors.h"

namespace lm::cpu {
namespace {

// B^T x B of one tile, some of its channels: to [16] planes that lie `plane` numbers apart.
template <int kNumbers>
LM_INLINE void transform_input(const float* x, int64_t step, int64_t row, float* to, int64_t plane) {
  using R = Register<kNumbers>;
  typename R::Type d[4][4];
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) d[i][j] = R::load(x + i * row + j * step);
  for (int j = 0; j < 4; ++j) {
    const auto a = d[0][j] - d[2][j], b = d[1][j] + d[2][j], c = d[2][j] - d[1][j], e = d[1][j] - d[3][j];
    d[0][j] = a, d[1][j] = b, d[2][j] = c, d[3][j] = e;
  }
  for (int i = 0; i < 4; ++i) {
    float* const places = to + 4 * i * plane;
    R::store(places, d[i][0] - d[i][2]);
    R::store(places + plane, d[i][1] + d[i][2]);
    R::store(places + 2 * plane, d[i][2] - d[i][1]);
    R::store(places + 3 * plane, d[i][1] - d[i][3]);
  }
}

}  // namespace
}  // namespace lm::cpu
