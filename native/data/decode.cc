#include "data/decode.h"

#include <algorithm>
#include <array>

#include "data/jpeg.h"
#include "data/png.h"

namespace lm {

namespace {

constexpr std::array<uint8_t, 3> kJpegStart{0xFF, 0xD8, 0xFF};
constexpr std::array<uint8_t, 8> kPngStart{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

bool starts_with(std::span<const uint8_t> bytes, std::span<const uint8_t> start) {
  return bytes.size() >= start.size() && std::equal(start.begin(), start.end(), bytes.begin());
}

}  // namespace

struct Decoder::State {
  Format format = Format::kJpeg;
  JpegDecoder jpeg;
  PngDecoder png;

  ImageInfo open(std::span<const uint8_t> bytes, std::span<const uint32_t> rows) {
    if (bytes.empty()) throw ImageError("The file is empty");
    if (starts_with(bytes, kJpegStart)) return jpeg.open(bytes, rows);
    if (starts_with(bytes, kPngStart)) return png.open(bytes);
    throw ImageError("Neither a JPEG nor a PNG file");
  }
};

Decoder::Decoder() : state_(std::make_unique<State>()) {}
Decoder::~Decoder() = default;

ImageInfo Decoder::open(std::span<const uint8_t> bytes, int64_t max_pixels, std::span<const uint32_t> rows) {
  const ImageInfo info = state_->open(bytes, rows);
  if (int64_t{info.width} * info.height > max_pixels)
    throw ImageError("Too large: " + std::to_string(info.width) + " x " + std::to_string(info.height) +
                     " pixels, where at most " + std::to_string(max_pixels) + " are allowed");
  state_->format = info.format;
  return info;
}

Box Decoder::decode(const Box& region, int max_denominator, Image& out) {
  if (state_->format == Format::kPng) return state_->png.decode(region, out);
  return state_->jpeg.decode(region, max_denominator, out);
}

}  // namespace lm
