#include "core/kernels/cpu/convolutions/padded.h"

namespace lm::cpu {

void copy_padded(const PaddedRows& r, const DirectSet& set, float* to) {
  const int64_t row = (r.before + r.width + r.behind) * r.step;
  DirectCopy copy{.x = r.image,
                  .pixels = r.width,
                  .channels = r.channels,
                  .scale = r.scale,
                  .shift = r.shift,
                  .relu = r.relu,
                  .step = r.step};
  for (int64_t i = r.begin; i < r.end; ++i, to += row) {
    if (i < 0 || i >= r.height) {
      std::fill_n(to, row, 0.0F);
      continue;
    }
    std::fill_n(to, r.before * r.step, 0.0F);
    copy.x.first = r.image.first + i * r.image.row;
    copy.to = to + r.before * r.step;
    copy.pixels = std::min(r.width, r.pixels - i * r.width);
    set.copy(copy);
    std::fill_n(copy.to + r.width * r.step, r.behind * r.step, 0.0F);
  }
}

}  // namespace lm::cpu
