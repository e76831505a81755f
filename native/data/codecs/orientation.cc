#include "data/codecs/orientation.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace lm {
namespace {

constexpr int kUpright = 1;
constexpr uint8_t kMarker = 0xFF, kApp1 = 0xE1, kStartOfScan = 0xDA, kEndOfImage = 0xD9;
constexpr std::string_view kExifHeader{"Exif\0\0", 6};
constexpr size_t kPngSignature = 8, kChunkHead = 8, kChunkCrc = 4;

bool starts_with(std::span<const uint8_t> bytes, std::string_view start) {
  return bytes.size() >= start.size() && std::memcmp(bytes.data(), start.data(), start.size()) == 0;
}

uint32_t big_endian(const uint8_t* at, int bytes) {
  uint32_t number = 0;
  for (int i = 0; i < bytes; ++i) number = number << 8 | at[i];
  return number;
}

// Numbers of a TIFF structure, in the order of bytes that its head names.
class Tiff {
 public:
  explicit Tiff(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  // The first directory's orientation.
  int orientation() const {
    if (bytes_.size() < 8) return kUpright;
    const size_t directory = number(4, 4);
    if (directory > bytes_.size() - 2) return kUpright;
    const size_t count = number(directory, 2);
    for (size_t i = 0, entry = directory + 2; i < count && entry + kEntry <= bytes_.size();
         ++i, entry += kEntry)
      if (number(entry, 2) == kOrientation) return value(entry);
    return kUpright;
  }

 private:
  static constexpr size_t kEntry = 12;
  static constexpr uint32_t kOrientation = 0x0112, kByte = 1, kShort = 3, kLong = 4;

  uint32_t number(size_t at, int bytes) const {
    if (bytes_[0] == 'M') return big_endian(&bytes_[at], bytes);
    uint32_t found = 0;
    for (int i = bytes; i-- > 0;) found = found << 8 | bytes_[at + static_cast<size_t>(i)];
    return found;
  }

  // Of an entry that holds one number.
  int value(size_t entry) const {
    const uint32_t type = number(entry + 2, 2);
    const int bytes = type == kByte ? 1 : type == kShort ? 2 : type == kLong ? 4 : 0;
    const uint32_t found = bytes == 0 || number(entry + 4, 4) != 1 ? 0 : number(entry + 8, bytes);
    return found >= 1 && found <= 8 ? static_cast<int>(found) : kUpright;
  }

  std::span<const uint8_t> bytes_;
};

int tag_of(std::span<const uint8_t> exif) {
  const bool is_tiff =
      starts_with(exif, std::string_view("II*\0", 4)) || starts_with(exif, std::string_view("MM\0*", 4));
  return is_tiff ? Tiff(exif).orientation() : kUpright;
}

}  // namespace

Orientation orientation_of_tag(int tag) {
  switch (tag) {
    case 2:
      return {false, true, false};
    case 3:
      return {false, true, true};
    case 4:
      return {false, false, true};
    case 5:
      return {true, false, false};
    case 6:
      return {true, false, true};
    case 7:
      return {true, true, true};
    case 8:
      return {true, true, false};
    default:
      return {};
  }
}

int jpeg_orientation_tag(std::span<const uint8_t> file) {
  for (size_t at = 2; at + 4 <= file.size() && file[at] == kMarker;) {
    const uint8_t marker = file[at + 1];
    if (marker == kMarker) {  // a byte that fills
      ++at;
      continue;
    }
    if (marker == kStartOfScan || marker == kEndOfImage) break;
    const size_t length = big_endian(&file[at + 2], 2), begin = at + 4, end = at + 2 + length;
    if (end < begin || end > file.size()) break;
    const std::span<const uint8_t> segment = file.subspan(begin, end - begin);
    if (marker == kApp1 && starts_with(segment, kExifHeader))
      return tag_of(segment.subspan(kExifHeader.size()));
    at = end;
  }
  return kUpright;
}

// The chunk may also stand behind those of the pixels.
int png_orientation_tag(std::span<const uint8_t> file) {
  for (size_t at = kPngSignature; at + kChunkHead <= file.size();) {
    const size_t length = big_endian(&file[at], 4), begin = at + kChunkHead;
    if (length > file.size() - begin) break;
    if (std::memcmp(&file[at + 4], "eXIf", 4) == 0) return tag_of(file.subspan(begin, length));
    at = begin + length + kChunkCrc;
  }
  return kUpright;
}

std::array<uint8_t, 32> exif_of_tag(int tag) {
  return {'E', 'x', 'i',  'f',  0, 0,                                            //
          'I', 'I', '*',  0,    8, 0, 0, 0,                                      // the directory is at 8
          1,   0,   0x12, 0x01, 3, 0, 1, 0, 0, 0, static_cast<uint8_t>(tag), 0,  // one entry: one short
          0,   0,   0,    0,    0, 0};
}

Box stored_part(const Box& shown, const Orientation& o, int width, int height) {
  Box part = o.transposed ? Box{shown.top, shown.left, shown.bottom, shown.right} : shown;
  if (o.mirrored_x) part = {width - part.right, part.top, width - part.left, part.bottom};
  if (o.mirrored_y) part = {part.left, height - part.bottom, part.right, height - part.top};
  return part;
}

Box shown_part(const Box& stored, const Orientation& o, int width, int height) {
  Box part = stored;
  if (o.mirrored_x) part = {width - part.right, part.top, width - part.left, part.bottom};
  if (o.mirrored_y) part = {part.left, height - part.bottom, part.right, height - part.top};
  return o.transposed ? Box{part.top, part.left, part.bottom, part.right} : part;
}

void turn(const Image& stored, const Orientation& o, Image& shown) {
  const int width = stored.width(), height = stored.height();
  shown.resize(o.transposed ? height : width, o.transposed ? width : height);
  const auto row = static_cast<ptrdiff_t>(width) * 4;
  const ptrdiff_t along_x = o.mirrored_x ? -4 : 4, along_y = o.mirrored_y ? -row : row;
  const uint8_t* corner = stored.row(o.mirrored_y ? height - 1 : 0) + (o.mirrored_x ? row - 4 : 0);
  const ptrdiff_t right = o.transposed ? along_y : along_x, down = o.transposed ? along_x : along_y;
  for (int y = 0; y < shown.height(); ++y) {
    const uint8_t* from = corner + y * down;
    uint8_t* to = shown.row(y);
    for (int x = 0; x < shown.width(); ++x, from += right, to += 4) std::memcpy(to, from, 4);
  }
}

}  // namespace lm
