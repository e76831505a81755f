// Sums of what lies on a device, by the device: NCCL on CUDA. A library of its own knows how, for it needs
// what few machines have: the file that LM_RESNET_NCCL names, else lm_nccl-MINOR.so beside the binary that
// this code is part of, opened when a tensor of a device is first summed.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace lm {

using DeviceGroupPtr = c10::intrusive_ptr<c10d::Backend>;

// A rank's place in it, and where the ranks of a device find each other.
struct DevicePlace {
  c10::intrusive_ptr<c10d::Store> store;
  int rank, world;
  std::chrono::milliseconds timeout;
};

// The function that the library exports; it throws c10::Error. It is of one minor release of libtorch.
using OpenDeviceGroup = void (*)(const DevicePlace& place, DeviceGroupPtr* group);
constexpr const char* kOpenDeviceGroup = "lm_device_group_1";

// Throws ERR_ADDON_MISSING where there is no library, or NCCL is missing or another one.
DeviceGroupPtr open_device_group(const DevicePlace& place);

}  // namespace lm
