// A small JSON reader: the check program must build where there is nothing but a compiler and libtorch.
#pragma once

#include <string_view>

#include "core/value.h"

namespace lm {

Value parse_json(std::string_view text);  // throws ERR_GRAPH with the position of a mistake

}  // namespace lm
