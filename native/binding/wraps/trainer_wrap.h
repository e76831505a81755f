#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "binding/ending_source.h"
#include "binding/job_thread.h"
#include "binding/napi_setup.h"
#include "binding/waiting_source.h"
#include "binding/wraps/model_wrap.h"
#include "binding/wraps/ranks_wrap.h"
#include "core/run/device_feed.h"
#include "core/train/trainer.h"
#include "data/loader/loader.h"

namespace lm::binding {

// What jobs share: the trainer is made by the first chunk, on the compute thread.
struct TrainerState {
  std::shared_ptr<ModelState> model;
  std::shared_ptr<Loader> loader;
  OptimizerSpec optimizer;
  TrainerOptions options;
  std::shared_ptr<RanksState> ranks;           // null: alone
  std::shared_ptr<std::atomic<bool>> closing;  // the environment's
  std::atomic<bool> stop{false};

  // Between steps, and while a batch is waited for.
  void let_others_pass() {
    if (*closing) {
      stop = true;
      loader->stop();
    }
    run_waiting_short_jobs();
  }

  Trainer& trainer() {
    if (!trainer_) {
      auto waiting = std::make_shared<WaitingSource>(loader, [this] { let_others_pass(); });
      feed_ = std::make_unique<EndingSource>(feed_to(std::move(waiting), model->options.device));
      trainer_.emplace(model->model(), *feed_, optimizer, options, ranks ? &ranks->ranks() : nullptr);
    }
    return *trainer_;
  }
  // Why the last chunk has fewer steps than asked; null where its batches were there.
  std::exception_ptr take_failure() { return feed_->take_failure(); }

 private:
  std::unique_ptr<EndingSource> feed_;
  std::optional<Trainer> trainer_;

 public:
  TrainerState(std::shared_ptr<ModelState> model, std::shared_ptr<Loader> loader, OptimizerSpec optimizer,
               TrainerOptions options, std::shared_ptr<RanksState> ranks,
               std::shared_ptr<std::atomic<bool>> closing)
      : model(std::move(model)),
        loader(std::move(loader)),
        optimizer(std::move(optimizer)),
        options(options),
        ranks(std::move(ranks)),
        closing(std::move(closing)) {}
};

class TrainerWrap final : public Napi::ObjectWrap<TrainerWrap> {
 public:
  static constexpr napi_type_tag kTag{0x6c6d2d7265736e65, 0x742d747261696e03};
  static Napi::Function define(Napi::Env env);

  explicit TrainerWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value steps_per_epoch(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  void stop(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<TrainerState> state_;
};

}  // namespace lm::binding
