// Batch norm, and its relu: one pass over memory for the statistics, one for the result; as many backwards.

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/pieces.h"
#include "core/kernels/cpu/rows.h"

namespace lm::cpu {
namespace {

using at::Tensor;

template <typename S>
S* values_of(const Tensor& t) {
  return static_cast<S*>(t.data_ptr());
}

bool is_rows(const Tensor& t) { return t.dim() == 4 && t.is_contiguous(at::MemoryFormat::ChannelsLast); }

template <typename T>
T at_channel(const Tensor& t, int64_t channel, T otherwise) {
  return t.defined() ? t.data_ptr<T>()[channel] : otherwise;
}

// scale = weight * invstd, shift = bias - mean * scale.
template <typename T>
T scale_at(const Norm& n, const T* invstd, int64_t c) {
  return at_channel<T>(n.weight, c, 1) * invstd[c];
}

template <typename T>
T shift_at(const Norm& n, const T* mean, const T* invstd, int64_t c) {
  return at_channel<T>(n.bias, c, 0) - mean[c] * scale_at(n, invstd, c);
}

// Both, repeated to the loops' width.
template <typename T>
struct Affine {
  Affine(const Norm& n, const Layout& layout, const T* mean, const T* invstd)
      : scale(repeated<T>(layout, [&](int64_t c) { return scale_at(n, invstd, c); })),
        shift(repeated<T>(layout, [&](int64_t c) { return shift_at(n, mean, invstd, c); })) {}
  std::vector<T> scale, shift;
};

using Sums = std::pair<std::vector<double>, std::vector<double>>;  // two for each channel

// Mean and biased variance of every channel, taken about the first pixel so that no digits cancel.
template <typename T, typename S>
Sums moments_of(const Tensor& x, const Layout& layout) {
  const S* data = values_of<S>(x);
  const std::vector<T> centre = repeated<T>(layout, [&](int64_t c) { return wide(data[c]); });
  const Rows<T, S> rows{.x = data, .width = layout.width(), .centre = centre.data()};
  auto found =
      sum_rows<T>(layout, [&](int64_t begin, int64_t end, T* a, T* b) { moments(rows, begin, end, a, b); });
  const auto count = static_cast<double>(layout.rows);
  for (int64_t c = 0; c < layout.channels; ++c) {
    double &mean = found.first[static_cast<size_t>(c)], &var = found.second[static_cast<size_t>(c)];
    const double shifted = mean / count;
    const double square = var / count - shifted * shifted;
    mean = static_cast<double>(wide(data[c])) + shifted;
    var = square < 0 ? 0 : square;  // what is no number stays so
  }
  return found;
}

// Mean and inverse deviation of the batch; moves the running ones.
template <typename T, typename S>
void batch_statistics(const Norm& n, const Layout& layout, const Running& running, const Statistics& found) {
  const auto [means, vars] = moments_of<T, S>(n.x, layout);
  const auto count = static_cast<double>(layout.rows);
  const double momentum = running.momentum;
  T *running_mean = running.mean.data_ptr<T>(), *running_var = running.var.data_ptr<T>();
  for (int64_t c = 0; c < layout.channels; ++c) {
    const double average = means[static_cast<size_t>(c)], var = vars[static_cast<size_t>(c)];
    found.mean.data_ptr<T>()[c] = static_cast<T>(average);
    found.invstd.data_ptr<T>()[c] = static_cast<T>(1 / std::sqrt(var + n.eps));
    running_mean[c] =
        static_cast<T>((1 - momentum) * static_cast<double>(running_mean[c]) + momentum * average);
    running_var[c] = static_cast<T>((1 - momentum) * static_cast<double>(running_var[c]) +
                                    momentum * var * count / (count - 1));
  }
}

template <typename T>
T floor_of(bool relu) {
  return relu ? T(0) : -std::numeric_limits<T>::infinity();
}

template <typename T, typename S>
void apply_norm(const Norm& n, const T* mean, const T* invstd, const Tensor& out) {
  const Layout layout(n.x);
  const Affine<T> affine(n, layout, mean, invstd);
  const Rows<T, S> rows{.x = values_of<S>(n.x),
                        .out = values_of<S>(out),
                        .width = layout.width(),
                        .scale = affine.scale.data(),
                        .shift = affine.shift.data(),
                        .floor = floor_of<T>(n.relu)};
  for_rows<T>(layout, [&](int64_t begin, int64_t end) { apply(rows, begin, end); });
}

// What gradients are made of: the loops' rows, but for what they write. Incoming ones are of type G.
template <typename T, typename S, typename G>
struct Backwards {
  Backwards(const Norm& n, const Statistics& found, const Tensor& grad)
      : layout(n.x),
        affine(n, layout, found.mean.data_ptr<T>(), found.invstd.data_ptr<T>()),
        centre(repeated<T>(layout, [&](int64_t c) { return found.mean.data_ptr<T>()[c]; })),
        rows{.x = values_of<S>(n.x),
             .grad = values_of<G>(grad),
             .width = layout.width(),
             .scale = affine.scale.data(),
             .shift = affine.shift.data(),
             .floor = floor_of<T>(n.relu),
             .centre = centre.data()} {}

  // Of g, and of g (x - mean).
  [[nodiscard]] Sums sums() const {
    return sum_rows<T>(
        layout, [&](int64_t begin, int64_t end, T* a, T* b) { gradient_sums(rows, begin, end, a, b); });
  }

  // By such sums of `count` values.
  void write(const T* invstd, const double* sum, const double* dot, double count, const Tensor& out,
             const Tensor* before) {
    const auto scale_of = [&](int64_t c) {
      return static_cast<double>(affine.scale[static_cast<size_t>(c)]);
    };
    const std::vector<T> slope = repeated<T>(layout, [&](int64_t c) {
      const auto s = static_cast<double>(invstd[c]);
      return scale_of(c) * s * s * dot[c] / count;
    });
    const std::vector<T> offset =
        repeated<T>(layout, [&](int64_t c) { return scale_of(c) * sum[c] / count; });
    rows.out = values_of<S>(out);
    rows.before = before == nullptr ? nullptr : values_of<S>(*before);
    rows.slope = slope.data();
    rows.offset = offset.data();
    for_rows<T>(layout, [&](int64_t begin, int64_t end) { cpu::gradient(rows, begin, end); });
  }

  Layout layout;
  Affine<T> affine;
  std::vector<T> centre;
  Rows<T, S, G> rows;
};

// Calls work with Backwards by the type of incoming gradients: that of x, or bfloat16.
template <typename T, typename S, typename Work>
void backwards(const Norm& n, const Statistics& found, const Tensor& grad, const Work& work) {
  if constexpr (std::is_same_v<S, float>)
    if (grad.scalar_type() == at::kBFloat16) return work(Backwards<T, S, Bfloat16>(n, found, grad));
  work(Backwards<T, S, S>(n, found, grad));
}

// into[c] += numbers[c]
template <typename T, typename Number>
void add_to(const Tensor& into, const Number& number) {
  if (!into.defined()) return;
  T* to = into.data_ptr<T>();
  for (int64_t c = 0; c < into.numel(); ++c) to[c] += static_cast<T>(number(static_cast<size_t>(c)));
}

}  // namespace

template <typename T, typename S>
void NormKernels<T, S>::train(const Norm& n, const Running& running, const Statistics& found,
                              const Tensor& out) {
  if (!is_rows(n.x)) return plain_kernels.norm_train(n, running, found, out);
  batch_statistics<T, S>(n, Layout(n.x), running, found);
  if (out.defined()) again(n, found, out);
}

template <typename T, typename S>
void NormKernels<T, S>::again(const Norm& n, const Statistics& found, const Tensor& out) {
  if (!is_rows(n.x)) return plain_kernels.norm_again(n, found, out);
  apply_norm<T, S>(n, found.mean.data_ptr<T>(), found.invstd.data_ptr<T>(), out);
}

template <typename T, typename S>
void NormKernels<T, S>::evaluate(const Norm& n, const Tensor& mean, const Tensor& var, const Tensor& out) {
  if (!is_rows(n.x)) return plain_kernels.norm_evaluate(n, mean, var, out);
  std::vector<T> invstd(static_cast<size_t>(var.numel()));
  const T* of = var.data_ptr<T>();
  for (size_t c = 0; c < invstd.size(); ++c) invstd[c] = T(1) / std::sqrt(of[c] + static_cast<T>(n.eps));
  apply_norm<T, S>(n, mean.data_ptr<T>(), invstd.data(), out);
}

// With g the gradient after the relu, m the number of rows, xc = x - mean:
//   d weight = invstd sum(g xc), d bias = sum(g), dx = scale (g - sum(g) / m - xc invstd^2 sum(g xc) / m).
template <typename T, typename S>
void NormKernels<T, S>::backward(const Norm& n, const Statistics& found, const Tensor& grad,
                                 const Gradients& into) {
  if (!is_rows(n.x) || !is_rows(grad)) return plain_kernels.norm_backward(n, found, grad, into);
  backwards<T, S>(n, found, grad, [&](auto of) {
    const T* invstd = found.invstd.data_ptr<T>();
    const auto [sum, dot] = of.sums();
    add_to<T>(into.weight, [&, &dot = dot](size_t c) { return dot[c] * static_cast<double>(invstd[c]); });
    add_to<T>(into.bias, [&sum = sum](size_t c) { return sum[c]; });
    const auto count = static_cast<double>(of.layout.rows);
    if (into.x.defined()) of.write(invstd, sum.data(), dot.data(), count, into.x, into.before);
  });
}

template <typename T, typename S>
void NormKernels<T, S>::sums(const Tensor& x, const Tensor& sums) {
  if (!is_rows(x)) return plain_kernels.norm_sums(x, sums);
  const Layout layout(x);
  const auto [means, vars] = moments_of<T, S>(x, layout);
  const auto count = static_cast<double>(layout.rows);
  double* to = sums.data_ptr<double>();
  for (size_t c = 0; c < means.size(); ++c) {
    to[c] = count * means[c];
    to[means.size() + c] = count * (vars[c] + means[c] * means[c]);
  }
}

template <typename T, typename S>
void NormKernels<T, S>::gradient_sums(const Norm& n, const Statistics& found, const Tensor& grad,
                                      const Tensor& sums) {
  if (!is_rows(n.x) || !is_rows(grad)) return plain_kernels.norm_gradient_sums(n, found, grad, sums);
  backwards<T, S>(n, found, grad, [&](const auto& of) {
    const auto [sum, dot] = of.sums();
    std::copy(dot.begin(), dot.end(), std::copy(sum.begin(), sum.end(), sums.data_ptr<double>()));
  });
}

template <typename T, typename S>
void NormKernels<T, S>::gradient(const Norm& n, const Statistics& found, const Tensor& grad,
                                 const Tensor& sums, double count, const Tensor& out, const Tensor* before) {
  if (!is_rows(n.x) || !is_rows(grad))
    return plain_kernels.norm_gradient(n, found, grad, sums, count, out, before);
  const double* sum = sums.data_ptr<double>();
  backwards<T, S>(n, found, grad, [&](auto of) {
    of.write(found.invstd.data_ptr<T>(), sum, sum + n.x.size(1), count, out, before);
  });
}

void norm_affine(const Norm& n, const Statistics& by, const Tensor& scale, const Tensor& shift) {
  const float *mean = by.mean.data_ptr<float>(), *invstd = by.invstd.data_ptr<float>();
  for (int64_t c = 0; c < scale.numel(); ++c) {
    scale.data_ptr<float>()[c] = scale_at(n, invstd, c);
    shift.data_ptr<float>()[c] = shift_at(n, mean, invstd, c);
  }
}

template struct NormKernels<float>;
template struct NormKernels<double>;
template struct NormKernels<float, Bfloat16>;

}  // namespace lm::cpu
