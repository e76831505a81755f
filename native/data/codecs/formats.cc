#include "data/codecs/formats.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace lm {
namespace {

using Head = std::span<const uint8_t>;

bool has(Head head, size_t at, std::string_view text) {
  return head.size() >= at + text.size() && std::memcmp(head.data() + at, text.data(), text.size()) == 0;
}

// The start of an image and, behind bytes that fill, a marker that may follow it.
bool is_jpeg(Head head) {
  size_t at = 3;
  while (at < head.size() && head[at] == 0xFF) ++at;
  return has(head, 0, "\xFF\xD8\xFF") && at < head.size() && head[at] >= 0xC0 &&
         (head[at] < 0xD0 || head[at] > 0xD9);
}

bool is_png(Head head) { return has(head, 0, "\x89PNG\r\n\x1A\n"); }

bool is_webp(Head head) { return has(head, 0, "RIFF") && has(head, 8, "WEBP"); }

bool is_gif(Head head) { return has(head, 0, "GIF87a") || has(head, 0, "GIF89a"); }

// Two letters, and the size of a header that there is.
bool is_bmp(Head head) {
  constexpr std::array<uint8_t, 7> sizes{12, 16, 40, 52, 56, 108, 124};
  return has(head, 0, "BM") && head.size() >= 18 &&
         std::find(sizes.begin(), sizes.end(), head[14]) != sizes.end() && head[15] == 0 && head[16] == 0 &&
         head[17] == 0;
}

// Also BigTIFF.
bool is_tiff(Head head) {
  using namespace std::string_view_literals;
  return has(head, 0, "II*\0"sv) || has(head, 0, "MM\0*"sv) || has(head, 0, "II+\0"sv) ||
         has(head, 0, "MM\0+"sv);
}

// The ISO container; its brand says what is inside.
bool is_heif(Head head) {
  constexpr std::array<std::string_view, 10> brands{"avif", "avis", "heic", "heix", "heim",
                                                    "heis", "hevc", "hevx", "mif1", "msf1"};
  return has(head, 4, "ftyp") && std::any_of(brands.begin(), brands.end(),
                                             [&](std::string_view brand) { return has(head, 8, brand); });
}

// P1 to P7, white space, and a number or a remark.
bool is_netpbm(Head head) {
  constexpr std::string_view space = " \t\r\n", next = "#0123456789 \t\r\nW";
  return head.size() >= 4 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' &&
         space.find(static_cast<char>(head[2])) != space.npos &&
         next.find(static_cast<char>(head[3])) != next.npos;
}

bool is_jpeg_2000(Head head) {
  using namespace std::string_view_literals;
  return has(head, 0, "\0\0\0\x0CjP  "sv) || has(head, 0, "\xFF\x4F\xFF\x51"sv);
}

bool is_jpeg_xl(Head head) {
  using namespace std::string_view_literals;
  return has(head, 0, "\0\0\0\x0CJXL "sv);
}

bool is_psd(Head head) { return has(head, 0, "8BPS"); }

bool is_svg(Head head) { return has(head, 0, "<svg") || has(head, 0, "<?xml"); }

struct Row {
  std::string_view name;
  bool (*matches)(Head head);
};

constexpr Row kRows[] = {
    {kJpeg, is_jpeg},        {kPng, is_png},       {"WebP", is_webp},
    {"GIF", is_gif},         {kBmp, is_bmp},       {"TIFF", is_tiff},
    {"HEIF", is_heif},       {kNetpbm, is_netpbm}, {"JPEG 2000", is_jpeg_2000},
    {"JPEG XL", is_jpeg_xl}, {"PSD", is_psd},      {"SVG", is_svg},
};

}  // namespace

std::string_view format_of(Head head) {
  for (const Row& row : kRows)
    if (row.matches(head)) return row.name;
  return {};
}

}  // namespace lm
