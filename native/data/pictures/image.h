// A decoded image, and what may be wrong with an encoded one.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

namespace lm {

// 8 bits a channel, four bytes a pixel: red, green, blue, and one that means nothing. Rows follow each other
// without a gap. Gray images have three equal channels. The memory is kept when the image shrinks.
class Image {
 public:
  int width() const { return width_; }
  int height() const { return height_; }
  uint8_t* row(int y) { return pixels_.get() + static_cast<size_t>(y) * static_cast<size_t>(width_) * 4; }
  const uint8_t* row(int y) const { return const_cast<Image*>(this)->row(y); }
  size_t bytes() const { return static_cast<size_t>(width_) * static_cast<size_t>(height_) * 4; }

  // Contents are undefined afterwards. A few bytes behind the last pixel may be read and written.
  void resize(int width, int height) {
    width_ = width;
    height_ = height;
    if (bytes() <= capacity_) return;
    capacity_ = bytes();
    pixels_.reset(new uint8_t[capacity_ + kSlack]);
  }

 private:
  static constexpr size_t kSlack = 64;
  int width_ = 0, height_ = 0;
  size_t capacity_ = 0;
  std::unique_ptr<uint8_t[]> pixels_;
};

// A part of an image in pixels; may lie between them.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

// An image that cannot be used: broken, cut off, of an unknown format, too large. The text says why, without
// the file's name.
struct ImageError : std::exception {
  explicit ImageError(std::string reason) : reason(std::move(reason)) {}
  const char* what() const noexcept override { return reason.c_str(); }

  std::string reason;
};

}  // namespace lm
