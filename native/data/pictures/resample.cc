#include "data/pictures/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>

#include "data/pictures/resample_rows.h"

namespace lm {
namespace {

// One direction: outputs are laid over [from, to) of the input, of which pixels [first, last) are seen. All
// are counted from `origin`, so that a part is resized to the bit as if it had been cut out.
struct Stretch {
  int origin;
  double from, to;
  int out;
  int first, last;

  double scale() const { return (to - from) / out; }
  bool is_copy() const { return to - from == out && from == std::floor(from); }
};

Stretch stretch(double from, double to, int out, int size, Edge edge) {
  if (edge == Edge::kImage) return {0, from, to, out, 0, size};
  const int origin = std::max(0, static_cast<int>(std::floor(from)));
  const int last = std::min(size, static_cast<int>(std::ceil(to)));
  return {origin, from - origin, to - origin, out, 0, last - origin};
}

double box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

double hamming(double x) {
  x = std::abs(x);
  if (x == 0) return 1;
  if (x >= 1) return 0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54f + 0.46f * std::cos(x));
}

double cubic(double x) {  // Keys 1981, a = -1/2
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

// One row a filter, in the order of the enumeration.
struct Kernel {
  double reach;
  double (*weight)(double distance);
};

constexpr Kernel kKernels[] = {{0, nullptr}, {0.5, box}, {1, triangle},
                               {1, hamming}, {2, cubic}, {3, lanczos}};

const Kernel& kernel_of(Filter filter) { return kKernels[static_cast<size_t>(filter)]; }

// First pixel under the filter around `centre`, and the one behind the last.
struct Support {
  int begin, end;
};

// Never empty: the pixel that holds the centre is seen and weighs most.
Support support_of(const Stretch& s, double centre, double radius) {
  return {std::max(s.first, static_cast<int>(centre - radius + 0.5)),
          std::min(s.last, static_cast<int>(centre + radius + 0.5))};
}

void normalise(double* weights, int count) {
  const double sum = std::accumulate(weights, weights + count, 0.0);
  std::transform(weights, weights + count, weights, [sum](double w) { return w / sum; });
}

void round_weights(const std::vector<double>& exact, Taps& taps) {
  taps.high.resize(exact.size());
  taps.low.resize(exact.size());
  for (size_t i = 0; i < exact.size(); ++i) {
    const long weight = std::lround(exact[i] * (1 << kWeightBits));
    taps.high[i] = static_cast<int16_t>(weight >> kLowBits);
    taps.low[i] = static_cast<int16_t>(weight & ((1 << kLowBits) - 1));
  }
}

// `multiple`: of the number of taps; `size`: pixels in the input.
void make_taps(const Stretch& s, Filter filter, int multiple, int size, std::vector<double>& exact,
               Taps& taps) {
  const double widening = std::max(1.0, s.scale());
  const Kernel& kernel = kernel_of(filter);
  const double radius = kernel.reach * widening;
  const auto centre = [&](int i) { return s.from + (i + 0.5) * s.scale(); };
  const size_t out = static_cast<size_t>(s.out);
  int most = 1;
  for (int i = 0; i < s.out; ++i) {
    const Support under = support_of(s, centre(i), radius);
    most = std::max(most, under.end - under.begin);
  }
  taps.count = (most + multiple - 1) / multiple * multiple;
  const size_t count = static_cast<size_t>(taps.count);
  exact.assign(out * count, 0);
  taps.starts.resize(out);
  for (int i = 0; i < s.out; ++i) {
    const Support under = support_of(s, centre(i), radius);
    // Moved left where the taps would reach beyond the row; those before the support weigh nothing.
    const int begin = s.origin + under.begin, start = std::max(0, std::min(begin, size - taps.count));
    double* weights = &exact[static_cast<size_t>(i) * count] + (begin - start);
    for (int x = under.begin; x < under.end; ++x)
      weights[x - under.begin] = kernel.weight((x - centre(i) + 0.5) * (1 / widening));
    normalise(weights, under.end - under.begin);
    taps.starts[static_cast<size_t>(i)] = start;
  }
  round_weights(exact, taps);
}

// Rows as seen from pixel (left, top).
PixelRows rows_of(const Image& image, double left, double top) {
  const auto stride = static_cast<ptrdiff_t>(image.width()) * 4;
  return {image.row(0) + static_cast<ptrdiff_t>(left) * 4 + static_cast<ptrdiff_t>(top) * stride, stride};
}

void copy(PixelRows from, Image& to) {
  for (int y = 0; y < to.height(); ++y) std::memcpy(to.row(y), from[y], static_cast<size_t>(to.width()) * 4);
}

// The pixels that taps read, one direction.
struct Reach {
  int first, count;
};

Reach reach_of(const Taps& taps) {
  const int first = taps.starts.front();
  return {first, taps.starts.back() + taps.count - first};
}

void nearest(const Image& in, const Box& box, std::vector<int32_t>& columns, Image& out) {
  const double step_x = box.width() / out.width(), step_y = box.height() / out.height();
  columns.resize(static_cast<size_t>(out.width()));
  double x = box.left + step_x * 0.5, y = box.top + step_y * 0.5;  // summed up, as in Pillow
  for (int32_t& column : columns) {
    column = std::clamp(static_cast<int>(x), 0, in.width() - 1);
    x += step_x;
  }
  for (int i = 0; i < out.height(); ++i, y += step_y) {
    const uint8_t* from = in.row(std::clamp(static_cast<int>(y), 0, in.height() - 1));
    uint8_t* to = out.row(i);
    for (const int32_t column : columns) {
      std::memcpy(to, from + static_cast<size_t>(column) * 4, 4);
      to += 4;
    }
  }
}

}  // namespace

double reach_of(Filter filter) { return kernel_of(filter).reach; }

void resample(const Image& in, const Box& box, int width, int height, const Resampling& how,
              ResampleScratch& scratch, Image& out) {
  out.resize(width, height);
  if (how.filter == Filter::kNearest) return nearest(in, box, scratch.across.starts, out);
  const Stretch across = stretch(box.left, box.right, width, in.width(), how.edge);
  const Stretch down = stretch(box.top, box.bottom, height, in.height(), how.edge);
  if (!across.is_copy())
    make_taps(across, how.filter, kColumnsAtOnce, in.width(), scratch.exact, scratch.across);
  if (!down.is_copy()) make_taps(down, how.filter, 1, in.height(), scratch.exact, scratch.down);
  const PixelRows corner = rows_of(in, box.left, box.top);
  if (across.is_copy() && down.is_copy()) return copy(corner, out);
  if (across.is_copy()) return resample_down(rows_of(in, box.left, 0), width, scratch.down, out.row(0));
  if (down.is_copy()) return resample_across(rows_of(in, 0, box.top), height, scratch.across, out.row(0));
  // Only what the second pass reads.
  Image& middle = scratch.middle;
  if (how.order == Order::kAcross) {
    const Reach rows = reach_of(scratch.down);
    middle.resize(width, rows.count);
    resample_across(rows_of(in, 0, rows.first), rows.count, scratch.across, middle.row(0));
    return resample_down(rows_of(middle, 0, -rows.first), width, scratch.down, out.row(0));
  }
  const Reach columns = reach_of(scratch.across);
  middle.resize(columns.count, height);
  resample_down(rows_of(in, columns.first, 0), columns.count, scratch.down, middle.row(0));
  resample_across(rows_of(middle, -columns.first, 0), height, scratch.across, out.row(0));
}

}  // namespace lm
