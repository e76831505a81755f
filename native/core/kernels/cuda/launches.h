// What the library of CUDA kernels gives: a table of functions that start kernels on a stream, one table for
// each type of values. Only pointers and numbers cross it, so that it is bound to no version of libtorch.
// Every function returns what went wrong, or null. Numbers beside the values are of the wide type: double for
// double, else float.
#pragma once

#include <cstdint>

namespace lm::cuda {

enum class Type : int32_t { kFloat, kDouble, kHalf, kBFloat16, kTypes };

// A norm of x [rows, channels]; weight and bias may be null. `deviation` is the inverse deviation or, in
// evaluations, the variance.
struct NormCall {
  int64_t rows, channels;
  const void *x, *weight, *bias;
  double eps;
  bool relu;
  void* scratch;  // so many wide numbers as norm_scratch says
};

struct TermCall {
  const void* u;
  double number;
  const void* tensor;  // null: the number
  int64_t channels;    // of a tensor with one number for each; 0: it has one
};

// One backwards: into and sum may be null.
struct TermGradientCall {
  TermCall term;
  void *into, *sum;
};

// Flat sets of weights, in pieces of 16 numbers with a group each; what stands alone is on the device too.
struct UpdateCall {
  void *weights, *gradient, *momentum, *second;
  int64_t numbers;
  const int16_t* group_of;  // below 0: what stays as it is
  const void* scales;       // [groups, 2] wide numbers: of the learning rate, of the decay
  int64_t groups;
  const double *count, *lr, *momentum_rate, *decay;
  const float* skip;
};

struct Launches {
  int64_t (*norm_scratch)(int64_t rows, int64_t channels);
  const char* (*norm_statistics)(void* stream, const NormCall& norm, void* mean, void* invstd,
                                 void* running_mean, void* running_var, double momentum);
  const char* (*norm_apply)(void* stream, const NormCall& norm, const void* mean, const void* deviation,
                            bool by_variance, void* out);
  // into_x, into_weight and into_bias may be null; into_x may be grad.
  const char* (*norm_backward)(void* stream, const NormCall& norm, const void* mean, const void* invstd,
                               const void* grad, void* into_x, void* into_weight, void* into_bias);
  // 1 to 4 terms of so many numbers.
  const char* (*combine)(void* stream, const TermCall* terms, int count, void* out, int64_t numbers);
  int64_t (*dot_scratch)(int64_t rows, int64_t channels);
  // sum += sum of a b over all rows; with channels 0 over everything, `rows` being the numbers.
  const char* (*dot)(void* stream, const void* a, const void* b, int64_t rows, int64_t channels,
                     void* scratch, void* sum);
  // 1 to 4 terms; scratch of dot_scratch(numbers, 0) for each.
  const char* (*combine_backward)(void* stream, const void* grad, const TermGradientCall* terms, int count,
                                  int64_t numbers, void* scratch);
  // Up to 16 channels.
  const char* (*normalise)(void* stream, const uint8_t* pixels, const double* scale, const double* shift,
                           int channels, int64_t numbers, void* out);
  // x [images, height, width, channels], in place, by 5 numbers on the device: share, top, bottom, left,
  // right.
  const char* (*mix_images)(void* stream, void* x, int64_t images, int64_t height, int64_t width,
                            int64_t channels, const double* numbers);
  // Of `images` images with so many numbers each; keys on the device.
  const char* (*dropout_mask)(void* stream, const uint64_t* keys, int64_t images, int64_t each, double p,
                              void* out);
  const char* (*gaussian)(void* stream, const uint64_t* keys, int64_t images, int64_t each, double deviation,
                          void* out);
  // Where it is not `bare`, momentum is read and written unless its rate is 0.
  const char* (*sgd)(void* stream, const UpdateCall& update, double dampening, bool nesterov, bool bare);
  const char* (*adam)(void* stream, const UpdateCall& update, double beta2, double eps, bool moves);
};

// Values lie at addresses that are multiples of this.
constexpr int64_t kAlignment = 16;

// The function that the library exports: the table of a type, or null where its own is not of so many bytes.
// The number in its name counts up where arguments change: a library of other sources is left alone.
using LaunchesOf = const Launches* (*)(Type, int64_t bytes);
constexpr const char* kLaunchesOf = "lm_cuda_launches_3";

// Another one: why the current device, of this number, runs none of the kernels (there is no code for it, or
// the driver is older than CUDA's runtime in the library); null: it does.
using TroubleOn = const char* (*)(int device);
constexpr const char* kTroubleOn = "lm_cuda_trouble_1";

}  // namespace lm::cuda
