// The op table: one row an op, with its shape rule, forward, backward, and what backward needs kept.
// Forward and backward run below autograd, on ATen functions that exist for every device.
#pragma once

#include <ATen/ATen.h>

#include <string_view>

#include "core/graph.h"

namespace lm {

class Frame;

struct Op {
  const char* name;
  int min_inputs, max_inputs;  // max -1: any number
  int min_params, max_params;
  int buffers;
  bool internal;  // made by a pass, never in a spec
  bool keeps_inputs, keeps_output;
  // The result may share memory with an input.
  bool view;
  Sizes (*shape)(const Node&, const Graph&, const std::vector<Sizes>& inputs);
  at::Tensor (*forward)(Frame&);
  void (*backward)(Frame&, const at::Tensor& grad);
};

const Op* find_op(std::string_view name);  // null when there is none
std::vector<std::string> op_names();       // those a spec may name
void check_arity(const Node& node);

// Rows defined elsewhere: batch norm in its two halves, and what the passes fuse.
Sizes same_shape(const Node&, const Graph&, const std::vector<Sizes>& inputs);
Sizes stats_shape(const Node&, const Graph&, const std::vector<Sizes>& inputs);
Sizes apply_shape(const Node&, const Graph&, const std::vector<Sizes>& inputs);
at::Tensor stats_forward(Frame& f);
void stats_backward(Frame& f, const at::Tensor& grad);
at::Tensor apply_forward(Frame& f);
void apply_backward(Frame& f, const at::Tensor& grad);
at::Tensor norm_forward(Frame& f);
void norm_backward(Frame& f, const at::Tensor& grad);
at::Tensor norm_relu_forward(Frame& f);
void norm_relu_backward(Frame& f, const at::Tensor& grad);

}  // namespace lm
