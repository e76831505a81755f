// The training loop: chunks of steps, each forward, loss, backward, update. Runs on the compute thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/batch.h"
#include "core/capture/captured_steps.h"
#include "core/loss.h"
#include "core/model.h"
#include "core/run/draws.h"
#include "core/train/clipping.h"
#include "core/train/loss_scale.h"
#include "core/train/mixing.h"
#include "core/train/optimizer.h"
#include "core/train/shared_steps.h"

namespace lm {

struct ChunkResult {
  std::vector<double> losses;  // mean loss of every step done
  int64_t correct1 = 0, correct5 = 0, samples = 0;
  double seconds = 0;
  std::string not_finite;  // layer where the first non-finite value appeared; empty when there was none
  bool exhausted = false;  // the source has no more batches, here or on another rank
  // With other ranks: what each said where they took no further step; else empty.
  std::vector<Say> said;
  std::optional<LossScale> loss_scale;
  CapturedSteps::Counts captured;
  std::string capture_failure;  // why steps are not recorded, once; empty: they are, or nobody asked for it
  size_t stray_bytes = 0;       // that outlived the op that took them: none, for all places are planned
};

struct TrainerOptions {
  uint64_t seed = 0;  // of what steps draw
  PlanOptions plan{.training = true, .backward = true};
  MixingSpec mixing;
  LossSpec loss;
  ClipSpec clip;
  bool deterministic = true;  // cuDNN's algorithms: the same bits every time
  bool capture = false;       // work on a device is recorded, and done again at one call
  bool ema = false;           // average the weights and statistics into the set "ema"
  int64_t accumulate = 1;     // batches of a step: their gradients are averaged
  int64_t batches = 0;        // only the first so many of the first pass, again and again; 0: all
  SharingOptions sharing;     // with other ranks

  // Steps of one pass: batches that make no whole step are left out.
  int64_t steps_per_epoch(const BatchSource& source) const {
    return (batches > 0 ? std::min(batches, source.batches()) : source.batches()) / accumulate;
  }
};

class Trainer {
 public:
  // `ranks`: those that take every step together with this process, or null. A batch is what one rank sees.
  Trainer(Model& model, BatchSource& source, OptimizerSpec optimizer, TrainerOptions options = {},
          Ranks* ranks = nullptr);

  // Steps first, first + 1, …, one for each row of scalars; ends early when `stop` is set or a value is not
  // finite: the weights and statistics are then those of the last good step. With a scaled loss such a step
  // is skipped and the scale halved, until it is below 1. `scale` is as the steps before left it.
  ChunkResult run(int64_t first, const std::vector<StepScalars>& scalars,
                  const std::optional<LossScale>& scale, const std::atomic<bool>& stop,
                  const std::function<void()>& between_steps);

  // Is told of every piece of the steps from now on.
  void observe(Observer seen) { seen_ = std::move(seen); }

 private:
  // A batch of a step, by its number in the order of the source.
  struct Place {
    int64_t step, batch;
  };

  // A batch of which the host has told the device all that it knows.
  struct Part {
    Session& session;
    at::Tensor pixels, labels;
    bool is_mixed;
  };

  // What the loss takes, beside the images in the session.
  struct Targets {
    at::Tensor shares;  // of every class
    at::Tensor labels;  // those with the largest share of their image
  };

  void begin_chunk(int64_t count, const std::optional<LossScale>& scale);
  bool read_metrics(int64_t count, ChunkResult& into) const;
  Part prepare(Place at, const Batch& batch, const StepScalars& scalars, int64_t row);
  Targets load(const Part& part);
  bool step(int64_t number, const StepScalars& scalars, int64_t row);
  void take(Place at, const Batch& batch, const StepScalars& scalars, int64_t row);
  CapturedSteps::Key key_of(const Part& part) const;
  void compute(const Part& part);
  void begin_step();
  void finish_step();
  void begin_together();
  bool takes(const Batch& batch);
  void judge(const at::Tensor& loss);
  void fill(StepTable& table, int64_t step, const StepScalars& scalars, int64_t row) const;
  void update_weights();
  void saw(Piece::Kind kind) const {
    if (seen_) seen_({kind});
  }
  void forget_frozen_gradients();
  void average(const at::Tensor& decay);
  void adapt_scale();
  std::string name_not_finite(int64_t number, const StepScalars& scalars);
  std::string name_not_finite_in(Place at, const Batch& batch, const StepScalars& scalars);
  // Number of a step's batch in the order of the source.
  int64_t batch_number(int64_t step, int64_t part) const;
  bool failed() const { return bad_.item<float>() != 0; }
  bool on_cpu() const { return model_.options().device().is_cpu(); }  // where reading a flag costs nothing
  // A failed batch ends the step at once; but a skipped step takes all of its batches, for the next one
  // follows.
  bool fails_at_once() const { return on_cpu() && !scale_ && !shared_; }
  // Batches whose gradients make one step, of all ranks.
  double batches_of_step() const {
    return static_cast<double>(options_.accumulate) * (shared_ ? shared_->world() : 1);
  }
  // Whether steps do the same work whatever is drawn, and so can be recorded. All ranks go step by step.
  bool captures() const { return captured_.on() && !seen_; }
  bool is_last_part() const { return part_ + 1 == options_.accumulate; }
  Session& session_for(const at::Tensor& pixels);

  Model& model_;
  BatchSource& source_;
  OptimizerSpec optimizer_;
  std::optional<FlatGroups> groups_;  // where the device's kernels update whole sets
  TrainerOptions options_;
  Session* session_ = nullptr;       // of the batch before: the step's table is there
  Weights pending_;                  // running statistics of the step under way, committed with its update
  std::optional<ScaledLoss> scale_;  // none: the loss is not scaled
  at::Tensor
      bad_;  // float [1]: 1 once a loss or gradient was not finite; with a scaled loss, of the step under way
  at::Tensor losses_, correct_, good_steps_;  // of the chunk
  at::Tensor step_loss_, step_correct_;       // of the step under way
  CapturedSteps captured_;
  int64_t part_ = 0;        // of the step: the batch under way
  size_t stray_bytes_ = 0;  // of the chunk
  bool exhausted_ = false;  // the source has no more batches
  std::optional<SharedSteps> shared_;
  bool has_begun_ = false;  // all ranks have the same weights
  const std::atomic<bool>* stop_ = nullptr;
  std::vector<Say> said_;  // where the ranks took no further step
  Observer seen_;
};

}  // namespace lm
