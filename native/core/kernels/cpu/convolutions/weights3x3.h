// How the weights of a 3 x 3 convolution lie, or their gradient.
#pragma once

#include <ATen/ATen.h>

namespace lm::cpu {

// Weights [out, 3, 3, in / groups] of whole registers.
struct Weights3x3 {
  Weights3x3(const at::Tensor& t, int64_t groups)
      : groups(groups),
        filters(t.size(0) / groups),
        channels(t.size(1)),
        filter(t.stride(0)),
        tap(t.stride(3)),
        data(t.data_ptr<float>()) {}
  int64_t groups, filters, channels;  // both of one group
  int64_t filter, tap;                // numbers from one to the next
  float* data;
};

}  // namespace lm::cpu
