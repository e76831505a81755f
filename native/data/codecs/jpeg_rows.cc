#include "data/codecs/jpeg_rows.h"

#include <limits>
#include <new>

#include "data/codecs/orientation.h"

namespace lm {

namespace {

constexpr uint8_t kMarker = 0xFF, kStartOfFrame = 0xC0, kExtendedFrame = 0xC1, kStartOfScan = 0xDA;

bool is_restart(const uint8_t* at) {
  return at[0] == kMarker && at[1] >= JPEG_RST0 && at[1] <= JPEG_RST0 + 7;
}

// Where the first segment with a marker of [low, high] begins, among those before any entropy-coded data.
std::optional<size_t> find_segment(std::span<const uint8_t> bytes, uint8_t low, uint8_t high) {
  for (size_t at = 2; at + 4 <= bytes.size();) {
    if (bytes[at] != kMarker) break;
    if (bytes[at + 1] >= low && bytes[at + 1] <= high) return at;
    at += 2 + (size_t{bytes[at + 2]} << 8 | bytes[at + 3]);
  }
  return std::nullopt;
}

// Where libjpeg's compressor writes.
struct Output : jpeg_destination_mgr {
  std::vector<uint8_t> bytes;

  explicit Output(size_t size) : bytes(size) {
    init_destination = [](j_compress_ptr info) { of(info).use(0); };
    empty_output_buffer = grow;
    term_destination = [](j_compress_ptr info) {
      of(info).bytes.resize(of(info).bytes.size() - of(info).free_in_buffer);
    };
  }
  static Output& of(j_compress_ptr info) { return *static_cast<Output*>(info->dest); }
  void use(size_t from) {
    next_output_byte = bytes.data() + from;
    free_in_buffer = bytes.size() - from;
  }
  bool try_grow() noexcept try {
    const size_t used = bytes.size();
    bytes.resize(used * 2);
    use(used);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
  static boolean grow(j_compress_ptr info) {
    if (!of(info).try_grow()) static_cast<JpegErrors*>(info->err)->leave("Not enough memory");
    return TRUE;
  }
};

// The compressor shares the reader's errors, for one run covers both.
struct Writer {
  jpeg_compress_struct info;
  Output output;

  Writer(JpegReader& reader, size_t size) : output(size) {
    info.err = &reader.errors;
    info.client_data = reader.info.client_data;
    reader.errors.run([&] { jpeg_create_compress(&info); });
    info.dest = &output;
  }
  ~Writer() { jpeg_destroy_compress(&info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

// The reader holds a header. False where the file must stay. Of the metadata the orientation stays.
bool transcode(JpegReader& reader, int orientation_tag, jpeg_compress_struct& to) {
  jpeg_decompress_struct& from = reader.info;
  const std::array<uint8_t, 32> exif = exif_of_tag(orientation_tag);
  bool done = false;
  reader.errors.run([&] {
    jvirt_barray_ptr* coefficients = jpeg_read_coefficients(&from);
    if (from.err->num_warnings > 0 || !is_finished(from)) return;
    jpeg_copy_critical_parameters(&from, &to);
    to.optimize_coding = TRUE;
    to.restart_in_rows = 1;
    // One component has MCUs of one block, whatever its factors say; so says the height of a row then.
    if (to.num_components == 1) to.comp_info[0].h_samp_factor = to.comp_info[0].v_samp_factor = 1;
    jpeg_write_coefficients(&to, coefficients);
    if (orientation_tag != 1) jpeg_write_marker(&to, JPEG_APP0 + 1, exif.data(), exif.size());
    jpeg_finish_compress(&to);
    done = true;
  });
  return done;
}

// Behind the header of the scan and every marker of the entropy-coded data, in which nothing else looks like
// one.
std::vector<uint32_t> find_rows(std::span<const uint8_t> bytes) {
  std::vector<uint32_t> rows;
  const std::optional<size_t> scan = find_segment(bytes, kStartOfScan, kStartOfScan);
  if (!scan) return rows;
  size_t at = *scan + 2 + (size_t{bytes[*scan + 2]} << 8 | bytes[*scan + 3]);
  rows.push_back(static_cast<uint32_t>(at));
  for (; at + 2 < bytes.size(); at++)
    if (is_restart(&bytes[at])) rows.push_back(static_cast<uint32_t>(at + 2));
  rows.push_back(static_cast<uint32_t>(at));
  return rows;
}

}  // namespace

std::optional<PackedJpeg> pack_jpeg(std::span<const uint8_t> bytes) try {
  JpegReader reader(bytes);
  if (reader.info.arith_code) return std::nullopt;
  Writer writer(reader, bytes.size() + 1024);
  if (!transcode(reader, jpeg_orientation_tag(bytes), writer.info)) return std::nullopt;
  PackedJpeg packed{std::move(writer.output.bytes), {}};
  if (packed.bytes.size() > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  packed.rows = find_rows(packed.bytes);
  check_rows(JpegReader(packed.bytes), packed.bytes, packed.rows);
  return packed;
} catch (const ImageError&) {
  return std::nullopt;
}

void check_rows(const JpegReader& reader, std::span<const uint8_t> bytes, std::span<const uint32_t> rows) {
  const jpeg_decompress_struct& info = reader.info;
  const auto mcu_width = static_cast<JDIMENSION>(info.max_h_samp_factor * DCTSIZE);
  bool fits = !info.progressive_mode && rows.size() == size_t{info.total_iMCU_rows} + 1 &&
              info.restart_interval == (info.image_width + mcu_width - 1) / mcu_width &&
              rows.front() == bytes.size() - info.src->bytes_in_buffer;
  for (size_t i = 1; fits && i < rows.size(); i++) {
    const size_t marker = i + 1 < rows.size() ? 2 : 0;
    fits = rows[i] > rows[i - 1] + marker && rows[i] <= bytes.size() &&
           (marker == 0 || is_restart(&bytes[rows[i] - 2]));
  }
  if (!fits) throw ImageError("The index of the rows of a packed JPEG file does not fit it");
}

void cut_rows(std::span<const uint8_t> bytes, std::span<const uint32_t> rows, int first, int last, int height,
              std::vector<uint8_t>& part) {
  const std::span<const uint8_t> header = bytes.first(rows.front());
  const std::optional<size_t> frame = find_segment(header, kStartOfFrame, kExtendedFrame);
  if (!frame || *frame + 7 > header.size()) throw ImageError("A packed JPEG file without a baseline frame");
  const size_t begin = rows[static_cast<size_t>(first)], end = rows[static_cast<size_t>(last)];
  part.assign(header.begin(), header.end());
  part[*frame + 5] = static_cast<uint8_t>(height >> 8);
  part[*frame + 6] = static_cast<uint8_t>(height & 0xFF);
  part.insert(part.end(), bytes.data() + begin, bytes.data() + end);
  // Markers count from 0, modulo 8; the one behind the last row becomes the end of the image.
  for (int row = first + 1; row < last; row++)
    part[header.size() + rows[static_cast<size_t>(row)] - begin - 1] =
        static_cast<uint8_t>(JPEG_RST0 + (row - first - 1) % 8);
  if (static_cast<size_t>(last) + 1 < rows.size()) part.erase(part.end() - 2, part.end());
  part.insert(part.end(), {kMarker, JPEG_EOI});
}

}  // namespace lm
