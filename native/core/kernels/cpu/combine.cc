// Linear combinations of states in one pass over memory, and what is summed of them backwards.

#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/pieces.h"
#include "core/kernels/cpu/rows.h"

namespace lm::cpu {
namespace {

using at::Tensor;

constexpr size_t kMostTerms = 4;

bool fits(std::span<const Term> terms, const Tensor& out) {
  if (terms.size() > kMostTerms || !out.is_non_overlapping_and_dense()) return false;
  return std::all_of(terms.begin(), terms.end(), [&](const Term& t) {
    return t.u->strides() == out.strides() && (t.tensor == nullptr || t.tensor->numel() == 1);
  });
}

}  // namespace

template <typename T>
void combine(std::span<const Term> terms, const Tensor& out) {
  if (!fits(terms, out)) return plain_kernels.combine(terms, out);
  T c[kMostTerms];
  const T* u[kMostTerms];
  for (size_t i = 0; i < terms.size(); ++i) {
    const Term& t = terms[i];
    c[i] = t.tensor == nullptr ? static_cast<T>(t.number) : *t.tensor->data_ptr<T>();
    u[i] = t.u->data_ptr<T>();
  }
  T* to = out.data_ptr<T>();
  const int count = static_cast<int>(terms.size());
  at::parallel_for(0, out.numel(), kGrain,
                   [&](int64_t begin, int64_t end) { combine_rows(u, c, count, to, begin, end); });
}

template <typename T>
void dot(const Tensor& a, const Tensor& b, const Tensor& sum) {
  const bool flat = sum.numel() == 1 && a.strides() == b.strides() && a.is_non_overlapping_and_dense();
  if (!flat) return plain_kernels.dot(a, b, sum);
  const T *x = a.data_ptr<T>(), *y = b.data_ptr<T>();
  constexpr int64_t kPiece = 4096;
  const int64_t pieces = (a.numel() + kPiece - 1) / kPiece;
  std::vector<double> parts(static_cast<size_t>(pieces));
  at::parallel_for(0, pieces, kGrain / kPiece, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p)
      parts[static_cast<size_t>(p)] =
          static_cast<double>(product_sum(x, y, p * kPiece, std::min(a.numel(), (p + 1) * kPiece)));
  });
  double total = 0;
  for (double part : parts) total += part;
  *sum.data_ptr<T>() += static_cast<T>(total);
}

template <typename T>
void combine_backward(const Tensor& grad, std::span<const TermGradient> terms) {
  combine_backward_by_parts(std::is_same_v<T, float> ? float_kernels : double_kernels, grad, terms);
}

template void combine<float>(std::span<const Term>, const Tensor&);
template void combine<double>(std::span<const Term>, const Tensor&);
template void dot<float>(const Tensor&, const Tensor&, const Tensor&);
template void dot<double>(const Tensor&, const Tensor&, const Tensor&);
template void combine_backward<float>(const Tensor&, std::span<const TermGradient>);
template void combine_backward<double>(const Tensor&, std::span<const TermGradient>);

}  // namespace lm::cpu
