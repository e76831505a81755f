#include "binding/images.h"

#include <cstring>
#include <optional>

#include "binding/errors.h"
#include "binding/job_thread.h"
#include "binding/parse.h"
#include "data/codecs/formats.h"
#include "data/codecs/jpeg_rows.h"
#include "data/loader/parse.h"
#include "data/loader/pixels.h"

namespace lm::binding {
namespace {

std::optional<RawSize> raw_size(const lm::Value& spec) {
  if (spec.find("height") == nullptr) return std::nullopt;
  const int64_t height = spec["height"].integer(), width = spec["width"].integer();
  LM_CHECK(height > 0 && width > 0 && height < (1 << 24) && width < (1 << 24), "ERR_SHAPE",
           "Expected the size of an image but received ", height, " x ", width);
  return RawSize{static_cast<int>(height), static_cast<int>(width),
                 static_cast<int>(spec["channels"].integer())};
}

// Runs `work`, whose failure is that of an image.
template <typename Work>
void on_image(const Work& work) {
  try {
    work();
  } catch (const ImageError& e) {
    fail("ERR_IMAGE", e.reason);
  }
}

std::span<const uint8_t> span_of(const at::Tensor& bytes) {
  return {bytes.const_data_ptr<uint8_t>(), static_cast<size_t>(bytes.numel())};
}

Napi::Uint8Array to_bytes(Napi::Env env, std::span<const uint8_t> bytes) {
  Napi::Uint8Array out = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(out.Data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace

Napi::Value format_of_file(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return Napi::String::New(info.Env(), std::string(format_of(span_of(bytes_of(info[0], "head")))));
  });
}

Napi::Value image_size(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const at::Tensor bytes = bytes_of(info[0], "image");
    const Decoding decoding = decoding_of(to_value(info[1]));
    ImageInfo found{};
    on_image([&] { found = Decoder().open(span_of(bytes), decoding); });
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("height", found.height);
    out.Set("width", found.width);
    return out;
  });
}

Napi::Value transform_image(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const at::Tensor bytes = bytes_of(info[0], "image");
    const lm::Value spec = to_value(info[1]);
    const auto transform = transform_of(spec);
    const std::optional<RawSize> raw = raw_size(spec);
    LM_CHECK(!raw || raw->bytes() == bytes.numel(), "ERR_SHAPE", "Expected as many bytes as the image has");
    const Rng rng(static_cast<uint64_t>(spec["seed"].integer()), "augment",
                  static_cast<uint64_t>(spec["epoch"].integer()),
                  static_cast<uint64_t>(spec["index"].integer()));
    const Decoding decoding = decoding_of(spec["decoding"]);
    auto scratch = std::make_shared<TransformScratch>();
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kHelper,
            [=] {
              on_image([&] {
                Rng drawn = rng;
                if (raw) {
                  MemoryPixels pixels(bytes.const_data_ptr<uint8_t>(), *raw);
                  transform->apply(pixels, drawn, *scratch);
                  return;
                }
                Decoder decoder;
                FilePixels pixels(decoder, decoder.open(span_of(bytes), decoding));
                transform->apply(pixels, drawn, *scratch);
              });
            },
            [=](Napi::Env env) -> Napi::Value {
              const Image& image = scratch->image;
              Napi::Uint8Array pixels = Napi::Uint8Array::New(env, image.bytes() / 4 * 3);
              store(image, 3, pixels.Data());
              Napi::Object out = Napi::Object::New(env);
              out.Set("pixels", pixels);
              out.Set("height", image.height());
              out.Set("width", image.width());
              return out;
            });
  });
}

Napi::Value pack_jpeg_file(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const at::Tensor bytes = bytes_of(info[0], "image");
    auto packed = std::make_shared<std::optional<PackedJpeg>>();
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kHelper, [=] { on_image([&] { *packed = pack_jpeg(span_of(bytes)); }); },
            [=](Napi::Env env) -> Napi::Value {
              if (!*packed) return env.Null();
              const PackedJpeg& file = **packed;
              Napi::Uint32Array rows = Napi::Uint32Array::New(env, file.rows.size());
              std::copy(file.rows.begin(), file.rows.end(), rows.Data());
              Napi::Object out = Napi::Object::New(env);
              out.Set("bytes", to_bytes(env, file.bytes));
              out.Set("rows", rows);
              return out;
            });
  });
}

}  // namespace lm::binding
