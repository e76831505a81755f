// What a file is, by its first bytes: its name and ending say nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lm {

// Those that are decoded here.
inline constexpr std::string_view kJpeg = "JPEG", kPng = "PNG", kBmp = "BMP", kNetpbm = "Netpbm";

// Enough bytes to tell all formats.
inline constexpr size_t kHeadBytes = 32;

// The name of an image format, such as "JPEG" or "WebP"; empty for everything else. Signatures are long
// enough that pixels do not begin like this by chance.
std::string_view format_of(std::span<const uint8_t> head);

inline bool is_decoded(std::string_view format) {
  return format == kJpeg || format == kPng || format == kBmp || format == kNetpbm;
}

}  // namespace lm
