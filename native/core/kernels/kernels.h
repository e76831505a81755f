// The kernels that ops and the trainer call: tensors and numbers in, and tensors that are there already
// filled. One row of them per device and type (table.cc); libtorch's own functions (plain.cc) are the row
// that always works, and that tests compare the others with.
#pragma once

#include <ATen/ATen.h>

#include <span>
#include <string_view>
#include <vector>

#include "core/kernels/convolution.h"

namespace lm {

// Batch norm of x [N, C, H, W]: y = (x - mean) invstd weight + bias, or relu of that. All others are [C] and
// of the model's own type; weight and bias may be undefined: 1 and 0.
struct Norm {
  const at::Tensor &x, &weight, &bias;
  double eps;
  bool relu;
};

// The statistics that move with every training step.
struct Running {
  const at::Tensor &mean, &var;
  double momentum;
};

// Mean and inverse deviation of a batch.
struct Statistics {
  const at::Tensor &mean, &invstd;
};

// x [N, C, H, W] with weight [out, C / groups, kh, kw]; bias [out] may be undefined. With a norm of x, which
// Kernels::takes_norm allows, what it makes of x by these statistics stands in the place of x.
struct Convolution {
  const at::Tensor &x, &weight, &bias;
  const Sliding& sliding;
  const Norm* norm = nullptr;
  const Statistics* found = nullptr;
};

// Where gradients go: that of x, which is undefined where nobody wants it; those of weight and bias are added
// to.
struct Gradients {
  const at::Tensor &x, &weight, &bias;
  // Of norms, with Kernels::adds: what that of x is added to; it may lie where that goes.
  const at::Tensor* before = nullptr;
};

// One term of a linear combination: number u, or tensor u ([1] or [C, 1, 1]) where there is one.
struct Term {
  const at::Tensor* u = nullptr;
  double number = 0;
  const at::Tensor* tensor = nullptr;
};

// A term of a linear combination backwards: where its gradient, factor times the incoming one, goes, and what
// the sum of the incoming one times u is added to, a number or one for each channel. Null: nobody wants it;
// without a sum there may be no u.
struct TermGradient {
  Term term;
  const at::Tensor *gradient = nullptr, *sum = nullptr;
  // With Kernels::adds: what the gradient is added to; it may lie where that goes.
  const at::Tensor* before = nullptr;
};

// The random streams (core/rng.h) of the images of a batch, as the host and as the device knows them.
struct DrawKeys {
  std::span<uint64_t> host;
  at::Tensor sent;             // int64 [images] on the device
  bool is_sent_alone = false;  // the host is not to be asked
};

// A convolution of an evaluation, and its neighbours: with z = x, or relu(x scale + shift) where there is a
// scale, out = relu(z * weight + bias + sum of c_i u_i), each relu if it is asked for. Out of a picture z is
// 0.
struct FusedConvolution {
  const at::Tensor& x;
  const at::Tensor& scale;  // [C], as shift
  const at::Tensor& shift;
  bool relu_before = false;
  const at::Tensor& weight;  // packed
  const at::Tensor& bias;    // packed
  std::span<const at::Tensor* const> u;
  const at::Tensor& c;  // [terms, as the bias]
  bool relu = false;
  const Sliding& sliding;
  const at::Tensor& out;
};

// Sets of weights that an optimiser moves, as they lie: flat, of one layout, in which no two tensors share a
// piece of kUpdatePiece numbers. All else is on the device too, so that the host need not know it.
constexpr int64_t kUpdatePiece = 16;

struct Update {
  at::Tensor weights, gradient;
  at::Tensor momentum, second;  // moments of the gradient; the second may be undefined
  at::Tensor group_of;          // int16: the group of every piece; below 0: what stays as it is
  at::Tensor scales;            // [groups, 2] in the type of the weights: of the learning rate, of the decay
  at::Tensor count, lr, momentum_rate, decay;  // double scalars: updates so far, and the rates
  at::Tensor skip;                             // float [1]: 1 where nothing is to move
};

// g = gradient + decay p; m <- momentum m + (1 - dampening) g, but g itself in update 0 with dampening;
// p <- p - lr (m or, with Nesterov, g + momentum m). `bare`: neither decay nor momentum.
struct SgdMove {
  double dampening = 0;
  bool nesterov = false, bare = false;
};

// m <- momentum m + (1 - momentum) g, v <- beta2 v + (1 - beta2) g^2; u = m' / (sqrt(v') + eps) + decay p, m'
// and v' without their bias. p <- p - lr u or, unless it `moves`, u takes the gradient's place.
struct AdamMove {
  double beta2 = 0, eps = 0;
  bool moves = true;
};

struct Kernels {
  std::string_view name;
  // norm_backward, norm_gradient and combine_backward add gradients to what is there before.
  bool adds = false;

  // By the statistics of the batch, which are written to `found` and move the running ones. Where `out` is
  // undefined, they alone are wanted.
  void (*norm_train)(const Norm& norm, const Running& running, const Statistics& found,
                     const at::Tensor& out);
  // By statistics that norm_train found.
  void (*norm_again)(const Norm& norm, const Statistics& found, const at::Tensor& out);
  // The gradient of x may be where the incoming one is, which is in the type of x or, from a convolution with
  // the norm, in that of its value.
  void (*norm_backward)(const Norm& norm, const Statistics& found, const at::Tensor& grad,
                        const Gradients& into);
  // norm_train and norm_backward in parts, for what lies between them: the sums, double [2, C], of more
  // batches than this one are added up there. Of x and of its square, over all but the channels:
  void (*norm_sums)(const at::Tensor& x, const at::Tensor& sums);
  // Of the incoming gradient where the relu lets it pass, and of that times x - mean:
  void (*norm_gradient_sums)(const Norm& norm, const Statistics& found, const at::Tensor& grad,
                             const at::Tensor& sums);
  // The gradient of x by such sums of `count` values of each channel, added to `before` where there is that;
  // it may be where either is.
  void (*norm_gradient)(const Norm& norm, const Statistics& found, const at::Tensor& grad,
                        const at::Tensor& sums, double count, const at::Tensor& out,
                        const at::Tensor* before);
  // By the running statistics, which are constants.
  void (*norm_evaluate)(const Norm& norm, const at::Tensor& mean, const at::Tensor& var,
                        const at::Tensor& out);
  void (*convolve)(const Convolution& convolution, const at::Tensor& out);
  // By what is convolved, which is not x where there is a norm.
  void (*convolve_backward)(const Convolution& convolution, const at::Tensor& grad, const Gradients& into);
  TakesNorm takes_norm = nullptr;  // null: nowhere
  // out = sum of the terms, of which there is at least one.
  void (*combine)(std::span<const Term> terms, const at::Tensor& out);
  // sum ([1] or [C, 1, 1]) += sum of a b over all other dimensions.
  void (*dot)(const at::Tensor& a, const at::Tensor& b, const at::Tensor& sum);
  // The gradients of a combination's terms, one after the other; the gradient of one may not be where `grad`
  // or some u is.
  void (*combine_backward)(const at::Tensor& grad, std::span<const TermGradient> terms);
  // Weights [out, in / groups, kh, kw] times `scale` (double [out], or undefined), and numbers per output
  // channel [..., out], in the order that `convolve_fused` reads; that is null where libtorch's convolutions
  // are all there are.
  at::Tensor (*pack_weight)(const at::Tensor& weight, const at::Tensor& scale,
                            const Sliding& sliding) = nullptr;
  at::Tensor (*pack_channels)(const at::Tensor& numbers) = nullptr;
  void (*convolve_fused)(const FusedConvolution& convolution) = nullptr;
  // x = pixel scale + shift per channel: uint8 [n, h, w, c] -> [n, c, h, w].
  void (*normalise)(const at::Tensor& pixels, const std::vector<double>& scale,
                    const std::vector<double>& shift, const at::Tensor& out);
  // x [n, c, h, w] in place, by double [5] on its device: share, top, bottom, left and right of a box.
  // Images i and n - 1 - i exchange what is in the box; elsewhere image i becomes `share` of itself and
  // 1 - share of image n - 1 - i.
  void (*mix_images)(const at::Tensor& x, const at::Tensor& numbers);
  // 1 / (1 - p) with probability 1 - p, else 0, for every element.
  void (*dropout_mask)(const DrawKeys& keys, double p, const at::Tensor& out);
  // Normal numbers with mean 0.
  void (*gaussian)(const DrawKeys& keys, double deviation, const at::Tensor& out);
  // Null where libtorch's updates, tensor by tensor, are all there are.
  void (*sgd)(const Update& update, const SgdMove& move) = nullptr;
  void (*adam)(const Update& update, const AdamMove& move) = nullptr;
};

// combine_backward as one `dot` and one `combine` after the other.
void combine_backward_by_parts(const Kernels& kernels, const at::Tensor& grad,
                               std::span<const TermGradient> terms);

// libtorch's own functions, on any device and in any type.
extern const Kernels plain_kernels;

// The best row for values of a type on a device; with `plain` libtorch's functions in any case.
const Kernels& kernels_for(at::Device device, at::ScalarType type, bool plain = false);

}  // namespace lm
