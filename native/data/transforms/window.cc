#include "data/transforms/window.h"

#include <cmath>
#include <cstring>

namespace lm {
namespace {

constexpr int64_t kLargest = 1 << 14;

// As torchvision: rounds half to even; what a border lacks is missing at its beginning.
int middle_of(int size, int part) {
  return part > size ? -((part - size) / 2) : static_cast<int>(std::nearbyint((size - part) / 2.0));
}

}  // namespace

int pixels_of(const Value& value) {
  const int64_t pixels = value.integer();
  LM_CHECK(std::abs(pixels) < kLargest, "ERR_CONFIG", "Expected less than ", kLargest,
           " pixels but received ", pixels);
  return static_cast<int>(pixels);
}

int side_of(const Value& value) {
  const int side = pixels_of(value);
  LM_CHECK(side >= 1, "ERR_CONFIG", "Expected a size in pixels but received ", side);
  return side;
}

bool is_pair(const Value& size) { return std::holds_alternative<Value::List>(size.data); }

Extent extent_of(const Value& size) {
  if (!is_pair(size)) return {side_of(size), side_of(size)};
  const Value::List& sides = size.list();
  LM_CHECK(sides.size() == 2, "ERR_CONFIG", "Expected a size [height, width]");
  return {side_of(sides[0]), side_of(sides[1])};
}

Box whole(const PixelSource& source) {
  return {0, 0, static_cast<double>(source.width()), static_cast<double>(source.height())};
}

Window middle(const Extent& image, const Extent& size) {
  return {middle_of(image.height, size.height), middle_of(image.width, size.width), size};
}

Box shown(const Window& window, const Extent& image) {
  const int left = std::clamp(window.left, 0, image.width), top = std::clamp(window.top, 0, image.height);
  return {left * 1.0, top * 1.0, std::clamp(window.left + window.size.width, left, image.width) * 1.0,
          std::clamp(window.top + window.size.height, top, image.height) * 1.0};
}

void show(const Image& from, const Box& found, const Box& part, const Window& window, Image& to) {
  to.resize(window.size.width, window.size.height);
  if (part.width() < to.width() || part.height() < to.height()) std::memset(to.row(0), 0, to.bytes());
  const auto left = static_cast<ptrdiff_t>(part.left) - window.left,
             top = static_cast<ptrdiff_t>(part.top) - window.top;
  for (int y = 0; y < static_cast<int>(part.height()); ++y)
    std::memcpy(to.row(static_cast<int>(top) + y) + left * 4,
                from.row(static_cast<int>(found.top) + y) + static_cast<ptrdiff_t>(found.left) * 4,
                static_cast<size_t>(part.width()) * 4);
}

}  // namespace lm
