// The few names of this header that those of libtorch need; no function of it is called.
#pragma once

typedef int cusolverStatus_t;
