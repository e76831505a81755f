// Parts of an image at another size: no more of it is decoded than is needed, and no finer.
#include <cmath>

#include "data/transforms/window.h"

namespace lm {
namespace {

constexpr double kMostPixels = 1 << 28;

Filter filter_of(const Value& value) {
  static constexpr std::pair<std::string_view, Filter> kNames[] = {
      {"nearest", Filter::kNearest}, {"box", Filter::kBox},         {"bilinear", Filter::kBilinear},
      {"hamming", Filter::kHamming}, {"bicubic", Filter::kBicubic}, {"lanczos", Filter::kLanczos}};
  for (const auto& [name, filter] : kNames)
    if (value.text() == name) return filter;
  fail("ERR_CONFIG", "Unknown interpolation `", value.text(), "`");
}

// The largest of 1, 2, 4, 8 by which the region can be divided and still be at least so large.
int denominator_for(const Box& region, double width, double height) {
  int denominator = 8;
  while (denominator > 1 && (region.width() < width * denominator || region.height() < height * denominator))
    denominator /= 2;
  return denominator;
}

// Where `part` of the source lies in what was decoded of `region`, which came to lie at `found`.
Box within(const Box& part, const Box& region, const Box& found) {
  const double x = found.width() / region.width(), y = found.height() / region.height();
  return {found.left + (part.left - region.left) * x, found.top + (part.top - region.top) * y,
          found.left + (part.right - region.left) * x, found.top + (part.bottom - region.top) * y};
}

class RandomResizedCrop final : public DecodeOp {
 public:
  explicit RandomResizedCrop(const Value& spec)
      : size_(extent_of(spec["size"])),
        scale_(range_of(spec["scale"])),
        ratio_(range_of(spec["ratio"])),
        filter_(filter_of(spec["interpolation"])),
        scaled_(spec["scaledDecode"].boolean()) {}

  void apply(PixelSource& source, Rng& rng, TransformScratch& scratch) const override {
    const Box part = draw(source.width(), source.height(), rng);
    const int denominator = scaled_ ? denominator_for(part, size_.width, size_.height) : 1;
    const Box found = source.pixels(part, denominator, scratch.other);
    const Order order =
        order_of(static_cast<int>(part.width()), static_cast<int>(part.height()), size_.width, size_.height);
    resample(scratch.other, found, size_.width, size_.height, {filter_, Edge::kBox, order}, scratch.resample,
             scratch.image);
  }

 private:
  Box draw(int width, int height, Rng& rng) const {
    const double area = static_cast<double>(width) * height;
    const Range log_ratio{std::log(ratio_.low), std::log(ratio_.high)};
    for (int attempt = 0; attempt < 10; ++attempt) {
      const double part = area * scale_.draw(rng), aspect = std::exp(log_ratio.draw(rng));
      const double w = std::nearbyint(std::sqrt(part * aspect)), h = std::nearbyint(std::sqrt(part / aspect));
      if (w < 1 || h < 1 || w > width || h > height) continue;
      const int top = draw_below(rng, height - static_cast<int>(h) + 1);
      const int left = draw_below(rng, width - static_cast<int>(w) + 1);
      return {left * 1.0, top * 1.0, left + w, top + h};
    }
    return central(width, height);
  }

  // The largest part in the middle with an allowed ratio.
  Box central(int width, int height) const {
    const double aspect = static_cast<double>(width) / height;
    double w = width, h = height;
    if (aspect < ratio_.low) h = std::clamp(std::nearbyint(w / ratio_.low), 1.0, h);
    if (aspect > ratio_.high) w = std::clamp(std::nearbyint(h * ratio_.high), 1.0, w);
    const double left = std::floor((width - w) / 2), top = std::floor((height - h) / 2);
    return {left, top, left + w, top + h};
  }

  Extent size_;
  Range scale_, ratio_;
  Filter filter_;
  bool scaled_;
};

// A resize, and which part of the result is wanted.
class Resize final : public DecodeOp {
 public:
  Resize(const Value& spec, const Value* crop)
      : pair_(is_pair(spec["size"])),
        covers_(spec.find("fit") != nullptr),
        size_(extent_of(spec["size"])),
        cropped_(crop != nullptr),
        crop_(cropped_ ? extent_of((*crop)["size"]) : Extent{0, 0}),
        filter_(filter_of(spec["interpolation"])),
        scaled_(spec["scaledDecode"].boolean()) {}

  void apply(PixelSource& source, Rng&, TransformScratch& scratch) const override {
    const Extent full = resized(source.width(), source.height());
    const Window window = cropped_ ? middle(full, crop_) : Window{0, 0, full};
    const Box part = shown(window, full);
    resample_part(source, full, part, scratch);
    if (part.width() == window.size.width && part.height() == window.size.height) return;
    std::swap(scratch.image, scratch.other);
    show(scratch.other, {0, 0, part.width(), part.height()}, part, window, scratch.image);
  }

 private:
  // Size of the whole image afterwards.
  Extent resized(int width, int height) const {
    if (pair_ && !covers_) return size_;
    // One side is met, of a single number the shorter one; the other is in proportion, rounded down.
    const double low_h = size_.height, low_w = size_.width;
    const bool meets_width = width * low_h <= height * low_w;
    const double h = meets_width ? std::floor(low_w * height / width) : low_h;
    const double w = meets_width ? low_w : std::floor(low_h * width / height);
    if (std::max(w, h) > kMostPixels || (!cropped_ && w * h > kMostPixels))
      throw ImageError("it is too long and narrow to be resized");
    return {static_cast<int>(h), static_cast<int>(w)};
  }

  // `part` of the resized image into scratch.image, with what of the source the filter needs around it.
  void resample_part(PixelSource& source, const Extent& full, const Box& part,
                     TransformScratch& scratch) const {
    const Box all = whole(source);
    const double x = all.right / full.width, y = all.bottom / full.height;
    const Box box{part.left * x, part.top * y, part.right * x, part.bottom * y};
    const int denominator = scaled_ ? denominator_for(all, full.width, full.height) : 1;
    const double reach = std::max(1.0, reach_of(filter_));
    const double around_x = reach * std::max(x, 1.0 * denominator) + denominator;
    const double around_y = reach * std::max(y, 1.0 * denominator) + denominator;
    const Box region{std::max(0.0, std::floor(box.left - around_x)),
                     std::max(0.0, std::floor(box.top - around_y)),
                     std::min(all.right, std::ceil(box.right + around_x)),
                     std::min(all.bottom, std::ceil(box.bottom + around_y))};
    const Order order = order_of(source.width(), source.height(), full.width, full.height);
    const Box found = source.pixels(region, denominator, scratch.other);
    resample(scratch.other, within(box, region, found), static_cast<int>(part.width()),
             static_cast<int>(part.height()), {filter_, Edge::kImage, order}, scratch.resample,
             scratch.image);
  }

  bool pair_, covers_;
  Extent size_;
  bool cropped_;
  Extent crop_;
  Filter filter_;
  bool scaled_;
};

}  // namespace

std::unique_ptr<DecodeOp> make_resize_crop(const Value& resize, const Value& crop) {
  return std::make_unique<Resize>(resize, &crop);
}

std::span<const DecodeRow> resize_rows() {
  static constexpr DecodeRow rows[] = {
      {"randomResizedCrop",
       [](const Value& spec) -> std::unique_ptr<DecodeOp> {
         return std::make_unique<RandomResizedCrop>(spec);
       }},
      {"resize",
       [](const Value& spec) -> std::unique_ptr<DecodeOp> {
         return std::make_unique<Resize>(spec, nullptr);
       }},
  };
  return rows;
}

}  // namespace lm
