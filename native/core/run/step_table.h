// What a step reads from the host: a handful of numbers in one piece of memory, so that a device takes them
// in one copy, and a step that is captured finds the next ones where these were.
#pragma once

#include <ATen/ATen.h>

#include <span>

namespace lm {

// What a step draws: places in its table behind the columns.
struct StepDraws {
  int64_t mixes = 0;  // weights of mixes, and which statistics move
  int64_t keys = 0;   // random streams of images
};

class StepTable {
 public:
  // Scalars of the whole step; behind them lie what it draws.
  enum Column : int64_t {
    kUpdate,    // number of its update, from 0; of a scaled loss on the device alone, for steps are skipped
    kLr,        // learning rate
    kMomentum,  // or decay of the first moment
    kWeightDecay,  // before the factor of a group
    kEmaDecay,     // what the averaged weights keep of themselves
    kLambda,       // what an image keeps of its label under Mixup and CutMix
    kRow,          // of the step in its chunk
    kShare,        // of a batch's gradient in that of the step
    kMixing,       // of images, as Kernels::mix_images reads it
    kColumns = kMixing + 5
  };

  StepTable(at::Device device, const StepDraws& draws);

  double& operator[](Column column) { return host_numbers()[column]; }
  double operator[](Column column) const { return host_numbers()[column]; }
  // On the host, from one place on: images' mixing; weights of mixes; streams of images.
  std::span<double> mixing() { return {host_numbers() + kMixing, 5}; }
  std::span<double> mixes(int64_t from, int64_t count) {
    return {host_numbers() + kColumns + from, static_cast<size_t>(count)};
  }
  std::span<uint64_t> keys(int64_t from, int64_t count) {
    return {reinterpret_cast<uint64_t*>(host_.data_ptr<int64_t>()) + numbers_ + from,
            static_cast<size_t>(count)};
  }

  // One copy to the device; on the CPU there is nothing to do.
  void send();
  // What was sent last: a scalar; double [count]; int64 [count].
  at::Tensor sent(Column column) const { return sent_numbers_[column]; }
  at::Tensor sent_mixing() const { return sent_numbers_.narrow(0, kMixing, 5); }
  at::Tensor sent_mixes(int64_t from, int64_t count) const {
    return sent_numbers_.narrow(0, kColumns + from, count);
  }
  at::Tensor sent_keys(int64_t from, int64_t count) const { return sent_.narrow(0, numbers_ + from, count); }

 private:
  double* host_numbers() const { return reinterpret_cast<double*>(host_.data_ptr<int64_t>()); }

  int64_t numbers_;          // doubles; keys lie behind them
  at::Tensor host_, sent_;   // 8 bytes each; one and the same on the CPU
  at::Tensor sent_numbers_;  // the first of them as doubles
};

}  // namespace lm
