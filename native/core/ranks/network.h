// Where gloo talks to the other ranks.
#pragma once

#include <gloo/transport/device.h>

#include <memory>
#include <string>
#include <vector>

namespace lm {

using NetworkDevices = std::vector<std::shared_ptr<gloo::transport::Device>>;

// Interfaces by name, with commas; where none is named, that from which this host reaches the store.
NetworkDevices devices_of(const std::string& network, const std::string& host, int port);

}  // namespace lm
