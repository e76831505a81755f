// The training loop: chunks of steps, each forward, loss, backward, update. Runs on the compute thread.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/draws.h"
#include "core/loss.h"
#include "core/mixing.h"
#include "core/model.h"
#include "core/optimizer.h"

namespace lm {

struct ChunkResult {
  std::vector<double> losses;  // mean loss of every step done
  int64_t correct1 = 0, correct5 = 0, samples = 0;
  double seconds = 0;
  std::string not_finite;  // layer where the first non-finite value appeared; empty when there was none
  bool exhausted = false;  // the source has no more batches
};

struct TrainerOptions {
  uint64_t seed = 0;  // of what steps draw
  Memory memory = Memory::kStore;
  int every = 1;
  MixingSpec mixing;
  LossSpec loss;
};

class Trainer {
 public:
  Trainer(Model& model, BatchSource& source, OptimizerSpec optimizer, TrainerOptions options = {});

  // Steps first, first + 1, …, one for each row of scalars; ends early when `stop` is set or a value is not
  // finite: the weights and statistics are then those of the last good step.
  ChunkResult run(int64_t first, const std::vector<StepScalars>& scalars, const std::atomic<bool>& stop,
                  const std::function<void()>& between_steps);

 private:
  // A batch as the network and the loss take it.
  struct Inputs {
    at::Tensor x, targets;
    at::Tensor labels;  // those with the largest share of their image
  };

  Inputs inputs(int64_t number, const Batch& batch, const StepScalars& scalars);
  void step(int64_t number, const Batch& batch, const StepScalars& scalars, int64_t row);
  std::string name_not_finite(int64_t number, const StepScalars& scalars);
  const Plan& plan_for(const at::Tensor& x);
  DrawKey key(int64_t number) const { return {options_.seed, number, 0}; }

  Model& model_;
  BatchSource& source_;
  OptimizerSpec optimizer_;
  TrainerOptions options_;
  Weights pending_;  // running statistics of the step under way, committed with its update
  at::Tensor bad_;   // float [1]: 1 once a loss or gradient was not finite
  at::Tensor losses_, correct_;
};

}  // namespace lm
