#include "binding/wraps/source_wrap.h"

#include <charconv>

#include "binding/errors.h"
#include "binding/job_thread.h"
#include "binding/parse.h"
#include "binding/wraps/wrap.h"

namespace lm::binding {
namespace {

RawSize raw_size_of(const Napi::Object& spec) {
  const int64_t h = integer_of(spec.Get("height"), "height"), w = integer_of(spec.Get("width"), "width"),
                c = integer_of(spec.Get("channels"), "channels");
  LM_CHECK(h > 0 && w > 0 && c > 0 && h < (1 << 24) && w < (1 << 24) && c < (1 << 24), "ERR_DATASET",
           "Expected the size of an image but received ", h, " x ", w, " x ", c);
  return {static_cast<int>(h), static_cast<int>(w), static_cast<int>(c)};
}

std::vector<int32_t> labels_of(const Napi::Object& spec) { return integers_of(spec.Get("labels"), "labels"); }

std::shared_ptr<Samples> memory_of(const Napi::Object& spec) {
  const RawSize size = raw_size_of(spec);
  std::vector<int32_t> labels = labels_of(spec);
  const at::Tensor pixels = bytes_of(spec.Get("images"), "images");
  const auto n = static_cast<int64_t>(labels.size());
  return std::make_shared<MemorySamples>(
      images_of(pixels, {n, size.height, size.width, size.channels}, "ERR_DATASET"), std::move(labels));
}

std::shared_ptr<Samples> files_of(const Napi::Object& spec) {
  return std::make_shared<FileSamples>(text_of(spec.Get("folder"), "folder"),
                                       text_of(spec.Get("names"), "names"), labels_of(spec));
}

std::vector<Shard> shards_of(const Napi::Object& spec) {
  const Value files = to_value(spec.Get("files"));
  std::vector<Shard> shards;
  for (const Value& file : files.list()) {
    const std::string& modified = file["modified"].text();
    Shard shard{file["path"].text(), {file["bytes"].integer(), 0}};
    const char* end = modified.data() + modified.size();
    const auto parsed = std::from_chars(modified.data(), end, shard.stamp.modified);
    LM_CHECK(parsed.ec == std::errc() && parsed.ptr == end && shard.stamp.bytes >= 0, "ERR_DATASET",
             "Expected a size and a time for `", shard.path, "`");
    shards.push_back(std::move(shard));
  }
  return shards;
}

std::shared_ptr<Samples> ranges_of(const Napi::Object& spec) {
  const std::vector<int32_t> labels = labels_of(spec);
  // Columns: file, offset, length, checksum, rows.
  const at::Tensor table = doubles_of(spec.Get("table"), "table");
  LM_CHECK(table.numel() == static_cast<int64_t>(labels.size()) * 5, "ERR_DATASET",
           "Expected five numbers for every sample");
  const double* row = table.data_ptr<double>();
  std::vector<Range> ranges;
  ranges.reserve(labels.size());
  for (size_t i = 0; i < labels.size(); ++i, row += 5) {
    for (int c = 0; c < 5; ++c)
      LM_CHECK(row[c] >= 0 && row[c] < (c == 1 ? 9007199254740992.0 : 4294967296.0), "ERR_DATASET",
               "A number of sample ", i, " is out of range");
    ranges.push_back({static_cast<uint32_t>(row[0]), static_cast<uint32_t>(row[2]),
                      static_cast<uint64_t>(row[1]), static_cast<uint32_t>(row[3]),
                      static_cast<uint32_t>(row[4])});
  }
  return std::make_shared<RangeSamples>(shards_of(spec), std::move(ranges), labels,
                                        integer_of(spec.Get("window"), "window"));
}

std::shared_ptr<StreamSamples> stream_of(const Napi::Object& spec) {
  std::optional<RawSize> raw;
  if (!spec.Get("height").IsUndefined()) raw = raw_size_of(spec);
  const int64_t capacity = integer_of(spec.Get("capacity"), "capacity");
  LM_CHECK(capacity > 0, "ERR_CONFIG", "Expected room for at least one sample");
  return std::make_shared<StreamSamples>(raw, integer_of(spec.Get("classes"), "classes"), capacity);
}

}  // namespace

Napi::Function SourceWrap::define(Napi::Env env) {
  return DefineClass(env, "Source",
                     {InstanceMethod<&SourceWrap::name>("name"), InstanceMethod<&SourceWrap::push>("push"),
                      InstanceMethod<&SourceWrap::end>("end"), InstanceMethod<&SourceWrap::fail>("fail"),
                      InstanceMethod<&SourceWrap::close>("close")});
}

SourceWrap::SourceWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    Value().TypeTag(&kTag);
    const auto spec = info[0].As<Napi::Object>();
    const std::string kind = text_of(spec.Get("kind"), "kind");
    if (kind == "memory") samples_ = memory_of(spec);
    if (kind == "files") samples_ = files_of(spec);
    if (kind == "ranges") samples_ = ranges_of(spec);
    if (kind == "stream") samples_ = stream_ = stream_of(spec);
    LM_CHECK(samples_ != nullptr, "ERR_CONFIG", "Unknown kind of source");
    if (stream_) {
      StreamSamples* stream = stream_.get();
      return EnvState::of(info.Env()).stop_at_end(stream_, [stream] { stream->stop(); });
    }
    const std::optional<RawSize> raw = samples_->raw();
    bytes_ = samples_->count() * (raw ? raw->bytes() + 4 : 32);
  });
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytes_);
}

SourceWrap::~SourceWrap() { forget(); }

void SourceWrap::forget() {
  if (!samples_) return;
  if (stream_) stream_->end();
  stream_.reset();
  samples_.reset();
  Napi::MemoryManagement::AdjustExternalMemory(Env(), -bytes_);
}

void SourceWrap::close(const Napi::CallbackInfo&) { forget(); }

std::shared_ptr<Samples> SourceWrap::samples() const { return alive(samples_, "data"); }

Napi::Value SourceWrap::name(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const int64_t i = integer_of(info[0], "index");
    LM_CHECK(i >= 0 && i < samples()->count(), "ERR_CONFIG", "There is no sample ", i);
    return Napi::String::New(info.Env(), samples()->name(i));
  });
}

// Gives a sample to a stream; resolves to whether it was taken, once there was room.
Napi::Value SourceWrap::push(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto stream = alive(stream_, "stream");
    const at::Tensor bytes = bytes_of(info[0], "image");
    const int64_t label = integer_of(info[1], "label");
    const std::optional<RawSize> raw = stream->raw();
    LM_CHECK(!raw || raw->bytes() == bytes.numel(), "ERR_SHAPE", "Expected ", raw ? raw->bytes() : 0,
             " bytes for an image but received ", bytes.numel());
    LM_CHECK(label >= 0 && label < stream->classes(), "ERR_DATASET", "Expected a label below ",
             stream->classes(), " but received ", label);
    auto taken = std::make_shared<bool>(false);
    const uint8_t* data = bytes.data_ptr<uint8_t>();
    auto copy = std::make_shared<std::vector<uint8_t>>(data, data + bytes.numel());
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kWaiting, [=] { *taken = stream->push(std::move(*copy), label); },
            [=](Napi::Env env) { return Napi::Boolean::New(env, *taken); });
  });
}

void SourceWrap::end(const Napi::CallbackInfo&) {
  if (stream_) stream_->end();
}

void SourceWrap::fail(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    if (stream_) stream_->fail_with(text_of(info[0], "reason"));
  });
}

}  // namespace lm::binding
