// How weights are packed for our own loops (direct.h), and which have any.

#include <ATen/Parallel.h>

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

// Weights as they lie in memory, and in which order they are packed.
struct Packing {
  const float* weight = nullptr;
  const double* scale = nullptr;  // by filter; null: 1
  std::array<int64_t, 4> step{};  // numbers from one filter, channel, row and column to the next
  int64_t kh = 1, kw = 1;
  int64_t groups = 1, joined = 1, filters = 0, channels = 0;  // of a group
  bool by_winograd = false;

  int64_t blocks() const { return up(joined * filters, kLanes); }
  int64_t places() const { return by_winograd ? kPlaces : kh * kw; }
  int64_t block() const { return places() * joined * channels * kLanes; }
};

// G w G^T of a window of 3 x 3.
void transform(const double* w, double* out) {
  double half[12];
  const auto up_column = [](const double* in, int64_t from, double* to, int64_t by) {
    const double a = in[0], b = in[from], c = in[2 * from];
    to[0] = a;
    to[by] = 0.5 * (a + b + c);
    to[2 * by] = 0.5 * (a - b + c);
    to[3 * by] = c;
  };
  for (int64_t x = 0; x < 3; ++x) up_column(w + x, 3, half + x, 3);
  for (int64_t y = 0; y < 4; ++y) up_column(half + 3 * y, 1, out + 4 * y, 1);
}

// The sixteen filters of a block, [places, channels, 16]; what is zero stays as it is.
void pack_block(const Packing& p, int64_t group, int64_t block, float* to) {
  const int64_t row = p.joined * p.channels * kLanes;
  for (int64_t c = 0; c < p.channels; ++c)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const int64_t filter = block * kLanes + lane, part = filter / p.filters;
      if (part >= p.joined) break;
      const int64_t i = group * p.joined * p.filters + filter;
      const float* const from = p.weight + i * p.step[0] + c * p.step[1];
      const double scale = p.scale == nullptr ? 1 : p.scale[i];
      float* const out = to + (part * p.channels + c) * kLanes + lane;
      if (!p.by_winograd) {
        for (int64_t y = 0; y < p.kh; ++y)
          for (int64_t x = 0; x < p.kw; ++x)
            out[(y * p.kw + x) * row] = static_cast<float>(scale * from[y * p.step[2] + x * p.step[3]]);
        continue;
      }
      double window[9], transformed[kPlaces];
      for (int64_t tap = 0; tap < 9; ++tap)
        window[tap] = scale * from[tap / 3 * p.step[2] + tap % 3 * p.step[3]];
      transform(window, transformed);
      for (int64_t place = 0; place < kPlaces; ++place)
        out[place * row] = static_cast<float>(transformed[place]);
    }
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
Tensor pack_weight(const Tensor& weight, const Tensor& scale, const Sliding& s) {
  const bool narrow = is_narrow(weight.sizes(), s);
  Packing p{.weight = weight.data_ptr<float>(),
            .scale = scale.defined() ? scale.data_ptr<double>() : nullptr,
            .step = {weight.stride(0), weight.stride(1), weight.stride(2), weight.stride(3)},
            .kh = weight.size(2),
            .kw = weight.size(3),
            .joined = narrow ? 1 : joined_groups(weight.size(0), s.groups),
            .channels = weight.size(1)};
  p.groups = narrow ? 1 : s.groups / p.joined;
  p.filters = weight.size(0) / p.groups / p.joined;
  p.by_winograd = !narrow && p.kh == 3 && p.kw == 3 && s.stride[0] == 1 && s.stride[1] == 1 &&
                  p.joined * p.channels % kLanes == 0;
  const bool whole = p.joined == 1 && p.filters % kLanes == 0;
  const int64_t channels = p.joined * p.channels;
  const std::vector<int64_t> sizes =
      p.by_winograd ? std::vector<int64_t>{p.groups, p.blocks(), kPlaces, channels, kLanes}
                    : std::vector<int64_t>{p.groups, p.blocks(), p.kh, p.kw, channels, kLanes};
  const Tensor out = whole ? at::empty(sizes, at::kFloat) : at::zeros(sizes, at::kFloat);
  float* const to = out.data_ptr<float>();
  constexpr int64_t kWorth = 1 << 13;  // numbers that are worth another thread
  at::parallel_for(0, p.groups * p.blocks(), std::max<int64_t>(1, kWorth / p.block()),
                   [&](int64_t first, int64_t end) {
                     for (int64_t i = first; i < end; ++i)
                       pack_block(p, i / p.blocks(), i % p.blocks(), to + i * p.block());
                   });
  return out;
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
