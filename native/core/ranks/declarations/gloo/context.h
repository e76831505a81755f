#pragma once

#include <gloo/transport/device.h>

#include <chrono>

namespace gloo {

// Only ever pointed to: libtorch makes it.
class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
  std::chrono::milliseconds getTimeout() const;
  void closeConnections();
};

}  // namespace gloo
