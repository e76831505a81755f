// Descriptions of loaders from plain values.
#pragma once

#include <memory>

#include "core/value.h"
#include "data/loader/loader.h"

namespace lm {

LoaderOptions loader_options(const Value& spec);
Decoding decoding_of(const Value& spec);
std::shared_ptr<const Transform> transform_of(const Value& spec);  // its `transform`, `mean` and `std`

}  // namespace lm
