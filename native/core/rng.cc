#include "core/rng.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace lm {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): value i of a stream is a hash of key + i * odd constant.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

constexpr uint64_t kStep = 0x9e3779b97f4a7c15ULL;

uint64_t hash(std::string_view text) {  // FNV-1a
  uint64_t h = 0xcbf29ce484222325ULL;
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

}  // namespace

Rng::Rng(uint64_t seed, std::string_view purpose, uint64_t a, uint64_t b) : key_(0) {
  for (uint64_t part : {seed, hash(purpose), a, b}) key_ = mix((key_ + kStep) ^ part);
}

uint64_t Rng::next() { return mix(key_ + ++counter_ * kStep); }

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Rng::normal() {
  if (std::exchange(has_spare_, false)) return spare_;
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

// Marsaglia, Tsang 2000. In logarithms, for a variate of a small shape is often below every double.
double Rng::log_gamma(double shape) {
  if (shape < 1) {
    const double raised = log_gamma(shape + 1);
    return raised + std::log(1 - uniform()) / shape;
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(1 - uniform()) < x * x / 2 + d * (1 - v + std::log(v))) return std::log(d * v);
  }
}

double Rng::beta(double a, double b) {
  const double first = log_gamma(a), second = log_gamma(b);
  return 1 / (1 + std::exp(second - first));
}

uint64_t Rng::below(uint64_t limit) {
  const uint64_t reject =
      (0 - limit) % limit;  // 2^64 mod limit: the values that would be counted once too often
  for (;;) {
    const uint64_t value = next();
    if (value >= reject) return value % limit;
  }
}

std::vector<int64_t> permutation(Rng rng, int64_t count) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

}  // namespace lm
