#include "binding/parse.h"

#include <cmath>
#include <cstring>

namespace lm::binding {
namespace {

Value list_of(const Napi::Array& array) {
  Value::List items;
  items.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) items.push_back(to_value(array.Get(i)));
  return {std::move(items)};
}

Value record_of(const Napi::Object& object) {
  Value::Record fields;
  const Napi::Array names = object.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const Napi::Value name = names.Get(i);
    const Napi::Value field = object.Get(name);
    if (!field.IsUndefined()) fields.emplace(name.As<Napi::String>().Utf8Value(), to_value(field));
  }
  return {std::move(fields)};
}

// The elements of a typed array, copied into a tensor of the matching type.
at::Tensor copy_of(const Napi::Value& value, napi_typedarray_type type, at::ScalarType dtype,
                   const char* name) {
  const bool fits = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
  LM_CHECK(fits, "ERR_CONFIG", "Expected a typed array of another kind for `", name, "`");
  const auto array = value.As<Napi::TypedArray>();
  at::Tensor out = at::empty({static_cast<int64_t>(array.ElementLength())}, dtype);
  const auto* from = static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  if (array.ByteLength() > 0) std::memcpy(out.data_ptr(), from, array.ByteLength());
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

Value to_value(const Napi::Value& value) {
  if (value.IsNull() || value.IsUndefined()) return {};
  if (value.IsBoolean()) return {value.As<Napi::Boolean>().Value()};
  if (value.IsNumber()) return {value.As<Napi::Number>().DoubleValue()};
  if (value.IsString()) return {value.As<Napi::String>().Utf8Value()};
  if (value.IsArray()) return list_of(value.As<Napi::Array>());
  LM_CHECK(value.IsObject() && !value.IsFunction(), "ERR_GRAPH", "Expected plain data");
  return record_of(value.As<Napi::Object>());
}

at::Tensor bytes_of(const Napi::Value& value, const char* name) {
  return copy_of(value, napi_uint8_array, at::kByte, name);
}

at::Tensor doubles_of(const Napi::Value& value, const char* name) {
  return copy_of(value, napi_float64_array, at::kDouble, name);
}

at::Tensor labels_of(const Napi::Value& value, const char* name) {
  return copy_of(value, napi_int32_array, at::kInt, name).to(at::kLong);
}

at::Tensor floats_of(const Napi::Value& value, const char* name) {
  const bool single =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  return single ? copy_of(value, napi_float32_array, at::kFloat, name) : doubles_of(value, name);
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
