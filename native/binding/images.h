// Single images, on helper threads.
#pragma once

#include "binding/napi_setup.h"

namespace lm::binding {

// formatOf(head) -> name of the image format, empty for none; not a promise.
Napi::Value format_of_file(const Napi::CallbackInfo& info);

// imageSize(bytes, decoding) -> { height, width }; not a promise.
Napi::Value image_size(const Napi::CallbackInfo& info);

// transformImage(bytes, spec) -> promise of { pixels, height, width }. `spec` holds the size of raw pixels (a
// file has none), the transform, and what its random numbers follow from.
Napi::Value transform_image(const Napi::CallbackInfo& info);

// packJpeg(bytes) -> promise of { bytes, rows, height, width }, or of null for a file that is to be kept as
// it is.
Napi::Value pack_jpeg_file(const Napi::CallbackInfo& info);

}  // namespace lm::binding
