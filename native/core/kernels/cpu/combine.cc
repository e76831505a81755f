// Linear combinations of states in one pass over memory, and what is summed of them backwards.

#include <numeric>

#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/pieces.h"
#include "core/kernels/cpu/rows.h"

namespace lm::cpu {
namespace {

using at::Tensor;

constexpr size_t kMostTerms = 4;
constexpr int64_t kPiece = 4096;  // numbers that are summed in their own type

bool fits(std::span<const Term> terms, const Tensor& out) {
  if (terms.size() > kMostTerms || !out.is_non_overlapping_and_dense()) return false;
  return std::all_of(terms.begin(), terms.end(), [&](const Term& t) {
    return t.u->strides() == out.strides() && (t.tensor == nullptr || t.tensor->numel() == 1);
  });
}

template <typename S>
S* values_of(const Tensor& t) {
  return static_cast<S*>(t.data_ptr());
}

}  // namespace

template <typename T, typename S>
void combine(std::span<const Term> terms, const Tensor& out) {
  if (!fits(terms, out)) return plain_kernels.combine(terms, out);
  T c[kMostTerms];
  const S* u[kMostTerms];
  for (size_t i = 0; i < terms.size(); ++i) {
    const Term& t = terms[i];
    c[i] = t.tensor == nullptr ? static_cast<T>(t.number) : *t.tensor->data_ptr<T>();
    u[i] = values_of<S>(*t.u);
  }
  S* to = values_of<S>(out);
  const int count = static_cast<int>(terms.size());
  at::parallel_for(0, out.numel(), kGrain,
                   [&](int64_t begin, int64_t end) { combine_rows(u, c, count, to, begin, end); });
}

template <typename T, typename S>
void dot(const Tensor& a, const Tensor& b, const Tensor& sum) {
  const bool flat = sum.numel() == 1 && a.strides() == b.strides() && a.is_non_overlapping_and_dense();
  if (!flat) return plain_kernels.dot(a, b, sum);
  const S *x = values_of<S>(a), *y = values_of<S>(b);
  const int64_t pieces = (a.numel() + kPiece - 1) / kPiece;
  std::vector<double> parts(static_cast<size_t>(pieces));
  at::parallel_for(0, pieces, std::max<int64_t>(1, kGrain / kPiece), [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p)
      parts[static_cast<size_t>(p)] =
          static_cast<double>(product_sum(x, y, p * kPiece, std::min(a.numel(), (p + 1) * kPiece)));
  });
  double total = 0;
  for (double part : parts) total += part;
  *sum.data_ptr<T>() += static_cast<T>(total);
}

namespace {

// One term of a combination backwards, as it lies.
template <typename T, typename S>
struct TermPlaces {
  explicit TermPlaces(const TermGradient& t)
      : c(t.term.tensor == nullptr ? static_cast<T>(t.term.number) : *t.term.tensor->data_ptr<T>()),
        u(t.sum == nullptr ? nullptr : values_of<S>(*t.term.u)),
        before(t.before == nullptr ? nullptr : values_of<S>(*t.before)),
        to(t.gradient == nullptr ? nullptr : values_of<S>(*t.gradient)) {}
  T c;
  const S *u, *before;
  S* to;
};

bool fits(const Tensor& grad, std::span<const TermGradient> terms) {
  const auto like = [&](const Tensor* t) { return t == nullptr || t->strides() == grad.strides(); };
  const auto one = [](const Tensor* t) { return t == nullptr || t->numel() == 1; };
  return grad.is_non_overlapping_and_dense() && std::all_of(terms.begin(), terms.end(), [&](const auto& t) {
           return like(t.sum == nullptr ? nullptr : t.term.u) && like(t.gradient) && like(t.before) &&
                  one(t.term.tensor) && one(t.sum);
         });
}

}  // namespace

// Piece by piece, so that the incoming gradient is read once.
template <typename T, typename S>
void combine_backward(const Tensor& grad, std::span<const TermGradient> terms) {
  if (!fits(grad, terms))
    return combine_backward_by_parts(kernels_for(grad.device(), grad.scalar_type()), grad, terms);
  const std::vector<TermPlaces<T, S>> places(terms.begin(), terms.end());
  const S* const g = values_of<S>(grad);
  const int64_t count = grad.numel(), pieces = (count + kPiece - 1) / kPiece;
  std::vector<double> parts(terms.size() * static_cast<size_t>(pieces));
  at::parallel_for(0, pieces, std::max<int64_t>(1, kGrain / kPiece), [&](int64_t from, int64_t end) {
    for (int64_t p = from; p < end; ++p) {
      const int64_t begin = p * kPiece, last = std::min(count, begin + kPiece);
      for (size_t i = 0; i < places.size(); ++i) {
        const TermPlaces<T, S>& t = places[i];
        if (t.u != nullptr)
          parts[i * static_cast<size_t>(pieces) + static_cast<size_t>(p)] =
              static_cast<double>(product_sum(g, t.u, begin, last));
        const S* const of[]{g, t.before};
        const T by[]{t.c, 1};
        if (t.to != nullptr) combine_rows(of, by, t.before == nullptr ? 1 : 2, t.to, begin, last);
      }
    }
  });
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i].u == nullptr) continue;
    const auto first = parts.begin() + static_cast<int64_t>(i) * pieces;
    *terms[i].sum->data_ptr<T>() += static_cast<T>(std::accumulate(first, first + pieces, 0.0));
  }
}

template void combine<float>(std::span<const Term>, const Tensor&);
template void combine<double>(std::span<const Term>, const Tensor&);
template void combine<float, Bfloat16>(std::span<const Term>, const Tensor&);
template void dot<float>(const Tensor&, const Tensor&, const Tensor&);
template void dot<double>(const Tensor&, const Tensor&, const Tensor&);
template void dot<float, Bfloat16>(const Tensor&, const Tensor&, const Tensor&);
template void combine_backward<float>(const Tensor&, std::span<const TermGradient>);
template void combine_backward<double>(const Tensor&, std::span<const TermGradient>);
template void combine_backward<float, Bfloat16>(const Tensor&, std::span<const TermGradient>);

}  // namespace lm::cpu
