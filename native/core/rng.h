// Counter-based randomness: a stream is named by (seed, purpose, a, b) and owes nothing to what was drawn
// elsewhere.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace lm {

class Rng {
 public:
  Rng(uint64_t seed, std::string_view purpose, uint64_t a = 0, uint64_t b = 0);
  explicit Rng(uint64_t key) : key_(key) {}  // the stream of that name

  uint64_t next();                       // 64 random bits
  double uniform();                      // in [0, 1), 53 bits
  double normal();                       // mean 0, deviation 1
  double beta(double a, double b);       // in [0, 1], a and b positive
  uint64_t below(uint64_t limit);        // in [0, limit), unbiased
  uint64_t key() const { return key_; }  // names the stream: value i is a hash of it and i

 private:
  double log_gamma(double shape);  // logarithm of a gamma variate

  uint64_t key_, counter_ = 0;
  double spare_ = 0;
  bool has_spare_ = false;
};

// 0 .. count - 1 in random order.
std::vector<int64_t> permutation(Rng rng, int64_t count);

}  // namespace lm
