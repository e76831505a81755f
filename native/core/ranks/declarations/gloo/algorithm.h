// Gloo is inside libtorch, whose wheel ships none of its headers. These are the declarations that
// ProcessGroupGloo.hpp needs: of interfaces that it holds pointers to, as gloo has them.
#pragma once
