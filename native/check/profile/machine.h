// What the machine can do, measured in this process with its threads: nothing is faster than that.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace lm {

struct Machine {
  std::string processor;
  std::vector<std::string> sets;  // of instructions, of those that kernels are written for
  int threads = 1;
  double copy = 0;      // bytes read and written a second
  double multiply = 0;  // operations a second in the model's own type, and in bfloat16
  double multiply_half = 0;
};

Machine measure_machine(const at::TensorOptions& type);

}  // namespace lm
