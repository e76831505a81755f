#include "binding/parse.h"

#include <cmath>
#include <cstring>

namespace lm::binding {
namespace {

constexpr int kDeepest = 16;  // of nested objects; one that holds itself has no end

Value value_of(const Napi::Value& value, int depth);

Value list_of(const Napi::Array& array, int depth) {
  Value::List items;
  items.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) items.push_back(value_of(array.Get(i), depth));
  return {std::move(items)};
}

Value record_of(const Napi::Object& object, int depth) {
  Value::Record fields;
  const Napi::Array names = object.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const Napi::Value name = names.Get(i);
    const Napi::Value field = object.Get(name);
    if (!field.IsUndefined()) fields.emplace(name.As<Napi::String>().Utf8Value(), value_of(field, depth));
  }
  return {std::move(fields)};
}

Value value_of(const Napi::Value& value, int depth) {
  if (value.IsNull() || value.IsUndefined()) return {};
  if (value.IsBoolean()) return {value.As<Napi::Boolean>().Value()};
  if (value.IsNumber()) return {value.As<Napi::Number>().DoubleValue()};
  if (value.IsString()) return {value.As<Napi::String>().Utf8Value()};
  LM_CHECK(depth < kDeepest && value.IsObject() && !value.IsFunction(), "ERR_GRAPH", "Expected plain data");
  if (value.IsArray()) return list_of(value.As<Napi::Array>(), depth + 1);
  return record_of(value.As<Napi::Object>(), depth + 1);
}

// The elements of a typed array, copied into a tensor of the matching type.
at::Tensor copy_of(const Napi::Value& value, napi_typedarray_type type, at::ScalarType dtype,
                   const char* name) {
  const bool fits = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
  LM_CHECK(fits, "ERR_CONFIG", "Expected a typed array of another kind for `", name, "`");
  // Not through ArrayBuffer(), which knows no shared memory.
  size_t length = 0;
  void* from = nullptr;
  const napi_status status =
      napi_get_typedarray_info(value.Env(), value, nullptr, &length, &from, nullptr, nullptr);
  LM_CHECK(status == napi_ok, "ERR_CONFIG", "`", name, "` cannot be read");
  at::Tensor out = at::empty({static_cast<int64_t>(length)}, dtype);
  if (length > 0) std::memcpy(out.data_ptr(), from, out.nbytes());
  return out;
}

template <typename Array, typename T>
Napi::Value typed_array(Napi::Env env, const at::Tensor& tensor, at::ScalarType dtype) {
  const at::Tensor plain = tensor.to(at::kCPU, dtype).contiguous();
  Array out = Array::New(env, static_cast<size_t>(plain.numel()));
  if (plain.numel() > 0)
    std::memcpy(out.Data(), plain.data_ptr<T>(), static_cast<size_t>(plain.numel()) * sizeof(T));
  return out;
}

}  // namespace

Value to_value(const Napi::Value& value) { return value_of(value, 0); }

at::Tensor bytes_of(const Napi::Value& value, const char* name) {
  return copy_of(value, napi_uint8_array, at::kByte, name);
}

at::Tensor doubles_of(const Napi::Value& value, const char* name) {
  return copy_of(value, napi_float64_array, at::kDouble, name);
}

std::vector<int32_t> integers_of(const Napi::Value& value, const char* name) {
  const at::Tensor copy = copy_of(value, napi_int32_array, at::kInt, name);
  const int32_t* data = copy.data_ptr<int32_t>();
  return {data, data + copy.numel()};
}

at::Tensor floats_of(const Napi::Value& value, const char* name) {
  const bool single =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  return single ? copy_of(value, napi_float32_array, at::kFloat, name) : doubles_of(value, name);
}

at::Tensor images_of(const at::Tensor& flat, const std::array<int64_t, 4>& shape, const char* code) {
  int64_t rest = flat.numel();
  bool fits = rest > 0;
  for (int64_t size : shape) {  // one after the other: their product could overflow
    fits = fits && size > 0 && rest % size == 0;
    if (fits) rest /= size;
  }
  const auto [n, h, w, c] = shape;
  LM_CHECK(fits && rest == 1, code, "Expected ", n, " images of ", h, "x", w, "x", c, " but received ",
           flat.numel(), " numbers");
  return flat.view(shape);
}

std::pair<Memory, int> memory_of(const Value* value) {
  if (value == nullptr) return {Memory::kStore, 1};
  const std::string& kind = (*value)["kind"].text();
  const int64_t every = (*value)["every"].integer();
  LM_CHECK(every > 0 && every < (1 << 20), "ERR_CONFIG",
           "Expected 1 or more for `memory.every` but received ", every);
  if (kind == "recompute") return {Memory::kRecompute, static_cast<int>(every)};
  LM_CHECK(kind == "store" || kind == "reverse", "ERR_CONFIG", "Unknown strategy of memory \"", kind, "\"");
  return {kind == "store" ? Memory::kStore : Memory::kReverse, 1};
}

Precision precision_of(const Value* value) {
  if (value == nullptr || value->text() == "none") return Precision::kOwn;
  const bool brain = value->text() == "bfloat16";
  LM_CHECK(brain || value->text() == "float16", "ERR_CONFIG", "Unknown precision \"", value->text(), "\"");
  return brain ? Precision::kBfloat16 : Precision::kFloat16;
}

Precision precision_of(const Napi::Value& value) {
  if (value.IsUndefined()) return Precision::kOwn;
  const Value name = to_value(value);
  return precision_of(&name);
}

int64_t integer_of(const Napi::Value& value, const char* name) {
  LM_CHECK(value.IsNumber(), "ERR_CONFIG", "Expected a number for `", name, "`");
  const double number = value.As<Napi::Number>().DoubleValue();
  LM_CHECK(number == std::floor(number) && std::abs(number) < 9007199254740992.0, "ERR_CONFIG",
           "Expected an integer for `", name, "`");
  return static_cast<int64_t>(number);
}

std::string text_of(const Napi::Value& value, const char* name) {
  LM_CHECK(value.IsString(), "ERR_CONFIG", "Expected a string for `", name, "`");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Value to_float32(Napi::Env env, const at::Tensor& tensor) {
  return typed_array<Napi::Float32Array, float>(env, tensor, at::kFloat);
}

Napi::Value to_float64(Napi::Env env, const at::Tensor& tensor) {
  return typed_array<Napi::Float64Array, double>(env, tensor, at::kDouble);
}

Napi::Object to_tensor(Napi::Env env, const at::Tensor& tensor) {
  Napi::Object out = Napi::Object::New(env);
  Napi::Array shape = Napi::Array::New(env);
  for (int64_t i = 0; i < tensor.dim(); ++i)
    shape.Set(static_cast<uint32_t>(i), Napi::Number::New(env, static_cast<double>(tensor.size(i))));
  out.Set("shape", shape);
  out.Set("data", to_float64(env, tensor));
  return out;
}

}  // namespace lm::binding
