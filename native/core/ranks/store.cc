#include "core/ranks/store.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "core/error.h"
#include "core/ranks/network.h"

namespace lm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kMostNamed = 8;
// So often whoever waits looks up.
constexpr milliseconds kSlice{200};

std::string seconds_of(milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000 << " s";
  return text.str();
}

[[noreturn]] void fail_to_open(const RanksOptions& o, const std::string& why) {
  const bool taken =
      why.find("EADDRINUSE") != std::string::npos || why.find("ddress already in use") != std::string::npos;
  if (o.hosts_store && taken)
    fail("ERR_RANKS", "Expected a free port for the ranks to meet at but received ", o.port,
         ", which is taken: rank ", o.rank, " hosts the store, and so does an earlier run or another rank ",
         o.rank);
  const std::string unknown = why_unknown(o.host);
  const bool late = why.find("timed out") != std::string::npos;
  fail("ERR_RANKS", "Expected rank 0 at ", o.host, ":", o.port, " within ", seconds_of(o.timeout),
       " but rank ", o.rank, unknown.empty() ? " cannot reach it" : " does not know this host: " + unknown,
       late || !unknown.empty() ? "" : ": " + why);
}

// A last look is without a time: whoever is asked for after one that is missing has none left.
bool comes(c10d::Store& store, const std::string& key, steady_clock::time_point deadline,
           const std::function<bool()>& given_up) {
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    try {
      store.wait({key}, std::clamp(left, milliseconds(1), kSlice));
      return true;
    } catch (const c10::DistStoreError&) {
      if (left <= kSlice || given_up()) return store.check({key});
    }
  }
}

}  // namespace

// A client of TCPStore that cannot connect may take twice its time: it has half of what is left, each time.
StorePtr open_store(const RanksOptions& o) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(o.port);
  options.isServer = o.hosts_store;
  options.numWorkers = static_cast<size_t>(o.world);
  options.waitWorkers = false;  // who is missing is told by name
  options.useLibUV = false;
  const auto deadline = steady_clock::now() + o.timeout;
  const auto left = [&] { return std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()); };
  for (;;) {
    options.timeout = o.hosts_store ? o.timeout : std::max(left() / 2, kSlice);
    try {
      auto tcp = c10::make_intrusive<c10d::TCPStore>(o.host, options);
      tcp->setTimeout(o.timeout);
      return c10::make_intrusive<c10d::PrefixStore>("lm-resnet/" + o.run, std::move(tcp));
    } catch (const c10::Error& e) {
      const std::string why = e.what_without_backtrace();
      if (o.hosts_store || left() <= kSlice) fail_to_open(o, why.substr(0, why.find('\n')));
    }
  }
}

// Key by key: a wait for many at once does not say which of them is missing.
std::set<int> missing_ranks(c10d::Store& store, const std::string& prefix, int world,
                            steady_clock::time_point deadline, const std::function<bool()>& given_up) {
  std::set<int> missing;
  for (int rank = 0; rank < world; ++rank)
    if (!comes(store, prefix + std::to_string(rank), deadline, given_up)) missing.insert(rank);
  return missing;
}

void set_text(c10d::Store& store, const std::string& key, const std::string& text) {
  store.set(key, std::vector<uint8_t>(text.begin(), text.end()));
}

std::string text_at(c10d::Store& store, const std::string& key) {
  const std::vector<uint8_t> bytes = store.get(key);
  return {bytes.begin(), bytes.end()};
}

std::string store_lost(const RanksOptions& options, const std::string& reason) {
  return "the store at " + options.host + ":" + std::to_string(options.port) +
         " does not answer: rank 0 ended, hangs or cannot be reached (" + reason + ")";
}

std::string names_of(const std::set<int>& ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  size_t told = 0;
  for (int rank : ranks) {
    if (told == kMostNamed) return text + " and " + std::to_string(ranks.size() - told) + " more";
    text += (told == 0 ? "" : told + 1 == ranks.size() ? " and " : ", ") + std::to_string(rank);
    ++told;
  }
  return text;
}

}  // namespace lm
