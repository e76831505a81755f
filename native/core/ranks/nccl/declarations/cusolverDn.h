// The few names of this header that those of libtorch need; no function of it is called.
#pragma once

typedef struct cusolverDnContext* cusolverDnHandle_t;
