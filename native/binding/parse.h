// JS objects to plain values and tensors. Copies, so that a view, a resized or a detached buffer cannot hurt
// later.
#pragma once

#include <ATen/ATen.h>

#include <array>

#include "binding/napi_setup.h"
#include "core/plan/plan.h"
#include "core/value.h"

namespace lm::binding {

Value to_value(const Napi::Value& value);

at::Tensor bytes_of(const Napi::Value& value, const char* name);               // Uint8Array -> uint8 [n]
at::Tensor doubles_of(const Napi::Value& value, const char* name);             // Float64Array -> double [n]
std::vector<int32_t> integers_of(const Napi::Value& value, const char* name);  // Int32Array
at::Tensor floats_of(const Napi::Value& value, const char* name);              // Float64Array or Float32Array

// Numbers in a row as images [n, h, w, c]; throws `code` unless there are as many.
at::Tensor images_of(const at::Tensor& flat, const std::array<int64_t, 4>& shape, const char* code);

// { kind: 'store' | 'recompute' | 'reverse', every } -> the strategy and its number of steps; null: store
std::pair<Memory, int> memory_of(const Value* value);

// 'none' | 'bfloat16' | 'float16'; null: none
Precision precision_of(const Value* value);
Precision precision_of(const Napi::Value& value);

int64_t integer_of(const Napi::Value& value, const char* name);
std::string text_of(const Napi::Value& value, const char* name);

Napi::Value to_float32(Napi::Env env, const at::Tensor& tensor);
Napi::Value to_float64(Napi::Env env, const at::Tensor& tensor);
Napi::Object to_tensor(Napi::Env env, const at::Tensor& tensor);  // { shape, data: Float64Array }

}  // namespace lm::binding
