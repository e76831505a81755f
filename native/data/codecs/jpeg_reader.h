// libjpeg-turbo's decompressor over a file in memory. Warnings (a bad Huffman code, say) are tolerated, as
// Pillow tolerates them; data that end before the image does are not.
#pragma once

#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE
// After it.
#include <jpeglib.h>

#include <span>

#include "data/codecs/c_errors.h"

namespace lm {

// The error manager of one or more of libjpeg's objects.
class JpegErrors : public jpeg_error_mgr, public CErrors {
 public:
  JpegErrors();
};

// One decompressor for one file, behind its header: used again, libjpeg would give a broken file the tables
// of the last one.
class JpegReader {
 public:
  // The bytes must stay. Allocates nothing of the image's size.
  explicit JpegReader(std::span<const uint8_t> bytes);
  ~JpegReader() { jpeg_destroy_decompress(&info); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  JpegErrors errors;
  jpeg_decompress_struct info;

 private:
  void read_header();

  static boolean fill(j_decompress_ptr info);
  static void skip(j_decompress_ptr info, long count);
  static void warn(j_common_ptr info, int level);
  static void watch(j_common_ptr info);

  jpeg_source_mgr source_;
  jpeg_progress_mgr progress_;
  bool past_end_ = false;
};

// Whether all scans of a progressive file are there; all of what was started, then. If not, libjpeg smooths
// the blocks: a baseline file cannot ask for that, and a part of the image has other pixels than the whole.
bool is_finished(const jpeg_decompress_struct& info);

// Memory for all coefficients of an image, in bytes; 0 where a row of blocks at a time is enough.
int64_t coefficient_bytes(const jpeg_decompress_struct& info);

}  // namespace lm
