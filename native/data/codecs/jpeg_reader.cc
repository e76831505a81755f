#include "data/codecs/jpeg_reader.h"

#include <jerror.h>

#include <algorithm>

namespace lm {

namespace {

// A progressive file can hold any number of scans of nothing, each of which costs a pass over the image.
// Encoders write about 10.
constexpr unsigned kMaxScans = 100, kUsualScans = 20;
// Pixels that the scans beyond the usual ones may pass over.
constexpr uint64_t kMaxPassed = 500'000'000;

constexpr JOCTET kEndOfImage[] = {0xFF, JPEG_EOI};

void on_fatal(j_common_ptr info) {
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  static_cast<JpegErrors*>(info->err)->leave("Broken JPEG data: ", text);
}

JpegReader& reader_of(void* client_data) { return *static_cast<JpegReader*>(client_data); }

}  // namespace

JpegErrors::JpegErrors() {
  jpeg_std_error(this);
  error_exit = on_fatal;
}

JpegReader::JpegReader(std::span<const uint8_t> bytes) {
  info.err = &errors;
  info.client_data = this;
  errors.emit_message = warn;
  source_.init_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = fill;
  source_.skip_input_data = skip;
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.term_source = [](j_decompress_ptr) {};
  source_.next_input_byte = bytes.data();
  source_.bytes_in_buffer = bytes.size();
  progress_.progress_monitor = watch;
  errors.run([&] { jpeg_create_decompress(&info); });
  try {
    errors.run([&] { read_header(); });
  } catch (...) {
    jpeg_destroy_decompress(&info);
    throw;
  }
}

void JpegReader::read_header() {
  info.src = &source_;
  info.progress = &progress_;
  jpeg_read_header(&info, TRUE);
  if (info.data_precision != 8) errors.leave("Not supported: JPEG with other than 8 bits a sample");
  // libjpeg-turbo 3 reads lossless JPEG (told by its predictor), but not a part of one.
  if (!info.progressive_mode && info.Ss != 0 && info.Se == 0) errors.leave("Not supported: lossless JPEG");
}

// At the end of the file. Many files lack the end marker and nothing else: they are given it, once.
boolean JpegReader::fill(j_decompress_ptr info) {
  JpegReader& reader = reader_of(info->client_data);
  if (reader.past_end_ || info->arith_code) reader.errors.leave(kCutOff);
  reader.past_end_ = true;
  info->src->next_input_byte = kEndOfImage;
  info->src->bytes_in_buffer = sizeof(kEndOfImage);
  return TRUE;
}

void JpegReader::skip(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  jpeg_source_mgr& source = *info->src;
  if (static_cast<size_t>(count) > source.bytes_in_buffer) reader_of(info->client_data).errors.leave(kCutOff);
  source.next_input_byte += count;
  source.bytes_in_buffer -= static_cast<size_t>(count);
}

// Without data libjpeg goes on with zeros.
void JpegReader::warn(j_common_ptr info, int level) {
  if (level >= 0) return;  // a trace
  info->err->num_warnings++;
  JpegReader& reader = reader_of(info->client_data);
  if (info->err->msg_code == JWRN_HIT_MARKER && reader.past_end_) reader.errors.leave(kCutOff);
}

void JpegReader::watch(j_common_ptr info) {
  JpegReader& reader = reader_of(info->client_data);
  const auto scans = static_cast<unsigned>(reader.info.input_scan_number);
  const uint64_t pixels = uint64_t{reader.info.image_width} * reader.info.image_height;
  if (scans > kMaxScans || (scans > kUsualScans && scans * pixels > kMaxPassed))
    reader.errors.leave("Too many scans in a JPEG file");
}

int64_t coefficient_bytes(const jpeg_decompress_struct& info) {
  if (!jpeg_has_multiple_scans(const_cast<j_decompress_ptr>(&info))) return 0;
  int64_t bytes = 0;
  for (int c = 0; c < info.num_components; c++) {
    const jpeg_component_info& component = info.comp_info[c];
    bytes +=
        int64_t{component.width_in_blocks} * component.height_in_blocks * DCTSIZE2 * int64_t{sizeof(JCOEF)};
  }
  return bytes;
}

bool is_finished(const jpeg_decompress_struct& info) {
  if (!info.progressive_mode) return true;
  for (int c = 0; c < info.num_components; c++) {
    const int* missing = info.coef_bits[c];
    if (std::any_of(missing, missing + DCTSIZE2, [](int bits) { return bits != 0; })) return false;
  }
  return true;
}

}  // namespace lm
