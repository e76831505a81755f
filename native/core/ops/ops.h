// The op table: one row an op, with its shape rule, forward, backward, and what backward needs kept.
// Forward and backward run below autograd, on ATen functions that exist for every device.
#pragma once

#include <ATen/ATen.h>

#include <string_view>

#include "core/graph/graph.h"

namespace lm {

class Frame;

// What forward saves beside values: nothing; what is made again where values are; or what outlives that, such
// as batch statistics, which are taken once a step.
enum class Saved { kNothing, kAnew, kOnce };

// What an op computes in under mixed precision: always the model's own type; the half type; or the half type
// where all its inputs are in it.
enum class Mixed { kOwn, kHalf, kInputs };

struct Op {
  const char* name;
  int min_inputs, max_inputs;  // max -1: any number
  int min_params, max_params;
  int buffers;
  bool internal;  // made by a pass, never in a spec
  bool keeps_inputs, keeps_output;
  // The result may share memory with an input.
  bool view;
  Saved saved;
  Mixed mixed;
  Sizes (*shape)(const Node&, const Graph&, const std::vector<Sizes>& inputs);
  at::Tensor (*forward)(Frame&);
  void (*backward)(Frame&, const at::Tensor& grad);
};

const Op* find_op(std::string_view name);  // null when there is none
std::vector<std::string> op_names();       // those a spec may name
void check_arity(const Node& node);

}  // namespace lm
