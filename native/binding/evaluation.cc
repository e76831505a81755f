#include "binding/evaluation.h"

#include <set>
#include <string>
#include <utility>

#include "binding/parse.h"
#include "binding/waiting_source.h"
#include "binding/wraps/loader_wrap.h"
#include "core/run/device_feed.h"

namespace lm::binding {

EvaluateOptions parse_evaluate(const Value& v) {
  EvaluateOptions options;
  if (const Value* weights = v.find("weights")) options.weights = weights->text();
  options.precision = precision_of(v.find("amp"));
  if (const Value* detail = v.find("detail")) options.detail = detail->boolean();
  return options;
}

Loaders loaders_of(const Napi::Value& source, const Napi::Value& specs) {
  LM_CHECK(specs.IsArray() && specs.As<Napi::Array>().Length() > 0, "ERR_CONFIG",
           "An evaluation needs a list of loaders");
  Loaders loaders;
  const auto list = specs.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) loaders.push_back(make_loader(source, list.Get(i)));
  return loaders;
}

Evaluated run_evaluation(Model& model, const Loaders& loaders, const EvaluateOptions& options,
                         const std::function<void()>& meanwhile, Ranks* ranks) {
  std::vector<std::shared_ptr<BatchSource>> feeds;
  std::vector<BatchSource*> views;
  for (const auto& loader : loaders) {
    feeds.push_back(feed_to(std::make_shared<WaitingSource>(loader, meanwhile), model.options().device()));
    views.push_back(feeds.back().get());
  }
  Evaluated out{lm::evaluate(model, views, options, meanwhile, ranks), {}};
  std::set<std::string> names;
  for (const auto& loader : loaders)
    for (BadImage& bad : loader->take_bad())
      if (names.insert(bad.name).second) out.bad.push_back(std::move(bad));
  return out;
}

Napi::Value to_js(Napi::Env env, const Evaluated& evaluated) {
  const Evaluation& found = evaluated.found;
  const auto count = static_cast<double>(found.count);
  const auto table = [&](const at::Tensor& t) { return t.defined() ? to_float64(env, t) : env.Null(); };
  Napi::Object out = Napi::Object::New(env);
  out.Set("loss", found.loss);
  out.Set("top1", static_cast<double>(found.correct1) / count);
  out.Set("top5", static_cast<double>(found.correct5) / count);
  out.Set("count", count);
  out.Set("nonFinite", static_cast<double>(found.non_finite));
  out.Set("confusion", table(found.confusion));
  out.Set("bins", table(found.bins));
  out.Set("bad", bad_images(env, evaluated.bad));
  return out;
}

}  // namespace lm::binding
