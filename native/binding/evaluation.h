// An evaluation as the border has it: plain options in, a plain object out.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "binding/napi_setup.h"
#include "core/evaluate.h"
#include "core/value.h"
#include "data/loader/loader.h"

namespace lm::binding {

using Loaders = std::vector<std::shared_ptr<Loader>>;

struct Evaluated {
  Evaluation found;
  std::vector<BadImage> bad;  // those that any view met, each once
};

EvaluateOptions parse_evaluate(const Value& options);
// One for every view of a source.
Loaders loaders_of(const Napi::Value& source, const Napi::Value& specs);
// On the compute thread, where the loaders end too, with the job that holds them: the JS thread never waits
// for theirs. `meanwhile`, which may throw, runs between batches and while one is waited for.
Evaluated run_evaluation(Model& model, const Loaders& loaders, const EvaluateOptions& options,
                         const std::function<void()>& meanwhile, Ranks* ranks = nullptr);
Napi::Value to_js(Napi::Env env, const Evaluated& evaluated);

}  // namespace lm::binding
