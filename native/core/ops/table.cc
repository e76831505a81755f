// The rows of the op table, in the order of OpKind.

#include <algorithm>
#include <array>
#include <string>

#include "core/ops/op.h"

namespace lm {

extern const Op input_op, conv2d_op, batch_norm_stats_op, batch_norm_apply_op, relu_op, lin_op, avg_pool2d_op,
    max_pool2d_op, global_avg_pool_op, linear_op, concat_op, slice_op, pad_channels_op, shift_op, mix_op,
    dropout_op, gaussian_noise_op, cast_op, batch_norm_op, batch_norm_relu_op, norm_conv2d_op,
    fused_conv2d_op;

namespace {

constexpr std::array table{
    &input_op,
    &conv2d_op,
    &batch_norm_stats_op,
    &batch_norm_apply_op,
    &relu_op,
    &lin_op,
    &avg_pool2d_op,
    &max_pool2d_op,
    &global_avg_pool_op,
    &linear_op,
    &concat_op,
    &slice_op,
    &pad_channels_op,
    &shift_op,
    &mix_op,
    &dropout_op,
    &gaussian_noise_op,
    &cast_op,
    &batch_norm_op,
    &batch_norm_relu_op,
    &norm_conv2d_op,
    &fused_conv2d_op,
};

bool within(size_t n, Arity arity) {
  return n >= static_cast<size_t>(arity.least) &&
         (arity.most == kAny || n <= static_cast<size_t>(arity.most));
}

}  // namespace

const Op& op_of(OpKind kind) {
  const Op& op = *table[static_cast<size_t>(kind)];
  LM_CHECK(op.kind == kind, "ERR_GRAPH", "The op table is out of order at ", op.name);
  return op;
}

const Op* find_op(std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Op* op) { return op->name == name; });
  return found == table.end() ? nullptr : *found;
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const Op* op : table)
    if (!op->internal) names.emplace_back(op->name);
  return names;
}

void check_arity(const Node& node) {
  const Op& op = op_of(node);
  LM_CHECK(within(node.inputs.size(), op.inputs), "ERR_GRAPH", node.path, ": ", op.name,
           " takes another number of inputs than ", node.inputs.size());
  LM_CHECK(within(node.params.size(), op.params), "ERR_GRAPH", node.path, ": ", op.name,
           " takes another number of parameters than ", node.params.size());
  LM_CHECK(node.buffers.size() == static_cast<size_t>(op.buffers), "ERR_GRAPH", node.path, ": ", op.name,
           " needs ", op.buffers, " buffers");
}

bool reads_statistics(const Node& node, size_t input) {
  return node.op == OpKind::kBatchNormApply && input == 1;
}

}  // namespace lm
