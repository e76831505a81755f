#include "data/codecs/decode.h"

#include "data/codecs/bmp.h"
#include "data/codecs/formats.h"
#include "data/codecs/jpeg.h"
#include "data/codecs/netpbm.h"
#include "data/codecs/orientation.h"
#include "data/codecs/png.h"

namespace lm {
namespace {

// So much memory any file may need; more only with a byte for every so many bytes of it, as no file has that
// was made to claim much with little.
constexpr int64_t kFreeBytes = int64_t{1} << 28, kBytesPerByte = 192;
constexpr int64_t kBytesPerPixel = 4;

// Refuses what would take far more memory than its file is large.
void check_size(const ImageInfo& stored, int64_t needed, int64_t file_bytes, int64_t max_pixels) {
  const auto [width, height] = stored;
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (int64_t{width} * height > max_pixels)
    throw ImageError("Too large: " + size + ", where at most " + std::to_string(max_pixels) + " are allowed");
  if (needed > kFreeBytes && needed / kBytesPerByte > file_bytes)
    throw ImageError("Too large: " + size + " in a file of " + std::to_string(file_bytes) + " bytes");
}

}  // namespace

struct Decoder::State {
  std::string_view format;
  ImageInfo stored{};
  Orientation orientation;
  JpegDecoder jpeg;
  PngDecoder png;
  BmpDecoder bmp;
  NetpbmDecoder netpbm;
  Image turned;  // before it is

  void open(std::span<const uint8_t> bytes, const Decoding& how, std::span<const uint32_t> rows) {
    if (bytes.empty()) throw ImageError("The file is empty");
    format = format_of(bytes.first(std::min(bytes.size(), kHeadBytes)));
    orientation = how.exif ? orientation_of_tag(tag_of(bytes)) : Orientation{};
    stored = open_format(bytes, how, rows);
  }

  ImageInfo open_format(std::span<const uint8_t> bytes, const Decoding& how, std::span<const uint32_t> rows) {
    if (format == kJpeg) return jpeg.open(bytes, rows);
    if (format == kPng) return png.open(bytes, how.clips_gray);
    if (format == kBmp) return bmp.open(bytes);
    if (format == kNetpbm) return netpbm.open(bytes, how.clips_gray);
    throw ImageError("No JPEG, PNG, BMP or Netpbm file" +
                     (format.empty() ? "" : ", but " + std::string(format)));
  }

  int tag_of(std::span<const uint8_t> bytes) const {
    if (format == kJpeg) return jpeg_orientation_tag(bytes);
    return format == kPng ? png_orientation_tag(bytes) : 1;
  }

  Box decode(const Box& region, int max_denominator, Image& out) {
    if (format == kJpeg) return jpeg.decode(region, max_denominator, out);
    if (format == kPng) return png.decode(region, out);
    return format == kBmp ? bmp.decode(region, out) : netpbm.decode(region, out);
  }
};

Decoder::Decoder() : state_(std::make_unique<State>()) {}
Decoder::~Decoder() = default;

ImageInfo Decoder::open(std::span<const uint8_t> bytes, const Decoding& how, std::span<const uint32_t> rows) {
  state_->open(bytes, how, rows);
  const auto [width, height] = state_->stored;
  const int images = state_->orientation.is_upright() ? 1 : 2;
  const int64_t coefficients = state_->format == kJpeg ? state_->jpeg.coefficient_bytes() : 0;
  check_size(state_->stored, images * kBytesPerPixel * width * height + coefficients,
             static_cast<int64_t>(bytes.size()), how.max_pixels);
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
