// What libtorch says of a device: that it fails, that it is full.
#pragma once

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <optional>

namespace lm {

// ERR_MEMORY, ERR_DEVICE where the device itself failed (whatever work was under way), or ERR_TORCH.
const char* code_of(const c10::Error& error);

// How cuDNN computes in the whole process: in the precision of the numbers, without TF32; by algorithms that
// give the same bits every time, or by whichever is found to be the fastest.
void choose_algorithms(bool deterministic);

// The same while it lives.
class Algorithms {
 public:
  explicit Algorithms(bool deterministic);
  ~Algorithms();
  Algorithms(const Algorithms&) = delete;
  Algorithms& operator=(const Algorithms&) = delete;

 private:
  bool before_;
};

// Bytes that tensors on a device may still take: what is free, and what its allocator keeps for them. None
// for the CPU, and where nobody says.
std::optional<size_t> room_on(at::Device device);

}  // namespace lm
