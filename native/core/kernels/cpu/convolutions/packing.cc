// How weights are packed for our own loops (direct.h), and which have any.

#include <numeric>

#include "core/kernels/cpu/convolutions/padded.h"
#include "core/kernels/cpu/cpu.h"

namespace lm::cpu {
namespace {

using at::Tensor;

// Groups that are taken as one, whose weights are zero from one to another: sixteen filters at least.
int64_t joined_groups(int64_t filters, int64_t groups) {
  return groups == 1 ? 1 : kLanes / std::gcd(filters / groups, kLanes);
}

// G w G^T of weights [.., 3, 3], as [.., 16].
Tensor transformed(const Tensor& weight) {
  const Tensor g =
      at::tensor({1.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.0, 0.0, 1.0}, at::kDouble).view({4, 3});
  return g.matmul(weight.to(at::kDouble)).matmul(g.t()).flatten(-2).to(weight.scalar_type());
}

}  // namespace

// Groups that narrow.cc has loops for.
bool is_narrow(at::IntArrayRef weight, const Sliding& s) {
  const int64_t channels = weight[1];
  return (channels == 4 || channels == 8) && weight[0] == s.groups * channels && weight[0] % kLanes == 0 &&
         weight[3] == 3 && s.stride[1] <= 2;
}

// [out, in / groups, kh, kw] -> [groups, out / groups / 16, kh, kw, in / groups, 16], of joined groups; for
// Winograd's algorithm [groups, out / groups / 16, 16, in / groups, 16]; of narrow groups
// [1, out / 16, kh, 3, in / groups, 16].
Tensor pack_weight(const Tensor& weight, const Sliding& s) {
  if (is_narrow(weight.sizes(), s))
    return weight.unflatten(0, {1, -1, kLanes}).permute({0, 1, 4, 5, 3, 2}).contiguous();
  const int64_t groups = s.groups;
  const int64_t filters = weight.size(0) / groups, channels = weight.size(1);
  const int64_t kh = weight.size(2), kw = weight.size(3), joined = joined_groups(weight.size(0), groups);
  const int64_t blocks = up(joined * filters, kLanes);
  const Tensor dense =
      at::zeros({groups / joined, blocks * kLanes, joined * channels, kh, kw}, weight.options());
  const Tensor each = weight.reshape({groups / joined, joined, filters, channels, kh, kw});
  for (int64_t j = 0; j < joined; ++j)
    dense.narrow(1, j * filters, filters).narrow(2, j * channels, channels).copy_(each.select(1, j));
  const Tensor apart = dense.view({groups / joined, blocks, kLanes, joined * channels, kh, kw});
  const bool by_winograd =
      kh == 3 && kw == 3 && s.stride[0] == 1 && s.stride[1] == 1 && joined * channels % kLanes == 0;
  if (by_winograd) return transformed(apart).permute({0, 1, 4, 3, 2}).contiguous();
  return apart.permute({0, 1, 4, 5, 3, 2}).contiguous();
}

Tensor pack_channels(const Tensor& numbers) {
  const int64_t last = numbers.size(-1);
  return at::constant_pad_nd(numbers, {0, up(last, kLanes) * kLanes - last}).contiguous();
}

}  // namespace lm::cpu

namespace lm {

bool fuses(const at::IntArrayRef& weight, const Sliding& s) {
  constexpr int64_t kMostJoined = 4;
  const int64_t joined = cpu::joined_groups(weight[0], s.groups);
  if (cpu::is_narrow(weight, s)) return true;
  return joined <= kMostJoined && s.groups % joined == 0;
}

}  // namespace lm
