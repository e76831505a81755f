#include "core/ranks/network.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace lm {
namespace {

using Gloo = c10d::ProcessGroupGloo;

// Interface or address that other ranks reach this host at: that from which this host reaches the store.
std::string own_address(const std::string& host, int port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return "";
  std::string address;
  for (const addrinfo* at = found; at != nullptr && address.empty(); at = at->ai_next) {
    const int fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
    if (fd < 0) continue;
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    char text[NI_MAXHOST];
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0 &&
        getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr*>(&own), size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
            0)
      address = text;
    close(fd);
  }
  freeaddrinfo(found);
  return address;
}

}  // namespace

bool is_loopback(const std::string& host) {
  const std::string address = own_address(host, 1);
  return address.starts_with("127.") || address == "::1";
}

NetworkDevices devices_of(const std::string& network, const std::vector<std::string>& hosts, int port) {
  NetworkDevices devices;
  std::istringstream names(network);
  for (std::string name; std::getline(names, name, ',');)
    if (!name.empty()) devices.push_back(Gloo::createDeviceForInterface(name));
  if (!devices.empty()) return devices;
  const auto far = std::find_if_not(hosts.begin(), hosts.end(), is_loopback);
  const std::string address = own_address(far == hosts.end() ? hosts.front() : *far, port);
  devices.push_back(address.empty() ? Gloo::createDefaultDevice() : Gloo::createDeviceForHostname(address));
  return devices;
}

std::string why_unknown(const std::string& host) {
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (error != 0) return gai_strerror(error);
  freeaddrinfo(found);
  return "";
}

}  // namespace lm
