// The few names of this header that those of libtorch need; no function of it is called.
#pragma once

typedef struct cublasContext* cublasHandle_t;
typedef int cublasStatus_t;
