#include "data/codecs/bmp.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "data/codecs/c_errors.h"

namespace lm {
namespace {

constexpr size_t kFileHeader = 14, kCoreHeader = 12, kInfoHeader = 40;
constexpr uint32_t kPlain = 0, kRle8 = 1, kRle4 = 2, kFields = 3, kAlphaFields = 6;
constexpr int kLargestSide = 1'000'000;

uint32_t little_endian(std::span<const uint8_t> bytes, size_t at, int count) {
  if (at + static_cast<size_t>(count) > bytes.size()) throw ImageError(kCutOff);
  uint32_t number = 0;
  for (int i = count; i-- > 0;) number = number << 8 | bytes[at + static_cast<size_t>(i)];
  return number;
}

[[noreturn]] void refuse(int bits, uint32_t packing) {
  throw ImageError("Not supported: BMP of " + std::to_string(bits) + " bits with compression " +
                   std::to_string(packing));
}

}  // namespace

ImageInfo BmpDecoder::open(std::span<const uint8_t> bytes) {
  bytes_ = bytes;
  const size_t header = little_endian(bytes, kFileHeader, 4);
  const bool core = header == kCoreHeader;
  if (!core && header < kInfoHeader)
    throw ImageError("Not supported: BMP with a header of " + std::to_string(header) + " bytes");
  const auto side = [&](size_t at) -> int64_t {
    if (core) return little_endian(bytes, at, 2);
    return static_cast<int32_t>(little_endian(bytes, at, 4));
  };
  const int64_t width = side(18), height = side(core ? 20 : 22);
  bits_ = static_cast<int>(little_endian(bytes, core ? 24 : 28, 2));
  const uint32_t packing = core ? kPlain : little_endian(bytes, 30, 4);
  top_down_ = height < 0;
  if (width < 1 || height == 0 || width > kLargestSide || std::abs(height) > kLargestSide)
    throw ImageError("A size of " + std::to_string(width) + " x " + std::to_string(height) + " pixels");
  width_ = static_cast<int>(width);
  height_ = static_cast<int>(std::abs(height));
  start_ = little_endian(bytes, 10, 4);
  stride_ = (static_cast<size_t>(width_) * static_cast<size_t>(bits_) + 31) / 32 * 4;

  const bool fields = packing == kFields || packing == kAlphaFields;
  const bool indexed = bits_ == 1 || bits_ == 4 || bits_ == 8,
             wide = bits_ == 16 || bits_ == 24 || bits_ == 32;
  packing_ = Packing::kNone;
  if (packing == kRle8 && bits_ == 8)
    packing_ = Packing::kRuns8;
  else if (packing == kRle4 && bits_ == 4)
    packing_ = Packing::kRuns4;
  else if (!(packing == kPlain && (indexed || wide)) && !(fields && wide))
    refuse(bits_, packing);

  if (wide) {
    read_masks(fields);
  } else {
    const size_t named = core ? 0 : little_endian(bytes, 46, 4), all = size_t{1} << bits_;
    read_palette(kFileHeader + header, core ? 3 : 4, named == 0 ? all : std::min(named, all));
  }
  if (packing_ == Packing::kNone &&
      (start_ > bytes.size() || (bytes.size() - start_) / stride_ < static_cast<size_t>(height_)))
    throw ImageError(kCutOff);
  return {width_, height_};
}

// Which bits of a pixel are red, green and blue.
void BmpDecoder::read_masks(bool fields) {
  constexpr size_t kFirst = kFileHeader + kInfoHeader;
  if (bits_ == 16)
    masks_ = {0x7C00, 0x03E0, 0x001F};
  else
    masks_ = {0xFF0000, 0xFF00, 0xFF};
  if (!fields) return;
  std::array<uint32_t, 3> named{};
  for (size_t i = 0; i < 3; ++i) named[i] = little_endian(bytes_, kFirst + 4 * i, 4);
  if (named != std::array<uint32_t, 3>{}) masks_ = named;
}

void BmpDecoder::read_palette(size_t at, size_t entry_bytes, size_t count) {
  palette_ = {};
  if (at + count * entry_bytes > bytes_.size()) throw ImageError(kCutOff);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* entry = &bytes_[at + i * entry_bytes];
    palette_[i] = {entry[2], entry[1], entry[0], 0};
  }
}

Box BmpDecoder::decode(const Box& region, Image& out) {
  const int top = std::clamp(static_cast<int>(region.top), 0, height_ - 1);
  const int bottom = std::clamp(static_cast<int>(std::ceil(region.bottom)), top + 1, height_);
  out.resize(width_, bottom - top);
  if (packing_ != Packing::kNone) unpack_runs(top, out);
  for (int y = top; y < bottom && packing_ == Packing::kNone; ++y) {
    const auto stored = static_cast<size_t>(top_down_ ? y : height_ - 1 - y);
    unpack_row(&bytes_[start_ + stored * stride_], out.row(y - top));
  }
  return {region.left, region.top - top, region.right, region.bottom - top};
}

void BmpDecoder::unpack_row(const uint8_t* from, uint8_t* to) const {
  if (bits_ <= 8) return unpack_indices(from, bits_, to);
  const auto bytes = static_cast<size_t>(bits_ / 8);
  for (int x = 0; x < width_; ++x, from += bytes, to += 4) {
    uint32_t pixel = 0;
    for (size_t i = bytes; i-- > 0;) pixel = pixel << 8 | from[i];
    for (size_t c = 0; c < 3; ++c) {
      const uint32_t mask = masks_[c];
      const int shift = mask == 0 ? 0 : std::countr_zero(mask);
      const uint64_t full = mask >> shift;
      to[c] = full == 0 ? uint8_t{0} : static_cast<uint8_t>(((pixel & mask) >> shift) * uint64_t{255} / full);
    }
    to[3] = 0;
  }
}

void BmpDecoder::unpack_indices(const uint8_t* from, int bits, uint8_t* to) const {
  const int per_byte = 8 / bits;
  const auto mask = static_cast<unsigned>((1 << bits) - 1);
  for (int x = 0; x < width_; ++x, to += 4) {
    const unsigned byte = from[x / per_byte];
    const unsigned index = byte >> (8 - bits * (x % per_byte + 1)) & mask;
    std::memcpy(to, palette_[index].data(), 4);
  }
}

// Pairs of a count and a value; after a count of 0 the end of a row, the end of all, a move, or so many
// values. What is left out has index 0. `top`: the first row that is shown in `out`.
void BmpDecoder::unpack_runs(int top, Image& out) const {
  const auto width = static_cast<size_t>(width_), height = static_cast<size_t>(height_);
  for (size_t at = 0; at < out.bytes(); at += 4) std::memcpy(out.row(0) + at, palette_[0].data(), 4);
  const bool eight = packing_ == Packing::kRuns8;
  const auto byte = [&](size_t at) { return little_endian(bytes_, at, 1); };
  size_t x = 0, y = 0;
  const auto put = [&](uint32_t value, size_t i) {
    if (x >= width) return;
    const int row = (top_down_ ? static_cast<int>(y) : height_ - 1 - static_cast<int>(y)) - top;
    const uint32_t index = eight ? value : i % 2 == 0 ? value >> 4 : value & 15;
    if (row >= 0 && row < out.height()) std::memcpy(out.row(row) + 4 * x, palette_[index].data(), 4);
    ++x;
  };
  for (size_t at = start_; y < height;) {
    const uint32_t count = byte(at), value = byte(at + 1);
    at += 2;
    if (count > 0) {
      for (size_t i = 0; i < count; ++i) put(value, i);
    } else if (value == 0) {
      x = 0;
      ++y;
    } else if (value == 1) {
      return;
    } else if (value == 2) {
      x += byte(at);
      y += byte(at + 1);
      at += 2;
    } else {
      const size_t stored = eight ? value : (value + 1) / 2;
      for (size_t i = 0; i < value; ++i) put(byte(at + (eight ? i : i / 2)), i);
      at += (stored + 1) / 2 * 2;
    }
  }
}

}  // namespace lm
