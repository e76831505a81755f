// Fatal errors of C libraries. They must not return to the library, and no C++ exception may pass through it:
// they leave it by longjmp and become an ImageError behind it.
#pragma once

#include <csetjmp>
#include <cstdio>

#include "data/pictures/image.h"

namespace lm {

class CErrors {
 public:
  CErrors() = default;
  CErrors(const CErrors&) = delete;
  CErrors& operator=(const CErrors&) = delete;

  // Runs what calls the library. `work` must not own anything, for the jump passes over destructors, nor call
  // run.
  template <typename Work>
  void run(const Work& work) {
    if (setjmp(jump_) != 0) throw ImageError(reason_);
    work();
  }

  // Ends `run`; called by the library's callbacks, or by `work`.
  [[noreturn]] void leave(const char* what, const char* detail = "") {
    std::snprintf(reason_, sizeof(reason_), "%s%s", what, detail);
    std::longjmp(jump_, 1);
  }

 private:
  std::jmp_buf jump_;
  char reason_[256];
};

// Why, where a file ends too soon.
inline constexpr char kCutOff[] = "The file is cut off";

}  // namespace lm
