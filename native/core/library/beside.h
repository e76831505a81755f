// Libraries beside the binary that this code is part of.
#pragma once

#include <string>

namespace lm {

// Where a library is: what the variable of the environment says, else NAME.so beside this binary.
std::string library_path(const char* variable, const std::string& name);

// NAME-MAJOR.MINOR of the libtorch that this is built against: a library that is for that one alone.
std::string for_libtorch(const std::string& name);

}  // namespace lm
