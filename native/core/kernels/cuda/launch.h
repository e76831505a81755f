// The functions of launches.h, for values of type V on a machine M, which has beside what machine.h says
//   M::global(T* data, int64_t count)                         numbers in the device's memory
//   M::start(kernel, Grid, void* stream) -> const char*       runs the kernel's body in all threads
#pragma once

#include "core/kernels/cuda/combine.h"
#include "core/kernels/cuda/draws.h"
#include "core/kernels/cuda/launches.h"
#include "core/kernels/cuda/mixing.h"
#include "core/kernels/cuda/norm.h"
#include "core/kernels/cuda/pixels.h"
#include "core/kernels/cuda/updates.h"

namespace lm::cuda {

template <typename M, typename V>
class Launch {
  using A = Wide<V>;
  template <typename T>
  using Global = typename M::template Global<T>;

 public:
  static int64_t norm_scratch(int64_t rows, int64_t channels) {
    const int pack = has_packs(channels) ? kFullPack<V> : 1;
    return 2 * channels * (sum_tiles(rows, channels, pack).grid.y + 1);
  }

  static const char* norm_statistics(void* stream, const NormCall& n, void* mean, void* invstd,
                                     void* running_mean, void* running_var, double momentum) {
    const FinishMoments<M, V> finish{values(n.x, n.rows * n.channels),
                                     numbers(mean, n.channels),
                                     numbers(invstd, n.channels),
                                     numbers(running_mean, n.channels),
                                     numbers(running_var, n.channels),
                                     static_cast<double>(n.rows),
                                     n.eps,
                                     momentum};
    return with_pack(n.channels, [&](auto pack) {
      return sum_columns<pack()>(stream, Moments<M, V, pack()>{finish.x}, n.rows, n.channels, n.scratch,
                                 finish);
    });
  }

  static const char* norm_apply(void* stream, const NormCall& n, const void* mean, const void* deviation,
                                bool by_variance, void* out) {
    return with_pack(n.channels, [&](auto pack) {
      const Tiles t = Tiles::of(n.rows, n.channels, pack(), M::kBlocks.elements, 8);
      return M::start(
          ApplyNorm<M, V, pack()>{values(n.x, n.rows * n.channels), values(out, n.rows * n.channels),
                                  affine(n, mean, deviation, by_variance), t},
          t.grid, stream);
    });
  }

  static const char* norm_backward(void* stream, const NormCall& n, const void* mean, const void* invstd,
                                   const void* grad, void* into_x, void* into_weight, void* into_bias) {
    const Affine<M, V> by = affine(n, mean, invstd, false);
    const int64_t count = n.rows * n.channels;
    void* const slope = static_cast<A*>(n.scratch) + norm_scratch(n.rows, n.channels) - 2 * n.channels;
    void* const offset = static_cast<A*>(slope) + n.channels;
    const FinishGradient<M, V> finish{by,
                                      numbers(into_weight, n.channels),
                                      numbers(into_bias, n.channels),
                                      numbers(slope, n.channels),
                                      numbers(offset, n.channels),
                                      static_cast<double>(n.rows)};
    const auto x = values(n.x, count), g = values(grad, count);
    return with_pack(n.channels, [&](auto pack) {
      const char* const failed = sum_columns<pack()>(stream, GradientSums<M, V, pack()>{x, g, by}, n.rows,
                                                     n.channels, n.scratch, finish);
      if (failed != nullptr || into_x == nullptr) return failed;
      const Tiles t = Tiles::of(n.rows, n.channels, pack(), M::kBlocks.elements, 8);
      return M::start(
          NormGradient<M, V, pack()>{x, g, values(into_x, count), by, constants(slope, n.channels),
                                     constants(offset, n.channels), t},
          t.grid, stream);
    });
  }

  static const char* combine(void* stream, const TermCall* terms, int count, void* out, int64_t numbers) {
    if (count == 1) return combine_terms<1>(stream, terms, out, numbers);
    if (count == 2) return combine_terms<2>(stream, terms, out, numbers);
    if (count == 3) return combine_terms<3>(stream, terms, out, numbers);
    return combine_terms<4>(stream, terms, out, numbers);
  }

  static int64_t dot_scratch(int64_t rows, int64_t channels) {
    return channels == 0 ? M::kBlocks.sums : norm_scratch(rows, channels) / 2;
  }

  static const char* dot(void* stream, const void* a, const void* b, int64_t rows, int64_t channels,
                         void* scratch, void* sum) {
    const int64_t count = rows * most(1, channels);
    const auto x = values(a, count), y = values(b, count);
    const AddTotal<M, V> finish{numbers(sum, most(1, channels))};
    if (channels > 0)
      return with_pack(channels, [&](auto pack) {
        return sum_columns<pack()>(stream, ChannelProducts<M, V, pack()>{x, y}, rows, channels, scratch,
                                   finish);
      });
    const Strip strip = Strip::of(count, kFullPack<V>, M::kBlocks.sums);
    const char* const failed = M::start(
        StripSums<M, Products<M, V>>{{x, y}, strip, numbers(scratch, strip.grid.x)}, strip.grid, stream);
    return failed != nullptr ? failed : total(stream, finish, scratch, strip.grid.x, 1);
  }

  static const char* combine_backward(void* stream, const void* grad, const TermGradientCall* terms,
                                      int count, int64_t numbers, void* scratch) {
    if (count == 1) return term_gradients<1>(stream, grad, terms, numbers, scratch);
    if (count == 2) return term_gradients<2>(stream, grad, terms, numbers, scratch);
    if (count == 3) return term_gradients<3>(stream, grad, terms, numbers, scratch);
    return term_gradients<4>(stream, grad, terms, numbers, scratch);
  }

  static const char* normalise(void* stream, const uint8_t* pixels, const double* scale, const double* shift,
                               int channels, int64_t numbers, void* out) {
    const Strip strip = Strip::of(numbers, Normalise<M, V>::kPack, M::kBlocks.elements);
    Normalise<M, V> kernel{M::global(pixels, numbers), values(out, numbers), {}, {}, channels, strip};
    for (int c = 0; c < channels; ++c) {
      kernel.scale[c] = static_cast<A>(scale[c]);
      kernel.shift[c] = static_cast<A>(shift[c]);
    }
    return M::start(kernel, strip.grid, stream);
  }

  static const char* mix_images(void* stream, void* x, int64_t images, int64_t height, int64_t width,
                                int64_t channels, const double* numbers) {
    const int64_t pairs = images / 2;  // that in the middle stays as it is
    const int64_t each = height * width * channels;
    if (pairs == 0 || each == 0) return nullptr;
    return with_pack(each, [&](auto pack) {
      const Strip strip = Strip::of(pairs * each / pack(), 1, M::kBlocks.elements);
      return M::start(MixImages<M, V, pack()>{values(x, images * each), M::global(numbers, 5), images, height,
                                              width, channels, strip},
                      strip.grid, stream);
    });
  }

  static const char* dropout_mask(void* stream, const uint64_t* keys, int64_t images, int64_t each, double p,
                                  void* out) {
    const Strip strip = Strip::of(images * each, 1, M::kBlocks.elements);
    // value 2^-53 < 1 - p, in whole numbers
    const auto bound = static_cast<uint64_t>(std::ceil(std::ldexp(1 - p, 53)));
    return M::start(DropoutMask<M, V>{M::global(keys, images), values(out, images * each), each, bound,
                                      static_cast<A>(1 / (1 - p)), strip},
                    strip.grid, stream);
  }

  static const char* gaussian(void* stream, const uint64_t* keys, int64_t images, int64_t each,
                              double deviation, void* out) {
    const Strip strip = Strip::of(images * up(each, 2), 1, M::kBlocks.elements);
    return M::start(
        Gaussian<M, V>{M::global(keys, images), values(out, images * each), each, deviation, strip},
        strip.grid, stream);
  }

  static const char* sgd(void* stream, const UpdateCall& u, double dampening, bool nesterov, bool bare) {
    return update(stream, u, SgdRule<M, V>{dampening, nesterov, bare});
  }

  static const char* adam(void* stream, const UpdateCall& u, double beta2, double eps, bool moves) {
    return update(stream, u, AdamRule<M, V>{beta2, eps, moves});
  }

  static constexpr Launches table() {
    return {norm_scratch,     norm_statistics, norm_apply, norm_backward, combine,  dot_scratch, dot,
            combine_backward, normalise,       mix_images, dropout_mask,  gaussian, sgd,         adam};
  }

 private:
  static Global<const V> values(const void* data, int64_t count) {
    return M::global(static_cast<const V*>(data), count);
  }
  static Global<V> values(void* data, int64_t count) { return M::global(static_cast<V*>(data), count); }
  static Global<A> numbers(void* data, int64_t count) { return M::global(static_cast<A*>(data), count); }
  static Global<const A> constants(const void* data, int64_t count) {
    return M::global(static_cast<const A*>(data), count);
  }

  static Affine<M, V> affine(const NormCall& n, const void* mean, const void* deviation, bool by_variance) {
    return {constants(n.weight, n.channels),
            constants(n.bias, n.channels),
            constants(mean, n.channels),
            constants(deviation, n.channels),
            by_variance,
            n.relu,
            n.eps};
  }

  template <int kCount>
  struct Size {
    constexpr int operator()() const { return kCount; }
  };

  static Tiles sum_tiles(int64_t rows, int64_t channels, int pack) {
    return Tiles::of(rows, channels, pack, M::kBlocks.sums, 4);
  }

  // Whether the channels of a row are whole packs.
  static bool has_packs(int64_t channels) { return channels % kFullPack<V> == 0; }

  // Calls work with the numbers of a pack.
  template <typename Work>
  static const char* with_pack(int64_t channels, const Work& work) {
    return has_packs(channels) ? work(Size<kFullPack<V>>()) : work(Size<1>());
  }

  template <int kPack, typename Items, typename Finish>
  static const char* sum_columns(void* stream, const Items& items, int64_t rows, int64_t channels,
                                 void* scratch, const Finish& finish) {
    const Tiles t = sum_tiles(rows, channels, kPack);
    const char* const failed = M::start(
        ColumnSums<M, Items>{items, t, numbers(scratch, t.grid.y * Items::kSums * channels)}, t.grid, stream);
    return failed != nullptr ? failed : total(stream, finish, scratch, t.grid.y, channels);
  }

  template <typename Finish>
  static const char* total(void* stream, const Finish& finish, const void* parts, int64_t blocks,
                           int64_t channels) {
    using Kernel = Totals<M, Finish>;
    return M::start(Kernel{finish, constants(parts, blocks * Finish::kSums * channels), blocks, channels,
                           Kernel::across_of(channels)},
                    Kernel::grid_of(channels), stream);
  }

  template <typename Rule>
  static const char* update(void* stream, const UpdateCall& u, const Rule& rule) {
    const auto one = [](const auto* number) { return M::global(number, 1); };
    const Strip strip = Strip::of(u.numbers, kFullPack<V>, M::kBlocks.elements);
    return M::start(
        UpdateWeights<M, V, Rule>{{values(u.weights, u.numbers), values(u.gradient, u.numbers),
                                   values(u.momentum, u.numbers), values(u.second, u.numbers)},
                                  {one(u.count), one(u.lr), one(u.momentum_rate), one(u.decay), one(u.skip)},
                                  M::global(u.group_of, up(u.numbers, kPiece)),
                                  constants(u.scales, 2 * u.groups),
                                  rule,
                                  strip},
        strip.grid, stream);
  }

  template <int kTerms>
  static const char* combine_terms(void* stream, const TermCall* terms, void* out, int64_t numbers) {
    const Strip strip = Strip::of(numbers, kFullPack<V>, M::kBlocks.elements);
    Combine<M, V, kTerms> kernel{{}, {}, values(out, numbers), strip};
    for (int t = 0; t < kTerms; ++t) {
      const TermCall& term = terms[t];
      kernel.u[t] = values(term.u, numbers);
      kernel.factor[t] = {constants(term.tensor, most(1, term.channels)), static_cast<A>(term.number),
                          term.channels};
    }
    return M::start(kernel, strip.grid, stream);
  }

  template <int kTerms>
  static const char* term_gradients(void* stream, const void* grad, const TermGradientCall* terms,
                                    int64_t count, void* scratch) {
    TermGradients<M, V, kTerms> items{values(grad, count), {}, {}, {}};
    AddTotals<M, V, kTerms> finish{};
    bool sums = false;
    for (int t = 0; t < kTerms; ++t) {
      const TermGradientCall& call = terms[t];
      const int64_t channels = call.term.channels;
      items.u[t] = values(call.sum == nullptr ? nullptr : call.term.u, count);
      items.into[t] = values(call.into, count);
      items.factor[t] = {constants(call.term.tensor, most(1, channels)), static_cast<A>(call.term.number),
                         channels};
      finish.into[t] = numbers(call.sum, 1);
      sums = sums || call.sum != nullptr;
    }
    const Strip strip = Strip::of(count, kFullPack<V>, M::kBlocks.sums);
    const char* const failed = M::start(
        StripSums<M, TermGradients<M, V, kTerms>>{items, strip, numbers(scratch, strip.grid.x * kTerms)},
        strip.grid, stream);
    return failed != nullptr || !sums ? failed : total(stream, finish, scratch, strip.grid.x, 1);
  }
};

}  // namespace lm::cuda
