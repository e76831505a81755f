#include "core/kernels/kernels.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/cpu/rows.h"

namespace lm::kernels {
namespace {

using at::Tensor;

bool is_cpu_float(const Tensor& t) {
  return t.device().is_cpu() && (t.scalar_type() == at::kFloat || t.scalar_type() == at::kDouble);
}

bool is_rows(const Tensor& t) {
  return t.dim() == 4 && is_cpu_float(t) && t.is_contiguous(at::MemoryFormat::ChannelsLast);
}

// Work is cut into pieces that do not depend on the number of threads, so that sums do not either.
constexpr int64_t kPieces = 64;      // at most
constexpr int64_t kBlockRows = 256;  // rows summed in the tensor's own precision before they enter a double
constexpr int64_t kGrain = 1 << 15;

struct Layout {
  explicit Layout(const Tensor& x)
      : channels(x.size(1)), rows(x.numel() / x.size(1)), repeat(std::max<int64_t>(1, 128 / x.size(1))) {}
  int64_t channels, rows, repeat;
  int64_t width() const { return channels * repeat; }
};

// A per-channel array repeated to the width of the loops.
template <typename T, typename Number>
std::vector<T> repeated(const Layout& layout, const Number& number) {
  std::vector<T> out(static_cast<size_t>(layout.width()));
  for (int64_t c = 0; c < layout.channels; ++c) out[static_cast<size_t>(c)] = static_cast<T>(number(c));
  for (int64_t k = 1; k < layout.repeat; ++k)
    std::copy_n(out.begin(), layout.channels, out.begin() + k * layout.channels);
  return out;
}

// Two sums per channel over all rows, in double; `add` sums numbers begin to end into arrays of the loops'
// width.
template <typename T, typename Add>
std::pair<std::vector<double>, std::vector<double>> sum_rows(const Layout& layout, const Add& add) {
  const auto c = static_cast<size_t>(layout.channels), width = static_cast<size_t>(layout.width());
  const int64_t pieces = std::clamp<int64_t>(layout.rows / kBlockRows, 1, kPieces);
  const int64_t per_piece = (layout.rows + pieces - 1) / pieces;
  std::vector<double> parts(static_cast<size_t>(pieces) * 2 * c, 0.0);
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, per_piece * layout.channels));
  at::parallel_for(0, pieces, grain, [&](int64_t from, int64_t to) {
    std::vector<T> sums(2 * width);
    for (int64_t piece = from; piece < to; ++piece) {
      double* part = parts.data() + static_cast<size_t>(piece) * 2 * c;
      const int64_t last = std::min(layout.rows, (piece + 1) * per_piece);
      for (int64_t row = piece * per_piece; row < last; row += kBlockRows) {
        std::fill(sums.begin(), sums.end(), T(0));
        add(row * layout.channels, std::min(last, row + kBlockRows) * layout.channels, sums.data(),
            sums.data() + width);
        for (size_t j = 0; j < 2 * width; j += c)  // both sums, the repeats of the channels onto each other
          for (size_t k = 0; k < c; ++k) part[(j < width ? 0 : c) + k] += static_cast<double>(sums[j + k]);
      }
    }
  });
  std::pair<std::vector<double>, std::vector<double>> total{std::vector<double>(c, 0.0),
                                                            std::vector<double>(c, 0.0)};
  for (size_t piece = 0; piece < static_cast<size_t>(pieces); ++piece)
    for (size_t j = 0; j < c; ++j) {
      total.first[j] += parts[piece * 2 * c + j];
      total.second[j] += parts[piece * 2 * c + c + j];
    }
  return total;
}

template <typename T, typename Work>
void for_rows(const Layout& layout, const Work& work) {
  at::parallel_for(0, layout.rows, std::max<int64_t>(1, kGrain / layout.channels),
                   [&](int64_t from, int64_t to) { work(from * layout.channels, to * layout.channels); });
}

template <typename T>
T param_at(const Frame& f, size_t i, int64_t channel, T otherwise) {
  return f.has_param(i) ? f.param(i).data_ptr<T>()[channel] : otherwise;
}

// scale = weight * invstd, shift = bias - mean * scale, repeated to the loops' width.
template <typename T>
struct Affine {
  Affine(const Frame& f, const Layout& layout, const T* mean, const T* invstd)
      : scale(repeated<T>(layout, [&](int64_t c) { return param_at<T>(f, 0, c, 1) * invstd[c]; })),
        shift(repeated<T>(layout, [&](int64_t c) {
          return param_at<T>(f, 1, c, 0) - mean[c] * (param_at<T>(f, 0, c, 1) * invstd[c]);
        })) {}
  std::vector<T> scale, shift;
};

// Mean and inverse deviation of the batch, taken about the first pixel so that no digits cancel; updates the
// running ones.
template <typename T>
void batch_statistics(Frame& f, const Tensor& x, const Layout& layout, Tensor& mean, Tensor& invstd) {
  const T* data = x.data_ptr<T>();
  const std::vector<T> centre = repeated<T>(layout, [&](int64_t c) { return data[c]; });
  Rows<T> rows{.x = data, .width = layout.width(), .centre = centre.data()};
  const auto [first, second] =
      sum_rows<T>(layout, [&](int64_t begin, int64_t end, T* a, T* b) { moments(rows, begin, end, a, b); });
  const auto count = static_cast<double>(layout.rows);
  const double momentum = f.node.attrs.momentum;
  T *running_mean = f.buffer(0).data_ptr<T>(), *running_var = f.buffer(1).data_ptr<T>();
  for (int64_t c = 0; c < layout.channels; ++c) {
    const auto j = static_cast<size_t>(c);
    const double shifted = first[j] / count;
    const double average = static_cast<double>(data[c]) + shifted;
    const double var = std::max(0.0, second[j] / count - shifted * shifted);
    mean.data_ptr<T>()[c] = static_cast<T>(average);
    invstd.data_ptr<T>()[c] =
        static_cast<T>(1 / std::sqrt((std::isnan(second[j]) ? second[j] : var) + f.node.attrs.eps));
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

template <typename T>
Tensor norm(Frame& f, const Tensor& x, bool relu) {
  const Layout layout(x);
  Tensor mean, invstd;
  if (f.training() && f.recomputing()) {
    mean = f.saved()[0];
    invstd = f.saved()[1];
  } else if (f.training()) {
    mean = at::empty({layout.channels}, x.options());
    invstd = at::empty({layout.channels}, x.options());
    batch_statistics<T>(f, x, layout, mean, invstd);
    f.saved() = {mean, invstd};
  } else {
    mean = f.buffer(0);
    invstd = (f.buffer(1) + f.node.attrs.eps).rsqrt();
  }
  const Affine<T> affine(f, layout, mean.data_ptr<T>(), invstd.data_ptr<T>());
  Tensor out = at::empty_like(x);
  const Rows<T> rows{.x = x.data_ptr<T>(),
                     .out = out.data_ptr<T>(),
                     .width = layout.width(),
                     .scale = affine.scale.data(),
                     .shift = affine.shift.data(),
                     .floor = floor_of<T>(relu)};
  for_rows<T>(layout, [&](int64_t begin, int64_t end) { apply(rows, begin, end); });
  return out;
}

template <typename T>
Tensor from_doubles(const std::vector<double>& values, const Tensor& like) {
  Tensor out = at::empty({static_cast<int64_t>(values.size())}, like.options());
  for (size_t i = 0; i < values.size(); ++i) out.data_ptr<T>()[i] = static_cast<T>(values[i]);
  return out;
}

// With g the gradient after the relu, m the number of rows, xc = x - mean:
//   d weight = invstd sum(g xc), d bias = sum(g), dx = scale (g - sum(g) / m - xc invstd^2 sum(g xc) / m).
template <typename T>
void norm_gradient(Frame& f, const Tensor& x, const Tensor& grad, bool relu) {
  const Layout layout(x);
  const T *mean = f.saved()[0].data_ptr<T>(), *invstd = f.saved()[1].data_ptr<T>();
  const Affine<T> affine(f, layout, mean, invstd);
  const std::vector<T> centre = repeated<T>(layout, [&](int64_t c) { return mean[c]; });
  Rows<T> rows{.x = x.data_ptr<T>(),
               .grad = grad.data_ptr<T>(),
               .width = layout.width(),
               .scale = affine.scale.data(),
               .shift = affine.shift.data(),
               .floor = floor_of<T>(relu),
               .centre = centre.data()};
  const auto [sum, dot] = sum_rows<T>(
      layout, [&](int64_t begin, int64_t end, T* a, T* b) { gradient_sums(rows, begin, end, a, b); });
  if (f.has_param(0)) {
    std::vector<double> weight(dot);
    for (size_t c = 0; c < weight.size(); ++c) weight[c] *= static_cast<double>(invstd[c]);
    f.add_param_grad(0, from_doubles<T>(weight, x));
  }
  if (f.has_param(1)) f.add_param_grad(1, from_doubles<T>(sum, x));
  if (!f.wants()) return;
  const auto count = static_cast<double>(layout.rows);
  const auto scale_at = [&](int64_t c) { return static_cast<double>(affine.scale[static_cast<size_t>(c)]); };
  const std::vector<T> slope = repeated<T>(layout, [&, &dot = dot](int64_t c) {
    const auto s = static_cast<double>(invstd[c]);
    return scale_at(c) * s * s * dot[static_cast<size_t>(c)] / count;
  });
  const std::vector<T> offset = repeated<T>(
      layout, [&, &sum = sum](int64_t c) { return scale_at(c) * sum[static_cast<size_t>(c)] / count; });
  Tensor out = f.may_overwrite_grad() ? grad : at::empty_like(x);
  rows.out = out.data_ptr<T>();
  rows.slope = slope.data();
  rows.offset = offset.data();
  for_rows<T>(layout, [&](int64_t begin, int64_t end) { gradient(rows, begin, end); });
  f.add_grad(0, out, true);
}

bool can_combine(const Frame& f) {
  for (size_t i = 0; i < f.node.inputs.size(); ++i)
    if (f.is_absent(i)) return false;
  const Tensor& first = f.input(0);
  if (f.node.inputs.size() > 4 || !is_cpu_float(first) || !first.is_non_overlapping_and_dense()) return false;
  for (size_t i = 0; i < f.node.inputs.size(); ++i) {
    if (f.input(i).strides() != first.strides()) return false;
    if (!f.coef(i).constant && f.coef(i).tensor.numel() != 1) return false;
  }
  return true;
}

template <typename T>
Tensor combine_terms(const Frame& f) {
  const Tensor& first = f.input(0);
  const int count = static_cast<int>(f.node.inputs.size());
  T c[4];
  const T* u[4];
  for (size_t i = 0; i < f.node.inputs.size(); ++i) {
    c[i] = f.coef(i).constant ? static_cast<T>(f.coef(i).number) : *f.coef(i).tensor.data_ptr<T>();
    u[i] = f.input(i).data_ptr<T>();
  }
  Tensor out = at::empty_like(first);
  T* to = out.data_ptr<T>();
  at::parallel_for(0, first.numel(), kGrain,
                   [&](int64_t begin, int64_t end) { combine(u, c, count, to, begin, end); });
  return out;
}

template <typename T>
double piecewise_dot(const Tensor& a, const Tensor& b) {
  const T *x = a.data_ptr<T>(), *y = b.data_ptr<T>();
  constexpr int64_t kPiece = 4096;
  const int64_t pieces = (a.numel() + kPiece - 1) / kPiece;
  std::vector<double> parts(static_cast<size_t>(pieces));
  at::parallel_for(0, pieces, kGrain / kPiece, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p)
      parts[static_cast<size_t>(p)] =
          static_cast<double>(product_sum(x, y, p * kPiece, std::min(a.numel(), (p + 1) * kPiece)));
  });
  double sum = 0;
  for (double part : parts) sum += part;
  return sum;
}

}  // namespace

std::optional<Tensor> lin_forward(Frame& f) {
  if (!can_combine(f)) return std::nullopt;
  return f.input(0).scalar_type() == at::kFloat ? combine_terms<float>(f) : combine_terms<double>(f);
}

Tensor dot(const Tensor& grad, const Tensor& u, const Tensor& coefficient) {
  const bool flat = coefficient.numel() == 1 && is_cpu_float(grad) && grad.strides() == u.strides() &&
                    grad.is_non_overlapping_and_dense();
  if (!flat) return grad.mul(u).sum_to_size(coefficient.sizes());
  const double sum =
      grad.scalar_type() == at::kFloat ? piecewise_dot<float>(grad, u) : piecewise_dot<double>(grad, u);
  return at::full(coefficient.sizes(), sum, coefficient.options());
}

std::optional<Tensor> norm_forward(Frame& f, bool relu) {
  const Tensor& x = f.input();
  if (!is_rows(x) || (f.training() && x.numel() <= x.size(1))) return std::nullopt;
  return x.scalar_type() == at::kFloat ? norm<float>(f, x, relu) : norm<double>(f, x, relu);
}

bool norm_backward(Frame& f, const Tensor& incoming, bool relu) {
  const Tensor& x = f.input();
  if (!f.training() || !is_rows(x)) return false;
  const Tensor grad = incoming.contiguous(at::MemoryFormat::ChannelsLast);
  x.scalar_type() == at::kFloat ? norm_gradient<float>(f, x, grad, relu)
                                : norm_gradient<double>(f, x, grad, relu);
  return true;
}

Tensor normalised(const Frame& f) {
  const Tensor& x = f.input();
  const auto wide = [](const Tensor& t) { return t.view({1, -1, 1, 1}); };
  const Tensor mean = f.training() ? f.saved()[0] : f.buffer(0);
  const Tensor invstd = f.training() ? f.saved()[1] : (f.buffer(1) + f.node.attrs.eps).rsqrt();
  Tensor y = (x - wide(mean)) * wide(invstd);
  if (f.has_param(0)) y.mul_(wide(f.param(0)));
  if (f.has_param(1)) y.add_(wide(f.param(1)));
  return y.to(x.scalar_type());
}

}  // namespace lm::kernels
