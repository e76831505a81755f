#include "core/kernels/cuda/cuda.h"

#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "core/kernels/cuda/library.h"
#include "core/kernels/cuda/tensors.h"
#include "core/kernels/cuda/update.h"

namespace lm::cuda {
namespace {

using at::Tensor;

template <Type kType>
struct Row {
  static const Launches& launch() { return *launches(kType); }

  static bool is_wide(const Tensor& t) {
    return !t.defined() || (t.scalar_type() == wide_type(kType) && t.is_contiguous());
  }

  // Values of the type in channels-last, at places that packs may be moved to.
  static bool is_rows(const Tensor& t) {
    return t.dim() == 4 && t.scalar_type() == type_of(kType) && is_aligned(t) &&
           t.is_contiguous(at::MemoryFormat::ChannelsLast);
  }

  static bool fits(const Norm& n, std::initializer_list<const Tensor*> values,
                   std::initializer_list<const Tensor*> wide) {
    return is_rows(n.x) && is_wide(n.weight) && is_wide(n.bias) &&
           std::all_of(values.begin(), values.end(), [](const Tensor* t) { return is_rows(*t); }) &&
           std::all_of(wide.begin(), wide.end(), [](const Tensor* t) { return is_wide(*t); });
  }

  static Tensor scratch(const Tensor& like, int64_t numbers) {
    return at::empty({numbers}, like.options().dtype(wide_type(kType)).memory_format(std::nullopt));
  }

  static NormCall call_of(const Norm& n, const Tensor& scratch) {
    const int64_t channels = n.x.size(1);
    return {n.x.numel() / channels, channels, n.x.data_ptr(), data_of(n.weight),
            data_of(n.bias),        n.eps,    n.relu,         data_of(scratch)};
  }

  static Tensor scratch_of(const Norm& n) {
    const int64_t channels = n.x.size(1);
    return scratch(n.x, launch().norm_scratch(n.x.numel() / channels, channels));
  }

  static void norm_train(const Norm& n, const Running& running, const Statistics& found, const Tensor& out) {
    if (!fits(n, {&out}, {&running.mean, &running.var, &found.mean, &found.invstd}))
      return plain_kernels.norm_train(n, running, found, out);
    const c10::DeviceGuard guard(n.x.device());
    const Tensor room = scratch_of(n);
    want_started(launch().norm_statistics(stream_of(n.x), call_of(n, room), found.mean.data_ptr(),
                                          found.invstd.data_ptr(), running.mean.data_ptr(),
                                          running.var.data_ptr(), running.momentum));
    apply(n, found.mean, found.invstd, false, out);
  }

  static void apply(const Norm& n, const Tensor& mean, const Tensor& deviation, bool by_variance,
                    const Tensor& out) {
    want_started(launch().norm_apply(stream_of(n.x), call_of(n, {}), mean.data_ptr(), deviation.data_ptr(),
                                     by_variance, out.data_ptr()));
  }

  static void norm_again(const Norm& n, const Statistics& found, const Tensor& out) {
    if (!fits(n, {&out}, {&found.mean, &found.invstd})) return plain_kernels.norm_again(n, found, out);
    const c10::DeviceGuard guard(n.x.device());
    apply(n, found.mean, found.invstd, false, out);
  }

  // libtorch's.
  static void norm_sums(const Tensor& x, const Tensor& sums) { plain_kernels.norm_sums(x, sums); }
  static void norm_gradient_sums(const Norm& n, const Statistics& found, const Tensor& grad,
                                 const Tensor& sums) {
    plain_kernels.norm_gradient_sums(n, found, grad, sums);
  }
  static void norm_gradient(const Norm& n, const Statistics& found, const Tensor& grad, const Tensor& sums,
                            double count, const Tensor& out, const Tensor* before) {
    plain_kernels.norm_gradient(n, found, grad, sums, count, out, before);
  }

  static void norm_evaluate(const Norm& n, const Tensor& mean, const Tensor& var, const Tensor& out) {
    if (!fits(n, {&out}, {&mean, &var})) return plain_kernels.norm_evaluate(n, mean, var, out);
    const c10::DeviceGuard guard(n.x.device());
    apply(n, mean, var, true, out);
  }

  static void norm_backward(const Norm& n, const Statistics& found, const Tensor& grad,
                            const Gradients& into) {
    const bool fit = fits(n, {&grad}, {&found.mean, &found.invstd, &into.weight, &into.bias}) &&
                     (!into.x.defined() || is_rows(into.x));
    if (!fit) return plain_kernels.norm_backward(n, found, grad, into);
    const c10::DeviceGuard guard(n.x.device());
    const Tensor room = scratch_of(n);
    want_started(launch().norm_backward(stream_of(n.x), call_of(n, room), found.mean.data_ptr(),
                                        found.invstd.data_ptr(), grad.data_ptr(), data_of(into.x),
                                        data_of(into.weight), data_of(into.bias)));
  }

  static bool is_like(const Tensor& t, const Tensor& out) {
    return t.scalar_type() == type_of(kType) && t.strides() == out.strides() && is_aligned(t);
  }

  // [C, 1, 1] beside rows; one number for each image is libtorch's.
  static bool is_by_channel(const Tensor& t, const Tensor& rows) {
    return is_rows(rows) && t.dim() == 3 && t.size(0) == rows.size(1) && t.numel() == t.size(0);
  }

  static bool is_factor(const Term& t, const Tensor& out) {
    return t.tensor == nullptr ||
           (is_wide(*t.tensor) && (t.tensor->numel() == 1 || is_by_channel(*t.tensor, out)));
  }

  static bool is_term(const Term& t, const Tensor& out) { return is_like(*t.u, out) && is_factor(t, out); }

  static TermCall call_of(const Term& t) {
    const int64_t channels = t.tensor == nullptr || t.tensor->numel() == 1 ? 0 : t.tensor->numel();
    return {t.u == nullptr ? nullptr : t.u->data_ptr(), t.number,
            t.tensor == nullptr ? nullptr : t.tensor->data_ptr(), channels};
  }

  static void combine(std::span<const Term> terms, const Tensor& out) {
    constexpr size_t kMost = 4;
    const bool fits = terms.size() <= kMost && out.scalar_type() == type_of(kType) && is_aligned(out) &&
                      out.is_non_overlapping_and_dense() &&
                      std::all_of(terms.begin(), terms.end(), [&](const Term& t) { return is_term(t, out); });
    if (!fits) return plain_kernels.combine(terms, out);
    const c10::DeviceGuard guard(out.device());
    TermCall calls[kMost];
    std::transform(terms.begin(), terms.end(), calls, [](const Term& t) { return call_of(t); });
    want_started(
        launch().combine(stream_of(out), calls, static_cast<int>(terms.size()), out.data_ptr(), out.numel()));
  }

  static void dot(const Tensor& a, const Tensor& b, const Tensor& sum) {
    const bool one = sum.numel() == 1;
    const bool dense = a.scalar_type() == type_of(kType) && b.scalar_type() == type_of(kType) &&
                       a.strides() == b.strides() && a.is_non_overlapping_and_dense() && is_aligned(a) &&
                       is_aligned(b);
    if (!dense || !is_wide(sum) || (!one && !is_by_channel(sum, a))) return plain_kernels.dot(a, b, sum);
    const c10::DeviceGuard guard(a.device());
    const int64_t channels = one ? 0 : sum.numel(), rows = one ? a.numel() : a.numel() / channels;
    const Tensor room = scratch(a, launch().dot_scratch(rows, channels));
    want_started(launch().dot(stream_of(a), a.data_ptr(), b.data_ptr(), rows, channels, room.data_ptr(),
                              sum.data_ptr()));
  }

  // Sums by channel are found one after the other.
  static bool is_term_gradient(const TermGradient& t, const Tensor& grad) {
    const bool has_sum = t.sum != nullptr;
    return is_factor(t.term, grad) && (t.gradient == nullptr || is_like(*t.gradient, grad)) &&
           (!has_sum || (is_like(*t.term.u, grad) && t.sum->numel() == 1 && is_wide(*t.sum)));
  }

  static void combine_backward(const Tensor& grad, std::span<const TermGradient> terms) {
    constexpr size_t kMost = 4;
    const bool fits = !terms.empty() && terms.size() <= kMost && grad.scalar_type() == type_of(kType) &&
                      is_aligned(grad) && grad.is_non_overlapping_and_dense() &&
                      std::all_of(terms.begin(), terms.end(),
                                  [&](const TermGradient& t) { return is_term_gradient(t, grad); });
    if (!fits) return combine_backward_by_parts(*kernels_of(grad.device(), type_of(kType)), grad, terms);
    const c10::DeviceGuard guard(grad.device());
    TermGradientCall calls[kMost];
    std::transform(terms.begin(), terms.end(), calls, [](const TermGradient& t) {
      return TermGradientCall{call_of(t.term), t.gradient == nullptr ? nullptr : t.gradient->data_ptr(),
                              t.sum == nullptr ? nullptr : t.sum->data_ptr()};
    });
    const auto count = static_cast<int64_t>(terms.size());
    const Tensor room = scratch(grad, count * launch().dot_scratch(grad.numel(), 0));
    want_started(launch().combine_backward(stream_of(grad), grad.data_ptr(), calls, static_cast<int>(count),
                                           grad.numel(), room.data_ptr()));
  }

  static void normalise(const Tensor& pixels, const std::vector<double>& scale,
                        const std::vector<double>& shift, const Tensor& out) {
    constexpr size_t kMost = 16;
    if (scale.size() > kMost || !is_rows(out)) return plain_kernels.normalise(pixels, scale, shift, out);
    const c10::DeviceGuard guard(out.device());
    const Tensor there = pixels.to(out.device(), /*non_blocking=*/pixels.is_pinned()).contiguous();
    if (!is_aligned(there)) return plain_kernels.normalise(there, scale, shift, out);
    want_started(launch().normalise(stream_of(out), there.const_data_ptr<uint8_t>(), scale.data(),
                                    shift.data(), static_cast<int>(scale.size()), out.numel(),
                                    out.data_ptr()));
  }

  static void mix_images(const Tensor& x, const Tensor& numbers) {
    const bool fits = is_rows(x) && numbers.scalar_type() == at::kDouble && numbers.is_contiguous();
    if (!fits) return plain_kernels.mix_images(x, numbers);
    const c10::DeviceGuard guard(x.device());
    want_started(launch().mix_images(stream_of(x), x.data_ptr(), x.size(0), x.size(2), x.size(3), x.size(1),
                                     numbers.const_data_ptr<double>()));
  }

  static const uint64_t* data_of_keys(const DrawKeys& keys) {
    return reinterpret_cast<const uint64_t*>(keys.sent.const_data_ptr<int64_t>());
  }

  // As the elements lie in memory.
  static bool is_drawn(const Tensor& out) {
    return out.scalar_type() == type_of(kType) && out.numel() > 0 && out.is_non_overlapping_and_dense();
  }

  static void dropout_mask(const DrawKeys& keys, double p, const Tensor& out) {
    if (!is_drawn(out)) return plain_kernels.dropout_mask(keys, p, out);
    const c10::DeviceGuard guard(out.device());
    want_started(launch().dropout_mask(stream_of(out), data_of_keys(keys), out.size(0),
                                       out.numel() / out.size(0), p, out.data_ptr()));
  }

  static void gaussian(const DrawKeys& keys, double deviation, const Tensor& out) {
    if (!is_drawn(out)) return plain_kernels.gaussian(keys, deviation, out);
    const c10::DeviceGuard guard(out.device());
    want_started(launch().gaussian(stream_of(out), data_of_keys(keys), out.size(0), out.numel() / out.size(0),
                                   deviation, out.data_ptr()));
  }

  // cuDNN's.
  static void convolve(const Convolution& c, const Tensor& out) { plain_kernels.convolve(c, out); }
  static void convolve_backward(const Convolution& c, const Tensor& grad, const Gradients& into) {
    plain_kernels.convolve_backward(c, grad, into);
  }

  static constexpr Kernels kernels(std::string_view name) {
    return {.name = name,
            .norm_train = norm_train,
            .norm_again = norm_again,
            .norm_backward = norm_backward,
            .norm_sums = norm_sums,
            .norm_gradient_sums = norm_gradient_sums,
            .norm_gradient = norm_gradient,
            .norm_evaluate = norm_evaluate,
            .convolve = convolve,
            .convolve_backward = convolve_backward,
            .combine = combine,
            .dot = dot,
            .combine_backward = combine_backward,
            .normalise = normalise,
            .mix_images = mix_images,
            .dropout_mask = dropout_mask,
            .gaussian = gaussian,
            .sgd = sgd,
            .adam = adam};
  }
};

constinit const Kernels kernels[]{
    Row<Type::kFloat>::kernels("cuda float32"),
    Row<Type::kDouble>::kernels("cuda float64"),
    Row<Type::kHalf>::kernels("cuda float16"),
    Row<Type::kBFloat16>::kernels("cuda bfloat16"),
};

}  // namespace

std::string why_none(at::Device device) {
  if (launches(Type::kFloat) == nullptr) return "there is no lm_cuda.so";
  if (device.is_cpu()) return "";
  c10::OptionalDeviceGuard guard;
  if (device.has_index()) guard.reset_device(device);
  const char* const trouble = trouble_on(device.has_index() ? device.index() : 0);
  return trouble == nullptr ? "" : trouble;
}

const Kernels* kernels_of(at::Device device, at::ScalarType type) {
  for (int t = 0; t < static_cast<int>(Type::kTypes); ++t)
    if (type_of(static_cast<Type>(t)) == type) return why_none(device).empty() ? &kernels[t] : nullptr;
  return nullptr;
}

}  // namespace lm::cuda
