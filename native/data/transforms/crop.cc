// Parts of an image, pixel for pixel.
#include <cstring>

#include "data/transforms/window.h"

namespace lm {
namespace {

// `window` of the source; 0 beyond it.
void cut(PixelSource& source, const Window& window, TransformScratch& scratch) {
  const Box part = shown(window, {source.height(), source.width()});
  const bool any = part.width() > 0 && part.height() > 0;
  const Box found = any ? source.pixels(part, 1, scratch.other) : Box{};
  show(scratch.other, found, any ? part : Box{}, window, scratch.image);
}

// Index into 0 .. size - 1, mirrored at the first and the last.
int mirrored(int i, int size) {
  if (size == 1) return 0;
  const int period = 2 * (size - 1), at = ((i % period) + period) % period;
  return std::min(at, period - at);
}

void cut_mirrored(PixelSource& source, const Window& window, TransformScratch& scratch) {
  const Box found = source.pixels(whole(source), 1, scratch.other);
  const int width = source.width(), height = source.height();
  scratch.image.resize(window.size.width, window.size.height);
  for (int y = 0; y < window.size.height; ++y) {
    const uint8_t* from = scratch.other.row(static_cast<int>(found.top) + mirrored(window.top + y, height)) +
                          static_cast<size_t>(found.left) * 4;
    uint8_t* to = scratch.image.row(y);
    for (int x = 0; x < window.size.width; ++x)
      std::memcpy(to + 4 * x, from + 4 * mirrored(window.left + x, width), 4);
  }
}

class CenterCrop final : public DecodeOp {
 public:
  explicit CenterCrop(const Value& spec) : size_(extent_of(spec["size"])) {}
  void apply(PixelSource& source, Rng&, TransformScratch& scratch) const override {
    cut(source, middle({source.height(), source.width()}, size_), scratch);
  }

 private:
  Extent size_;
};

class Crop final : public DecodeOp {
 public:
  explicit Crop(const Value& spec)
      : window_{pixels_of(spec["top"]),
                pixels_of(spec["left"]),
                {side_of(spec["height"]), side_of(spec["width"])}} {}
  void apply(PixelSource& source, Rng&, TransformScratch& scratch) const override {
    cut(source, window_, scratch);
  }

 private:
  Window window_;
};

class CornerCrop final : public DecodeOp {
 public:
  explicit CornerCrop(const Value& spec) : size_(extent_of(spec["size"])) {
    const std::string& corner = spec["corner"].text();
    at_bottom_ = corner == "bottomLeft" || corner == "bottomRight";
    at_right_ = corner == "topRight" || corner == "bottomRight";
    LM_CHECK(at_bottom_ || at_right_ || corner == "topLeft", "ERR_CONFIG", "Unknown corner \"", corner, "\"");
  }
  void apply(PixelSource& source, Rng&, TransformScratch& scratch) const override {
    const int top = at_bottom_ ? source.height() - size_.height : 0;
    const int left = at_right_ ? source.width() - size_.width : 0;
    cut(source, {top, left, size_}, scratch);
  }

 private:
  Extent size_;
  bool at_bottom_ = false, at_right_ = false;
};

class RandomCrop final : public DecodeOp {
 public:
  explicit RandomCrop(const Value& spec)
      : size_(extent_of(spec["size"])),
        padding_(pixels_of(spec["padding"])),
        mirrored_(spec["mode"].text() == "reflect") {}

  void apply(PixelSource& source, Rng& rng, TransformScratch& scratch) const override {
    const int rows = source.height() + 2 * padding_ - size_.height;
    const int columns = source.width() + 2 * padding_ - size_.width;
    if (rows < 0 || columns < 0) throw ImageError("it is smaller than the random crop");
    const int top = draw_below(rng, rows + 1) - padding_;
    const Window window{top, draw_below(rng, columns + 1) - padding_, size_};
    if (mirrored_) return cut_mirrored(source, window, scratch);
    cut(source, window, scratch);
  }

 private:
  Extent size_;
  int padding_;
  bool mirrored_;
};

template <typename Op>
std::unique_ptr<DecodeOp> make(const Value& spec) {
  return std::make_unique<Op>(spec);
}

}  // namespace

std::span<const DecodeRow> crop_rows() {
  static constexpr DecodeRow rows[] = {
      {"centerCrop", make<CenterCrop>},
      {"cornerCrop", make<CornerCrop>},
      {"crop", make<Crop>},
      {"randomCrop", make<RandomCrop>},
  };
  return rows;
}

}  // namespace lm
