#include "data/loader/parse.h"

#include "core/error.h"

namespace lm {
namespace {

int small(const Value& value) {
  const int64_t number = value.integer();
  LM_CHECK(number >= 0 && number < (1 << 24), "ERR_CONFIG", "Expected a small number but received ", number);
  return static_cast<int>(number);
}

}  // namespace

LoaderOptions loader_options(const Value& spec) {
  LoaderOptions o;
  o.batch = spec["batch"].integer();
  o.seed = static_cast<uint64_t>(spec["seed"].integer());
  o.training = spec["training"].boolean();
  if (const Value* batches = spec.find("batches")) o.most = batches->integer();
  LM_CHECK(o.most >= 0, "ERR_CONFIG", "Expected a number of batches from 0");
  o.repeats = spec["augRepeats"].integer();
  LM_CHECK(o.repeats >= 1 && o.repeats < (1 << 10), "ERR_CONFIG", "Expected an image at least once");
  o.rank = spec["rank"].integer();
  o.world = spec["worldSize"].integer();
  if (const Value* own = spec.find("own")) o.own = own->boolean();
  o.threads = small(spec["workers"]);
  o.prefetch = small(spec["prefetch"]);
  o.height = small(spec["height"]);
  o.width = small(spec["width"]);
  o.channels = small(spec["channels"]);
  o.decoding = decoding_of(spec["decoding"]);
  o.throw_on_bad = spec["onBadImage"].text() == "throw";
  o.bad_limit = spec["badImageLimit"].integer();
  o.pinned = spec["pinned"].boolean();
  if (const Value& classes = spec["classes"]; !std::holds_alternative<std::nullptr_t>(classes.data))
    o.classes = classes.integers();
  return o;
}

Decoding decoding_of(const Value& spec) {
  return {spec["maxPixels"].integer(), spec["exif"].boolean(), spec["sixteenBit"].text() == "clip"};
}

std::shared_ptr<const Transform> transform_of(const Value& spec) {
  return std::make_shared<const Transform>(spec["transform"],
                                           Normalisation{spec["mean"].numbers(), spec["std"].numbers()});
}

}  // namespace lm
