#include "data/codecs/jpeg.h"

#include <algorithm>
#include <cmath>

#include "data/codecs/jpeg_reader.h"
#include "data/codecs/jpeg_rows.h"

namespace lm {

namespace {

// Upsampling of colour mixes neighbouring samples, each of which covers two rows and columns of the result.
constexpr int kMargin = 2;

constexpr int kRowsPerCall = 16;

bool has_ink(const jpeg_decompress_struct& info) {
  return info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
}

// a * b / 255 of bytes, rounded, as Pillow has it.
int times(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

// Four bytes a pixel. Pillow takes all files with ink for Adobe's, which store 255 for none.
void ink_to_rgb(uint8_t* row, int width) {
  for (uint8_t* pixel = row; pixel < row + size_t{4} * width; pixel += 4) {
    const int light = pixel[3];
    for (int c = 0; c < 3; c++) pixel[c] = static_cast<uint8_t>(light - times(255 - pixel[c], light));
  }
}

// libjpeg forgets when it crops that chroma may be decoded at a larger scale (4:1:0 at 1/2).
bool may_crop(const jpeg_decompress_struct& info) {
  return info.scale_denom == 1 || (info.max_h_samp_factor <= 2 && info.max_v_samp_factor <= 2);
}

// Rows from `top` on into `out`.
void read_rows(jpeg_decompress_struct& info, int top, Image& out) {
  const auto first = static_cast<JDIMENSION>(top);
  if (top > kMargin && is_finished(info)) jpeg_skip_scanlines(&info, first - kMargin);
  JSAMPROW spare = out.row(0);
  while (info.output_scanline < first) jpeg_read_scanlines(&info, &spare, 1);
  for (int y = 0; y < out.height();) {
    JSAMPROW rows[kRowsPerCall];
    const int count = std::min(kRowsPerCall, out.height() - y);
    for (int i = 0; i < count; i++) rows[i] = out.row(y + i);
    y += static_cast<int>(jpeg_read_scanlines(&info, rows, static_cast<JDIMENSION>(count)));
  }
  if (!has_ink(info)) return;
  for (int y = 0; y < out.height(); y++) ink_to_rgb(out.row(y), out.width());
}

// Starts decoding the columns [left, right) and more of them; returns the first.
int start(JpegReader& reader, int left, int right, int scale) {
  jpeg_decompress_struct& info = reader.info;
  auto first = static_cast<JDIMENSION>(left), width = static_cast<JDIMENSION>(right - left);
  reader.errors.run([&] {
    info.scale_num = 1;
    info.scale_denom = static_cast<unsigned>(scale);
    info.out_color_space = has_ink(info) ? JCS_CMYK : JCS_EXT_RGBX;
    jpeg_start_decompress(&info);
    if (is_finished(info) && may_crop(info))
      jpeg_crop_scanline(&info, &first, &width);
    else
      first = 0;
  });
  return static_cast<int>(first);
}

}  // namespace

ImageInfo JpegDecoder::open(std::span<const uint8_t> bytes, std::span<const uint32_t> rows) {
  const JpegReader reader(bytes);
  if (!rows.empty()) check_rows(reader, bytes, rows);
  bytes_ = bytes;
  rows_ = rows;
  width_ = static_cast<int>(reader.info.image_width);
  height_ = static_cast<int>(reader.info.image_height);
  mcu_height_ = reader.info.max_v_samp_factor * DCTSIZE;
  coefficient_bytes_ = lm::coefficient_bytes(reader.info);
  return {width_, height_};
}

Box JpegDecoder::decode(const Box& region, int max_denominator, Image& out) {
  int scale = 1;
  while (scale < 8 && scale * 2 <= max_denominator) scale *= 2;
  // In pixels of the result from here on.
  const int width = (width_ + scale - 1) / scale, height = (height_ + scale - 1) / scale;
  const int left = std::clamp(static_cast<int>(region.left) / scale, 0, width - 1);
  const int top = std::clamp(static_cast<int>(region.top) / scale, 0, height - 1);
  const int right = std::clamp(static_cast<int>(std::ceil(region.right / scale)), left + 1, width);
  const int bottom = std::clamp(static_cast<int>(std::ceil(region.bottom / scale)), top + 1, height);
  const Part part = cut((top - kMargin) * scale, (bottom + kMargin) * scale);
  JpegReader reader(part.bytes);
  const int first = start(reader, std::max(0, left - kMargin), std::min(width, right + kMargin), scale);
  out.resize(static_cast<int>(reader.info.output_width), bottom - top);
  reader.errors.run([&] { read_rows(reader.info, top - part.above / scale, out); });
  return {region.left / scale - first, region.top / scale - top, region.right / scale - first,
          region.bottom / scale - top};
}

JpegDecoder::Part JpegDecoder::cut(int top, int bottom) {
  if (rows_.empty()) return {bytes_, 0};
  const int count = static_cast<int>(rows_.size()) - 1;
  const int first = std::max(0, top) / mcu_height_;
  const int last = std::min(count, (bottom + mcu_height_ - 1) / mcu_height_);
  const int above = first * mcu_height_;
  cut_rows(bytes_, rows_, first, last, std::min(height_, last * mcu_height_) - above, part_);
  return {part_, above};
}

}  // namespace lm
