// Joining, cutting and padding channels, and shifting feature maps by whole pixels.

#include <cstdlib>

#include "core/ops/attributes.h"
#include "core/ops/frame.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {
namespace {

using at::Tensor;

// --- concat

Sizes concat_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  Sizes out = in[0];
  LM_CHECK(out.size() >= 2, "ERR_SHAPE", node.path, ": expected channels");
  for (size_t i = 1; i < in.size(); ++i) {
    Sizes expected = in[0];
    if (in[i].size() >= 2) expected[1] = in[i][1];
    LM_CHECK(in[i] == expected, "ERR_SHAPE", node.path, ": cannot join ", text(in[0]), " and ", text(in[i]));
    out[1] += in[i][1];
  }
  return out;
}

void concat_forward(Frame& f) {
  int64_t start = 0;
  for (size_t i = 0; i < f.count(); ++i) {
    const int64_t size = f.input(i).size(1);
    f.output().narrow(1, start, size).copy_(f.input(i));
    start += size;
  }
}

void concat_backward(Frame& f) {
  int64_t start = 0;
  for (size_t i = 0; i < f.count(); ++i) {
    const int64_t size = f.input_shape(i)[1];
    if (f.wants(i)) f.grad_of(i).copy_(f.grad().narrow(1, start, size));
    start += size;
  }
}

// --- slice

struct SliceAttributes final : Attributes {
  int64_t start = 0, end = 0;
};

std::shared_ptr<const Attributes> parse_slice(const Value& v) {
  const AttributeReader reader(v);
  auto a = std::make_shared<SliceAttributes>();
  reader.read("start", a->start, 0);
  reader.read("end", a->end, 1);
  return a;
}

Sizes slice_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  Sizes out = in[0];
  const auto& a = node.as<SliceAttributes>();
  LM_CHECK(out.size() >= 2 && a.start < a.end && a.end <= out[1], "ERR_SHAPE", node.path, ": channels ",
           a.start, " to ", a.end, " are not in ", text(out));
  out[1] = a.end - a.start;
  return out;
}

Tensor slice_view(const Node& node, const Tensor& input) {
  const auto& a = node.as<SliceAttributes>();
  return input.slice(1, a.start, a.end);
}

void slice_backward(Frame& f) {
  const auto& a = f.node.as<SliceAttributes>();
  f.grad_of().zero_();
  f.grad_of().slice(1, a.start, a.end).copy_(f.grad());
}

// --- padChannels

struct PadAttributes final : Attributes {
  int64_t before = 0, after = 0;
};

std::shared_ptr<const Attributes> parse_pad(const Value& v) {
  const AttributeReader reader(v);
  auto a = std::make_shared<PadAttributes>();
  reader.read("before", a->before, 0);
  reader.read("after", a->after, 0);
  return a;
}

Sizes pad_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  Sizes out = in[0];
  const auto& a = node.as<PadAttributes>();
  LM_CHECK(out.size() == 4, "ERR_SHAPE", node.path, ": cannot pad ", text(out));
  out[1] += a.before + a.after;
  return out;
}

void pad_forward(Frame& f) {
  const auto& a = f.node.as<PadAttributes>();
  f.output().zero_();
  f.output().narrow(1, a.before, f.input().size(1)).copy_(f.input());
}

void pad_backward(Frame& f) {
  const auto& a = f.node.as<PadAttributes>();
  f.grad_of().copy_(f.grad().narrow(1, a.before, f.grad_of().size(1)));
}

// --- shift: zeros come in

struct ShiftAttributes final : Attributes {
  std::array<int64_t, 2> by{0, 0};
};

std::shared_ptr<const Attributes> parse_shift(const Value& v) {
  const AttributeReader reader(v);
  auto a = std::make_shared<ShiftAttributes>();
  reader.read("by", a->by, 1 - kSizeEnd);
  return a;
}

Sizes shift_shape(const Node& node, const Graph&, const std::vector<Sizes>& in) {
  want_image(node, in[0]);
  const auto& by = node.as<ShiftAttributes>().by;
  LM_CHECK(std::abs(by[0]) < in[0][2] && std::abs(by[1]) < in[0][3], "ERR_SHAPE", node.path, ": a shift by ",
           by[0], ", ", by[1], " leaves nothing of ", text(in[0]));
  return in[0];
}

// Rows from `from` to `to` of an axis, where a shift by `by` leaves and brings them.
Tensor kept(const Tensor& t, int64_t dim, int64_t by, bool source) {
  const int64_t start = source ? std::max<int64_t>(0, -by) : std::max<int64_t>(0, by);
  return t.narrow(dim, start, t.size(dim) - std::abs(by));
}

void move(const Tensor& from, const Tensor& to, int64_t h, int64_t w) {
  to.zero_();
  kept(kept(to, 2, h, false), 3, w, false).copy_(kept(kept(from, 2, h, true), 3, w, true));
}

void shift_forward(Frame& f) {
  const auto& by = f.node.as<ShiftAttributes>().by;
  move(f.input(), f.output(), by[0], by[1]);
}

void shift_backward(Frame& f) {
  const auto& by = f.node.as<ShiftAttributes>().by;
  move(f.grad(), f.grad_of(), -by[0], -by[1]);
}

}  // namespace

extern const Op concat_op, slice_op, pad_channels_op, shift_op;

constinit const Op concat_op{.kind = OpKind::kConcat,
                             .name = "concat",
                             .inputs = {1, kAny},
                             .mixed = Mixed::kInputs,
                             .shape = concat_shape,
                             .forward = concat_forward,
                             .backward = concat_backward};

constinit const Op slice_op{.kind = OpKind::kSlice,
                            .name = "slice",
                            .mixed = Mixed::kInputs,
                            .parse = parse_slice,
                            .shape = slice_shape,
                            .view = slice_view,
                            .backward = slice_backward};

constinit const Op pad_channels_op{.kind = OpKind::kPadChannels,
                                   .name = "padChannels",
                                   .mixed = Mixed::kInputs,
                                   .parse = parse_pad,
                                   .shape = pad_shape,
                                   .forward = pad_forward,
                                   .backward = pad_backward};

constinit const Op shift_op{.kind = OpKind::kShift,
                            .name = "shift",
                            .mixed = Mixed::kInputs,
                            .parse = parse_shift,
                            .shape = shift_shape,
                            .forward = shift_forward,
                            .backward = shift_backward};

}  // namespace lm
