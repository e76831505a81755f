#include "data/codecs/netpbm.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "data/codecs/c_errors.h"

namespace lm {
namespace {

constexpr int kLongest = 9;  // digits of a number
constexpr uint32_t kLargestSide = 1'000'000;

bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

}  // namespace

ImageInfo NetpbmDecoder::open(std::span<const uint8_t> bytes, bool as_pillow) {
  bytes_ = bytes;
  as_pillow_ = as_pillow;
  kind_ = bytes[1];
  if (kind_ > '6') throw ImageError("Not supported: Netpbm other than P1 to P6");
  size_t at = 2;
  const uint32_t width = number(at, kLongest), height = number(at, kLongest);
  highest_ = is_bits() ? 1 : number(at, kLongest);
  if (width < 1 || height < 1 || width > kLargestSide || height > kLargestSide)
    throw ImageError("A size of " + std::to_string(width) + " x " + std::to_string(height) + " pixels");
  if (highest_ < 1 || highest_ > 65535)
    throw ImageError("Broken Netpbm data: levels up to " + std::to_string(highest_));
  width_ = static_cast<int>(width);
  height_ = static_cast<int>(height);
  start_ = is_text() ? at : at + 1;
  if (start_ > bytes.size() || (bytes.size() - start_) / row_bytes() < height) throw ImageError(kCutOff);
  return {width_, height_};
}

// Of text at least so many.
size_t NetpbmDecoder::row_bytes() const {
  const auto width = static_cast<size_t>(width_);
  if (is_text()) return is_bits() ? width : width * static_cast<size_t>(channels());
  if (is_bits()) return (width + 7) / 8;
  return width * static_cast<size_t>(channels()) * (highest_ > 255 ? 2 : 1);
}

uint32_t NetpbmDecoder::number(size_t& at, int digits) const {
  for (; at < bytes_.size() && (is_space(bytes_[at]) || bytes_[at] == '#'); ++at)
    if (bytes_[at] == '#')
      while (at < bytes_.size() && bytes_[at] != '\n' && bytes_[at] != '\r') ++at;
  uint32_t found = 0;
  int read = 0;
  for (; at < bytes_.size() && bytes_[at] >= '0' && bytes_[at] <= '9' && read < digits; ++at, ++read)
    found = found * 10 + (bytes_[at] - '0');
  if (read > 0) return found;
  throw ImageError(at < bytes_.size() ? "Broken Netpbm data: no number where one must be" : kCutOff);
}

Box NetpbmDecoder::decode(const Box& region, Image& out) {
  const int wanted = std::clamp(static_cast<int>(region.top), 0, height_ - 1);
  const int bottom = std::clamp(static_cast<int>(std::ceil(region.bottom)), wanted + 1, height_);
  const int top = is_text() ? 0 : wanted;  // there a row begins where the one before it ends
  out.resize(width_, bottom - top);
  size_t at = start_;
  for (int y = top; y < bottom; ++y) {
    uint8_t* to = out.row(y - top);
    for (int x = 0; x < width_; ++x, to += 4) {
      for (int c = 0; c < channels(); ++c) to[c] = light(level_at(x, y, c, at));
      if (channels() == 1) to[1] = to[2] = to[0];
      to[3] = 0;
    }
  }
  return {region.left, region.top - top, region.right, region.bottom - top};
}

uint32_t NetpbmDecoder::level_at(int x, int y, int channel, size_t& at) const {
  if (is_text()) {
    const uint32_t level = number(at, is_bits() ? 1 : kLongest);
    if (level > highest_) throw ImageError("Broken Netpbm data: a level above the highest");
    return level;
  }
  const uint8_t* row = &bytes_[start_ + static_cast<size_t>(y) * row_bytes()];
  if (is_bits()) return static_cast<uint32_t>(row[x / 8] >> (7 - x % 8)) & 1;
  const auto place = static_cast<size_t>(x * channels() + channel);
  if (highest_ <= 255) return row[place];
  return static_cast<uint32_t>(row[2 * place]) << 8 | row[2 * place + 1];
}

// The highest level is white, of bits it is black.
uint8_t NetpbmDecoder::light(uint32_t level) const {
  if (is_bits()) return level == 0 ? 255 : 0;
  const auto scaled = [&](double white) {
    return std::min(white, std::nearbyint(level / static_cast<double>(highest_) * white));
  };
  if (highest_ <= 255 || (as_pillow_ && channels() == 3)) return static_cast<uint8_t>(scaled(255));
  const auto wide = static_cast<uint32_t>(scaled(65535));
  return static_cast<uint8_t>(as_pillow_ ? std::min<uint32_t>(wide, 255) : wide >> 8);
}

}  // namespace lm
