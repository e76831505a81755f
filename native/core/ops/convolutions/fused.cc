// A convolution of an evaluation with the norms, the linear combination and the relu around it.
//   z = relu((x - mean) / sqrt(var + eps) * weight + bias), taken in where the convolution reads x;
//   the norm behind it and c_0 are multiplied into its weights and its bias.

#include "core/ops/convolutions/fused.h"

#include "core/ops/frame.h"
#include "core/ops/op.h"

namespace lm {

bool can_fuse(const Graph& graph, const Node& node) {
  return fuses(graph.param_shape(node, 0), node.as<ConvAttributes>().sliding());
}

namespace {

using at::Tensor;

Sizes shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  return convolution_shape(node, node.as<FusedConvAttributes>().convolution, in[0],
                           graph.param_shape(node, 0));
}

// y = x scale + shift, in double.
struct Affine {
  Tensor scale, shift;
};

// The parameters and buffers of a frame, one after the other.
class Reader {
 public:
  explicit Reader(const Frame& f) : f_(f) {}

  const Tensor& weight() { return f_.param(param_++); }
  Tensor param() { return weight().to(at::kDouble); }
  Affine norm(const TakenNorm& norm) {
    const Tensor mean = f_.buffer(buffer_++).to(at::kDouble);
    Tensor scale = (f_.buffer(buffer_++).to(at::kDouble) + norm.eps).rsqrt();
    if (!norm.affine) return {scale, -mean * scale};
    scale = scale * param();
    return {scale, param() - mean * scale};
  }

 private:
  const Frame& f_;
  size_t param_ = 0, buffer_ = 0;
};

Tensor number_of(const Coefficient& c, int64_t channels) {
  const auto wide = at::full({channels}, c.constant ? c.number : 1, at::kDouble);
  return c.constant ? wide : wide * c.tensor.to(at::kDouble).view(-1);
}

enum Packed : size_t { kWeight, kBias, kScale, kShift, kCoefficients };

std::vector<Tensor> pack(const Frame& f) {
  const auto& a = f.node.as<FusedConvAttributes>();
  const int64_t filters = f.param(0).size(0);
  const auto type = f.param(0).options();
  Reader reader(f);
  std::vector<Tensor> out(kCoefficients + 1);
  const Tensor& weight = reader.weight();
  Tensor bias = a.bias ? reader.param() : at::zeros({filters}, at::kDouble);
  if (a.before) {
    const Affine norm = reader.norm(*a.before);
    out[kScale] = norm.scale.to(type).contiguous();
    out[kShift] = norm.shift.to(type).contiguous();
  }
  Affine behind{at::ones_like(bias), at::zeros_like(bias)};
  if (a.behind) behind = reader.norm(*a.behind);
  if (f.has_coefs()) {
    const Tensor c = number_of(f.coef(0), filters);
    behind = {behind.scale * c, behind.shift * c};
  }
  bias = bias * behind.scale + behind.shift;
  out[kWeight] = f.kernels.pack_weight(weight, behind.scale.contiguous(), a.convolution.sliding());
  out[kBias] = f.kernels.pack_channels(bias.to(type));
  if (f.count() == 1) return out;
  std::vector<Tensor> numbers;
  for (size_t i = 1; i < f.count(); ++i) numbers.push_back(number_of(f.coef(i), filters));
  out[kCoefficients] = f.kernels.pack_channels(at::stack(numbers).to(type));
  return out;
}

void forward(Frame& f) {
  const auto& a = f.node.as<FusedConvAttributes>();
  const std::vector<Tensor>& packed = f.packed();
  f.kernels.convolve_fused({.x = f.input(0),
                            .scale = packed[kScale],
                            .shift = packed[kShift],
                            .relu_before = a.relu_before,
                            .weight = packed[kWeight],
                            .bias = packed[kBias],
                            .u = f.inputs().subspan(1),
                            .c = packed[kCoefficients],
                            .relu = a.relu,
                            .sliding = a.convolution.sliding(),
                            .out = f.output()});
}

}  // namespace

extern const Op fused_conv2d_op;
constinit const Op fused_conv2d_op{.kind = OpKind::kFusedConv2d,
                                   .name = "fusedConv2d",
                                   .inputs = {1, kAny},
                                   .params = {1, 6},
                                   .internal = true,
                                   .shape = shape,
                                   .pack = pack,
                                   .forward = forward};

}  // namespace lm
