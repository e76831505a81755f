// Made by CMake in builds of libtorch with CUDA; those without ship all other headers of c10::cuda.
#pragma once
#define C10_CUDA_BUILD_SHARED_LIBS
