// What a step reads from the host: a handful of numbers in one tensor, so that a device takes them in one
// copy, and a step that is captured finds the next ones where these were.
#pragma once

#include <ATen/ATen.h>

#include <span>

namespace lm {

class StepTable {
 public:
  // Scalars of the whole step; behind them lie the weights of mixes.
  enum Column : int64_t {
    kUpdate,    // number of its update, from 0; of a scaled loss on the device alone, for steps are skipped
    kLr,        // learning rate
    kMomentum,  // or decay of the first moment
    kWeightDecay,  // before the factor of a group
    kEmaDecay,     // what the averaged weights keep of themselves
    kLambda,       // what an image keeps of itself under Mixup and CutMix
    kShare,        // of a batch's gradient in that of the step
    kColumns
  };

  // With room for so many weights of mixes.
  StepTable(at::Device device, int64_t mixes);

  double& operator[](Column column) { return host_[column]; }
  double operator[](Column column) const { return host_[column]; }
  // Weights of mixes from one place on, on the host.
  std::span<double> mixes(int64_t from, int64_t count) {
    return {host_ + kColumns + from, static_cast<size_t>(count)};
  }

  // One copy to the device; on the CPU there is nothing to do.
  void send();
  // What was sent last: a scalar, and double [count].
  at::Tensor sent(Column column) const { return device_numbers_[column]; }
  at::Tensor sent_mixes(int64_t from, int64_t count) const {
    return device_numbers_.narrow(0, kColumns + from, count);
  }

 private:
  at::Tensor numbers_, device_numbers_;  // double; one and the same on the CPU
  double* host_;
};

}  // namespace lm
