// The input of a convolution of a training pass, and what is done to it where it is read.
#pragma once

#include "core/kernels/cpu/convolutions/padded.h"
#include "core/kernels/cpu/cpu.h"

namespace lm::cpu {

// x or, where there is a scale, x scale + shift, then relu if it is asked for.
struct ReadInput {
  explicit ReadInput(const at::Tensor& x) : x(x) {}
  explicit ReadInput(const Convolution& convolution);

  const at::Tensor& x;
  at::Tensor scale, shift;  // [channels], or undefined
  bool relu = false;
};

// What is copied from this channel on is read so.
inline void read_through(const ReadInput& input, int64_t channel, PaddedRows& rows) {
  if (!input.scale.defined()) return;
  rows.scale = input.scale.data_ptr<float>() + channel;
  rows.shift = input.shift.data_ptr<float>() + channel;
  rows.relu = input.relu;
}

}  // namespace lm::cpu
