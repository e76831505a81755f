// The addon's exports, as src/native/binding.ts types them; nothing else.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <c10/core/DeviceGuard.h>

#include "binding/errors.h"
#include "binding/file_lock.h"
#include "binding/images.h"
#include "binding/job_thread.h"
#include "binding/napi_setup.h"
#include "binding/parse.h"
#include "binding/wraps/loader_wrap.h"
#include "binding/wraps/model_wrap.h"
#include "binding/wraps/ranks_wrap.h"
#include "binding/wraps/scan_wrap.h"
#include "binding/wraps/source_wrap.h"
#include "binding/wraps/trainer_wrap.h"
#include "core/allocator.h"
#include "core/device.h"
#include "core/libtorch.h"
#include "core/ops/op.h"

namespace lm::binding {
namespace {

Napi::Value info(const Napi::CallbackInfo& call) {
  return guarded(call.Env(), [&]() -> Napi::Value {
    Napi::Env env = call.Env();
    Napi::Object out = Napi::Object::New(env);
    out.Set("builtFor", TORCH_VERSION);
    out.Set("cudaDevices",
            at::hasCUDA() ? static_cast<double>(at::detail::getCUDAHooks().deviceCount()) : 0.0);
    out.Set("threads", get_threads());
    out.Set("cpuCapability", at::get_cpu_capability());
    Napi::Array ops = Napi::Array::New(env);
    for (const std::string& name : op_names()) ops.Set(ops.Length(), name);
    out.Set("ops", ops);
    return out;
  });
}

// Whether products of bfloat16 are faster there than those of float32: AMX, tensor cores from Ampere on.
Napi::Value multiplies_bfloat16(const Napi::CallbackInfo& call) {
  return guarded(call.Env(), [&]() -> Napi::Value {
    const at::Device device(text_of(call[0], "device"));
    bool is_native = false;
    if (device.is_cuda()) {
      const c10::DeviceGuard guard(device);
      is_native = at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
    }
#ifdef __x86_64__
    // The second asks the kernel for leave to use tiles.
    if (device.is_cpu()) is_native = __builtin_cpu_supports("amx-bf16") && at::cpu::init_amx();
#endif
    return Napi::Boolean::New(call.Env(), is_native);
  });
}

void configure(const Napi::CallbackInfo& call) {
  guarded(call.Env(), [&] {
    const int64_t threads = integer_of(call[0].As<Napi::Object>().Get("threads"), "threads");
    LM_CHECK(threads > 0 && threads <= 1024, "ERR_CONFIG", "Expected 1 to 1024 for `threads` but received ",
             threads);
    set_threads(static_cast<int>(threads));
  });
}

Napi::Value memory(const Napi::CallbackInfo& call) {
  const MemoryUse use = memory_use();
  if (call[0].ToBoolean()) reset_peak();
  Napi::Object out = Napi::Object::New(call.Env());
  out.Set("live", static_cast<double>(use.live));
  out.Set("peak", static_cast<double>(use.peak));
  out.Set("cached", static_cast<double>(use.cached));
  return out;
}

Napi::Value room_on_device(const Napi::CallbackInfo& call) {
  return guarded(call.Env(), [&]() -> Napi::Value {
    const std::optional<size_t> bytes = room_on(at::Device(text_of(call[0], "device")));
    return bytes ? Napi::Number::New(call.Env(), static_cast<double>(*bytes)) : call.Env().Null();
  });
}

void set_error_factory(const Napi::CallbackInfo& call) {
  EnvState::of(call.Env()).error_factory = Napi::Persistent(call[0].As<Napi::Function>());
}

// process.exit() runs the destructors of libtorch's globals, but none of Node's cleanup hooks.
void end_jobs(const Napi::CallbackInfo& call) { EnvState::of(call.Env()).end_jobs(); }

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new EnvState(env));
  install_caching_allocator();
  choose_algorithms(/*deterministic=*/true);
  exports.Set("info", Napi::Function::New<info>(env, "info"));
  exports.Set("multipliesBfloat16", Napi::Function::New<multiplies_bfloat16>(env, "multipliesBfloat16"));
  exports.Set("configure", Napi::Function::New<configure>(env, "configure"));
  exports.Set("memory", Napi::Function::New<memory>(env, "memory"));
  exports.Set("roomOn", Napi::Function::New<room_on_device>(env, "roomOn"));
  exports.Set("setErrorFactory", Napi::Function::New<set_error_factory>(env, "setErrorFactory"));
  exports.Set("endJobs", Napi::Function::New<end_jobs>(env, "endJobs"));
  exports.Set("lockFile", Napi::Function::New<lock_file>(env, "lockFile"));
  exports.Set("formatOf", Napi::Function::New<format_of_file>(env, "formatOf"));
  exports.Set("imageSize", Napi::Function::New<image_size>(env, "imageSize"));
  exports.Set("transformImage", Napi::Function::New<transform_image>(env, "transformImage"));
  exports.Set("packJpeg", Napi::Function::New<pack_jpeg_file>(env, "packJpeg"));
  exports.Set("Model", ModelWrap::define(env));
  exports.Set("Source", SourceWrap::define(env));
  exports.Set("Loader", LoaderWrap::define(env));
  exports.Set("Ranks", RanksWrap::define(env));
  exports.Set("Scan", ScanWrap::define(env));
  exports.Set("Trainer", TrainerWrap::define(env));
  return exports;
}

}  // namespace
}  // namespace lm::binding

Napi::Object InitAll(Napi::Env env, Napi::Object exports) { return lm::binding::init(env, exports); }

NODE_API_MODULE(lm_resnet, InitAll)
