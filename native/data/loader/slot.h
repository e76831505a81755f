// What the threads of a loader work on.
#pragma once

#include <cstdint>
#include <exception>
#include <vector>

#include "data/loader/loader.h"

namespace lm {

// One batch under way.
struct Loader::Slot {
  int64_t step = -1, left = 0, counted = 0;
  Order order;
  at::Tensor pixels, labels;
  std::vector<int64_t> indices;  // -1: no sample
  std::vector<int64_t> keys;     // the same, another for each copy of a sample
  std::exception_ptr error;
};

// Places [first, last) of a slot.
struct Loader::Work {
  Slot* slot = nullptr;
  int64_t first = 0, last = 0;
};

// What one thread needs.
struct Loader::Maker {
  Decoder decoder;
  TransformScratch scratch;
  std::vector<uint8_t> buffer;
};

}  // namespace lm
