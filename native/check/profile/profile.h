// Where the time of a training step goes: every piece of it, timed in steps that are watched, beside what it
// must move and compute, and what the machine can.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "check/profile/cost.h"
#include "check/profile/machine.h"

namespace lm {

// A piece of a step, or several of one kind.
struct ProfileRow {
  std::string stage{};          // prepare, forward, loss, backward, check, update
  std::string name{};           // of the op, or of what is no op
  std::string path{}, shape{};  // of one piece
  int64_t pieces = 1;
  double seconds = 0;
  Cost cost{};
  double bound = 0;  // seconds that the machine's rates leave no way around: of copying or multiplying
};

struct Profile {
  Machine machine;
  std::vector<ProfileRow> kinds{}, stages{};
  std::vector<ProfileRow> pieces{};  // in the order of the step
  ProfileRow sum{};
};

class Profiler {
 public:
  explicit Profiler(at::Device device) : device_(device) {}

  void begin();
  void see(const Piece& piece);
  void end_step();
  // Medians over the steps.
  Profile finish(const Plan& plan, const OptimizerSpec& optimizer, const StepScalars& scalars,
                 const at::TensorOptions& type) const;

 private:
  double lap();

  at::Device device_;
  std::chrono::steady_clock::time_point last_{};
  std::vector<Piece> pieces_;
  std::vector<std::vector<double>> steps_;
  std::vector<double> step_;
};

// One JSON object; with `each` also the pieces one by one.
std::string to_json(const Profile& profile, bool each);
// For people.
std::string to_table(const Profile& profile, bool each);

}  // namespace lm
