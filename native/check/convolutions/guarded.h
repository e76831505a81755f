// Memory with a page behind every piece that nobody may touch: tensors', and what the C library gives.
#pragma once

namespace guarded {

// Tensors lie in such memory from now on.
void guard_tensors();
// From now on also what is asked of posix_memalign, by libtorch too: oneDNN takes its scratch memory so. For
// a process that ends soon: it needs few pieces at once.
void guard_scratch();

}  // namespace guarded
