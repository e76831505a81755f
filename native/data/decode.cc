#include "data/decode.h"

#include "data/formats.h"
#include "data/jpeg.h"
#include "data/orientation.h"
#include "data/png.h"

namespace lm {

struct Decoder::State {
  bool is_jpeg = true;
  ImageInfo stored{};
  Orientation orientation;
  JpegDecoder jpeg;
  PngDecoder png;
  Image turned;  // before it is

  void open(std::span<const uint8_t> bytes, const Decoding& how, std::span<const uint32_t> rows) {
    const std::string_view format = format_of(bytes.first(std::min(bytes.size(), kHeadBytes)));
    if (bytes.empty()) throw ImageError("The file is empty");
    if (format != kJpeg && format != kPng)
      throw ImageError("Neither a JPEG nor a PNG file" +
                       (format.empty() ? "" : ", but " + std::string(format)));
    is_jpeg = format == kJpeg;
    stored = is_jpeg ? jpeg.open(bytes, rows) : png.open(bytes, how.clips_gray);
    orientation = {};
    if (how.exif)
      orientation = orientation_of_tag(is_jpeg ? jpeg_orientation_tag(bytes) : png_orientation_tag(bytes));
  }

  Box decode(const Box& region, int max_denominator, Image& out) {
    return is_jpeg ? jpeg.decode(region, max_denominator, out) : png.decode(region, out);
  }
};

Decoder::Decoder() : state_(std::make_unique<State>()) {}
Decoder::~Decoder() = default;

ImageInfo Decoder::open(std::span<const uint8_t> bytes, const Decoding& how, std::span<const uint32_t> rows) {
  state_->open(bytes, how, rows);
  const auto [width, height] = state_->stored;
  if (int64_t{width} * height > how.max_pixels)
    throw ImageError("Too large: " + std::to_string(width) + " x " + std::to_string(height) +
                     " pixels, where at most " + std::to_string(how.max_pixels) + " are allowed");
  return state_->orientation.transposed ? ImageInfo{height, width} : state_->stored;
}

Box Decoder::decode(const Box& region, int max_denominator, Image& out) {
  State& state = *state_;
  const Orientation& orientation = state.orientation;
  if (orientation.is_upright()) return state.decode(region, max_denominator, out);
  const auto [width, height] = state.stored;
  const Box found =
      state.decode(stored_part(region, orientation, width, height), max_denominator, state.turned);
  turn(state.turned, orientation, out);
  return shown_part(found, orientation, state.turned.width(), state.turned.height());
}

}  // namespace lm
