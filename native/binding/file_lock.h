// Locks of files, which the system lets go when their process ends, however it ends.
#pragma once

#include "binding/napi_setup.h"

namespace lm::binding {

// lockFile(fd) -> 'taken', 'busy' where another open file holds the lock, or 'none' where the file system has
// no locks; not a promise. The lock ends when the file is closed.
Napi::Value lock_file(const Napi::CallbackInfo& info);

}  // namespace lm::binding
