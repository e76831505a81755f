// Where gloo talks to the other ranks.
#pragma once

#include <gloo/transport/device.h>

#include <memory>
#include <string>
#include <vector>

namespace lm {

using NetworkDevices = std::vector<std::shared_ptr<gloo::transport::Device>>;

// Interfaces by name, with commas; where none is named, that from which this host reaches the first of some
// hosts that it does not reach within itself, if there is one.
NetworkDevices devices_of(const std::string& network, const std::vector<std::string>& hosts, int port);

// Why the address of a host is not known; "" where it is.
std::string why_unknown(const std::string& host);

// Whether a name or an address is that of whichever host asks.
bool is_loopback(const std::string& host);

}  // namespace lm
