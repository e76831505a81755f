// A training on seeded random images, as a check program is told.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "check/profile/profile.h"
#include "check/training/options.h"
#include "check/training/random_images.h"
#include "core/run/device_feed.h"
#include "core/train/trainer.h"

namespace lm {

// What some steps came to.
struct Findings {
  std::vector<double> losses;
  std::vector<double> milliseconds;     // of a step, one number a chunk, in order
  std::map<std::string, double> norms;  // of gradients, in the last step of the first chunk of all
  size_t activation_bytes = 0, stray_bytes = 0;
  int64_t replayed = 0;      // batches whose work was recorded before
  std::string not_captured;  // why none is recorded, where that was asked for; told once
  double page_faults = 0;    // a step, of those after the first chunk of all

  double median() const;
};

class Training {
 public:
  explicit Training(const Options& options);

  Model& model() { return *model_; }
  // So many steps after those before.
  Findings run(int64_t steps);
  // Of so many steps, after one that is not watched.
  Profile profile(int64_t steps);
  // The weights as they are, in the order of the graph's parameters (float32 or float64, each in the order of
  // its dimensions), all images (uint8 [4 batch, h, w, c]) and labels (int64): three files, for other
  // programs.
  void write(const std::string& folder);

 private:
  StepScalars scalars_;
  int64_t chunk_, done_ = 0;
  OptimizerSpec optimizer_;
  TrainerOptions options_;
  std::optional<Model> model_;
  std::shared_ptr<RandomImages> images_;
  std::shared_ptr<BatchSource> feed_;
  std::optional<Trainer> trainer_;
};

}  // namespace lm
