// What differs between the minor releases of libtorch that the sources are for, and nothing else: whatever
// has another name or signature in one of them is called by way of this file. Today there is no difference.
#pragma once

#include <torch/headeronly/version.h>

#if TORCH_VERSION_MAJOR != 2 || TORCH_VERSION_MINOR < 13 || TORCH_VERSION_MINOR > 15
#error "lm-resnet is for libtorch 2.13 to 2.15; LIBTORCH is another"
#endif
