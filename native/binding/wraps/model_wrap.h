#pragma once

#include <memory>
#include <optional>

#include "binding/job_thread.h"
#include "binding/napi_setup.h"
#include "core/model.h"

namespace lm::binding {

// What jobs share. The model itself is made by the first job, on its compute thread: drawing weights takes a
// while.
struct ModelState {
  ModelState(Graph graph, const ModelOptions& options, Lane lane)
      : graph(std::move(graph)), options(options), lane(lane) {}

  Graph graph;
  ModelOptions options;
  Lane lane;

  Model& model() {
    if (!model_) model_.emplace(graph, options);
    return *model_;
  }

 private:
  std::optional<Model> model_;
};

class ModelWrap final : public Napi::ObjectWrap<ModelWrap> {
 public:
  static constexpr napi_type_tag kTag{0x6c6d2d7265736e65, 0x742d6d6f64656c01};
  static Napi::Function define(Napi::Env env);

  explicit ModelWrap(const Napi::CallbackInfo& info);
  ~ModelWrap() override;
  std::shared_ptr<ModelState> state() const;

 private:
  Napi::Value predict(const Napi::CallbackInfo& info);
  Napi::Value evaluate(const Napi::CallbackInfo& info);
  Napi::Value vjp(const Napi::CallbackInfo& info);
  Napi::Value probe(const Napi::CallbackInfo& info);
  Napi::Value shapes(const Napi::CallbackInfo& info);
  Napi::Value step_bytes(const Napi::CallbackInfo& info);
  Napi::Value read_tensor(const Napi::CallbackInfo& info);
  Napi::Value write_tensor(const Napi::CallbackInfo& info);
  Napi::Value fill(const Napi::CallbackInfo& info);
  Napi::Value copy(const Napi::CallbackInfo& info);
  Napi::Value bytes(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void forget();

  std::shared_ptr<ModelState> state_;
  int64_t bytes_ = 0;
};

}  // namespace lm::binding
