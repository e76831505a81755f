// Files beside the binary that this code is part of.
#pragma once

#include <string>

namespace lm {

std::string path_beside(const std::string& name);

}  // namespace lm
