#include "data/codecs/png.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "data/codecs/c_errors.h"

namespace lm {

namespace {

constexpr png_uint_32 kMaxSide = 1'000'000;
constexpr int kMaxChunks = 1000;
constexpr png_alloc_size_t kMaxChunkBytes = 8'000'000;

// libpng's reader over a file in memory, behind the header.
class PngReader {
 public:
  explicit PngReader(std::span<const uint8_t> bytes) : rest_(bytes) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    if (png == nullptr) throw std::bad_alloc();
    try {
      errors.run([&] { read_header(); });
    } catch (...) {
      png_destroy_read_struct(&png, &info, nullptr);
      throw;
    }
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  int width() const { return static_cast<int>(png_get_image_width(png, info)); }
  int height() const { return static_cast<int>(png_get_image_height(png, info)); }
  bool is_interlaced() const { return png_get_interlace_type(png, info) != PNG_INTERLACE_NONE; }
  bool is_gray16() const {
    return png_get_bit_depth(png, info) == 16 && png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY;
  }

  CErrors errors;
  png_structp png = nullptr;
  png_infop info = nullptr;

 private:
  void read_header() {
    info = png_create_info_struct(png);
    if (info == nullptr) errors.leave("Not enough memory");
    png_set_user_limits(png, kMaxSide, kMaxSide);
    png_set_chunk_cache_max(png, kMaxChunks);
    png_set_chunk_malloc_max(png, kMaxChunkBytes);
    png_set_crc_action(png, PNG_CRC_DEFAULT, PNG_CRC_ERROR_QUIT);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // text, profiles: not even parsed
    png_set_read_fn(png, this, read);
    png_read_info(png, info);
  }

  static void on_error(png_structp png, png_const_charp text) {
    static_cast<PngReader*>(png_get_error_ptr(png))->errors.leave("Broken PNG data: ", text);
  }

  static void read(png_structp png, png_bytep to, size_t count) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > reader->rest_.size()) reader->errors.leave(kCutOff);
    std::memcpy(to, reader->rest_.data(), count);
    reader->rest_ = reader->rest_.subspan(count);
  }

  std::span<const uint8_t> rest_;
};

// Rows of four bytes a pixel, as Pillow converts them: alpha is dropped, of 16 bits the upper 8 stay. Gray of
// 16 bits may be left to clip_gray16.
void set_transforms(const PngReader& reader, bool clips_gray) {
  png_structp png = reader.png;
  const int color = png_get_color_type(png, reader.info);
  if (clips_gray && reader.is_gray16()) return;
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
  if (png_get_bit_depth(png, reader.info) == 16) png_set_strip_16(png);
  png_set_strip_alpha(png);
  if ((color & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png);
  png_set_filler(png, 0xFF, PNG_FILLER_AFTER);
}

// In place. Pillow converts this mode alone by cutting off what is above 255.
void clip_gray16(uint8_t* row, int width) {
  for (int x = width - 1; x >= 0; x--) {
    const uint8_t* from = row + 2 * x;
    std::memset(row + 4 * x, from[0] == 0 ? from[1] : 0xFF, 4);
  }
}

}  // namespace

ImageInfo PngDecoder::open(std::span<const uint8_t> bytes, bool clips_gray) {
  const PngReader reader(bytes);
  bytes_ = bytes;
  clips_gray_ = clips_gray;
  return {reader.width(), reader.height()};
}

Box PngDecoder::decode(const Box& region, Image& out) {
  PngReader reader(bytes_);
  const int height = reader.height();
  int top = 0, bottom = height;
  if (!reader.is_interlaced()) {
    top = std::clamp(static_cast<int>(region.top), 0, height - 1);
    bottom = std::clamp(static_cast<int>(std::ceil(region.bottom)), top + 1, height);
  }
  out.resize(reader.width(), bottom - top);
  reader.errors.run([&] {
    set_transforms(reader, clips_gray_);
    const int passes = png_set_interlace_handling(reader.png);
    png_read_update_info(reader.png, reader.info);
    for (int y = 0; y < top; y++) png_read_row(reader.png, out.row(0), nullptr);
    for (int pass = 0; pass < passes; pass++)
      for (int y = 0; y < out.height(); y++) png_read_row(reader.png, out.row(y), nullptr);
  });
  if (clips_gray_ && reader.is_gray16())
    for (int y = 0; y < out.height(); y++) clip_gray16(out.row(y), out.width());
  return {region.left, region.top - top, region.right, region.bottom - top};
}

}  // namespace lm
