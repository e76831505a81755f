// How an operator of libtorch is given to a stream of the test device.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/stack.h>

#include <functional>
#include <string>
#include <vector>

#include "memory.h"

namespace lm::device {

inline bool is_on_device(const at::Tensor& t) { return t.defined() && t.is_privateuseone(); }

// Tensors of the host over what kernels find at a device tensor's address, and the pieces of memory that
// those lie in.
class Views {
 public:
  at::Tensor of(const at::Tensor& t);
  // What a kernel reads when it is given: numbers. Else an error, for the host has it and not the device.
  at::Tensor host_number(const at::Tensor& t, const std::string& what);
  // Throws where one is not, or not any more, the memory that it was when the work was given.
  void check(const std::string& what) const;

 private:
  std::vector<Piece> pieces_;
};

// Work of the current stream on these views.
void launch(const std::string& what, Views views, std::function<void()> work);

}  // namespace lm::device
