// The test device as tests handle it; that it is there at all registers it with libtorch.
// test/device/testDevice.ts types this.

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>

#include "binding/napi_setup.h"
#include "counters.h"
#include "memory.h"
#include "streams.h"

namespace lm::device {
namespace {

const at::Device device{at::kPrivateUse1, 0};

at::TensorOptions numbers() { return at::TensorOptions().dtype(at::kDouble).device(device); }

// --- programs that each do something wrong on purpose

double read_on_host() { return *at::ones({4}, numbers()).data_ptr<double>(); }

double write_on_host() {
  const at::Tensor t = at::ones({4}, numbers());
  return *t.data_ptr<double>() = 2;
}

double mix_devices() {
  return at::add(at::ones({4}, numbers()), at::ones({4}, at::kDouble)).sum().item<double>();
}

// The numbers come on another stream, and the sum does not wait for them.
double miss_event() {
  const at::Tensor there = at::empty({4}, numbers());
  const at::Tensor here = at::ones({4}, at::TensorOptions().dtype(at::kDouble).pinned_memory(true));
  {
    const c10::StreamGuard guard(
        c10::impl::VirtualGuardImpl(at::kPrivateUse1).getStreamFromGlobalPool(device));
    there.copy_(here, /*non_blocking=*/true);
  }
  return there.sum().item<double>();
}

double overwrite_early() {
  const at::Tensor here = at::ones({4}, at::TensorOptions().dtype(at::kDouble).pinned_memory(true));
  const at::Tensor there = here.to(device, /*non_blocking=*/true);
  here.fill_(2);
  return there.sum().item<double>();
}

double read_early() {
  const at::Tensor here = at::zeros({1}, at::TensorOptions().dtype(at::kDouble).pinned_memory(true));
  here.copy_(at::ones({1}, numbers()), /*non_blocking=*/true);
  return *here.data_ptr<double>();
}

// Memory of one stream, given back while another is to read it.
double use_after_free() {
  const c10::Stream other = c10::impl::VirtualGuardImpl(at::kPrivateUse1).getStreamFromGlobalPool(device);
  at::Tensor sum;
  {
    const at::Tensor ones = at::ones({4}, numbers());
    c10::Event written(at::kPrivateUse1);
    written.record(c10::impl::VirtualGuardImpl(at::kPrivateUse1).getStream(device));
    written.block(other);
    const c10::StreamGuard guard(other);
    sum = ones.sum();
  }
  const double twos = at::full({4}, 2, numbers()).sum().item<double>();
  const c10::StreamGuard guard(other);
  return sum.item<double>() + twos;
}

double use_freed() {
  void* const address = at::ones({4096}, numbers()).data_ptr();
  return at::from_blob(address, {4096}, numbers()).sum().item<double>();
}

double leave_unwritten() { return at::empty({4}, numbers()).sum().item<double>(); }

const std::map<std::string, double (*)()> mistakes{
    {"read on the host", read_on_host},   {"write on the host", write_on_host},
    {"mix devices", mix_devices},         {"miss an event", miss_event},
    {"overwrite early", overwrite_early}, {"read early", read_early},
    {"use after free", use_after_free},   {"use what was freed", use_freed},
    {"leave unwritten", leave_unwritten},
};

// --- the border

template <typename Work>
Napi::Value guarded(Napi::Env env, const Work& work) {
  try {
    return work();
  } catch (const c10::Error& e) {
    Napi::Error::New(env, e.what_without_backtrace()).ThrowAsJavaScriptException();
  } catch (const std::exception& e) {
    Napi::Error::New(env, e.what()).ThrowAsJavaScriptException();
  }
  return env.Undefined();
}

Napi::Value make_mistake(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return Napi::Number::New(info.Env(), mistakes.at(info[0].As<Napi::String>())());
  });
}

Napi::Value list_mistakes(const Napi::CallbackInfo& info) {
  Napi::Array names = Napi::Array::New(info.Env());
  for (const auto& [name, program] : mistakes) names.Set(names.Length(), name);
  return names;
}

// The counts since the last call.
Napi::Value take_counts(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  Counters& all = counters();
  const auto put = [&](const char* name, std::atomic<int64_t>& count) {
    out.Set(name, static_cast<double>(count.exchange(0)));
  };
  put("kernels", all.kernels);
  put("toDevice", all.to_device);
  put("toHost", all.to_host);
  put("replays", all.replays);
  put("streamWaits", all.stream_waits);
  put("eventWaits", all.event_waits);
  out.Set("liveBytes", static_cast<double>(memory_count().live));
  out.Set("peakBytes", static_cast<double>(memory_count().peak));
  return out;
}

void choose_schedule(const Napi::CallbackInfo& info) {
  set_schedule(info[0].As<Napi::String>().Utf8Value() == "ahead" ? Schedule::kAhead : Schedule::kLate);
}

void limit(const Napi::CallbackInfo& info) {
  limit_memory(static_cast<size_t>(info[0].As<Napi::Number>().Int64Value()));
}

void lose(const Napi::CallbackInfo& info) { lose_after(info[0].As<Napi::Number>().Int64Value()); }

void lose_launch(const Napi::CallbackInfo& info) { lose_at_launch(info[0].As<Napi::Number>().Int64Value()); }

void mend(const Napi::CallbackInfo&) { recover(); }

// fault(name, on): the device without one kind of its calls.
Napi::Value set_fault(const Napi::CallbackInfo& info) {
  const std::map<std::string, std::atomic<bool>*> known{{"noWaitsOfCopies", &faults().no_waits_of_copies},
                                                        {"noWaitsOfKernels", &faults().no_waits_of_kernels},
                                                        {"noHostWaits", &faults().no_host_waits},
                                                        {"noCopies", &faults().no_copies},
                                                        {"noRecordings", &faults().no_recordings},
                                                        {"brokenRecordings", &faults().broken_recordings},
                                                        {"noKernels", &faults().no_kernels},
                                                        {"foreignKernels", &faults().foreign_kernels}};
  return guarded(info.Env(), [&] {
    *known.at(info[0].As<Napi::String>()) = info[1].ToBoolean();
    return info.Env().Undefined();
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("mistakes", Napi::Function::New<list_mistakes>(env));
  exports.Set("makeMistake", Napi::Function::New<make_mistake>(env));
  exports.Set("takeCounts", Napi::Function::New<take_counts>(env));
  exports.Set("setSchedule", Napi::Function::New<choose_schedule>(env));
  exports.Set("limitMemory", Napi::Function::New<limit>(env));
  exports.Set("loseAfter", Napi::Function::New<lose>(env));
  exports.Set("loseAtLaunch", Napi::Function::New<lose_launch>(env));
  exports.Set("recover", Napi::Function::New<mend>(env));
  exports.Set("setFault", Napi::Function::New<set_fault>(env));
  return exports;
}

}  // namespace
}  // namespace lm::device

Napi::Object InitAll(Napi::Env env, Napi::Object exports) { return lm::device::init(env, exports); }

NODE_API_MODULE(test_device, InitAll)
