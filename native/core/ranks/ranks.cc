#include "core/ranks/ranks.h"

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <utility>

#include "core/error.h"
#include "core/ranks/device_group.h"
#include "core/ranks/meeting.h"
#include "core/ranks/network.h"
#include "core/ranks/store.h"
#include "core/ranks/watch.h"

namespace lm {
namespace {

using Gloo = c10d::ProcessGroupGloo;
using std::chrono::steady_clock;

// What gloo says, without its advice and the places in its sources.
std::string in_short(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.starts_with('[') && line.find("] ") != std::string::npos) line = line.substr(line.find("] ") + 2);
  return line.substr(0, line.find(". This is typically"));
}

// Lets go of what waits on a device for ranks that are lost.
void abort(const DeviceGroupPtr& group) {
  if (!group) return;
  try {
    group->abort();
  } catch (const c10::Error&) {  // it ends badly in any case
  }
}

// Of what c10d warns of and fails in: it is told of here in words.
void silence() {
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = 3;
}

}  // namespace

class Ranks::Group {
 public:
  explicit Group(const RanksOptions& o) : options(o), store(meet(o)) {
    watch = std::make_unique<Watch>(o, store);
    connect();
  }

  const RanksOptions options;
  StorePtr store;
  c10::intrusive_ptr<Gloo> host;
  DeviceGroupPtr device;  // once a tensor of a device was summed
  std::unique_ptr<Watch> watch;
  int64_t texts = 0;  // that were gathered

  c10d::Backend& backend_for(const at::Tensor& tensor) {
    if (tensor.is_cpu()) return *host;
    if (!device) open_device();
    return *device;
  }

  // Waits for work with the other ranks; on a device its current stream does. Throws what that threw, or that
  // an alarm came first.
  void finish(c10d::Work& work, bool on_host) const {
    if (on_host ? !watch->wait(work) : watch->is_alarmed()) alarmed();
    work.wait();
  }

  void check() const {
    if (watch->is_alarmed()) alarmed();
  }

 private:
  [[noreturn]] static void alarmed() { throw std::runtime_error("another rank raised the alarm"); }

  void open_device() {
    const auto keys = c10::make_intrusive<c10d::PrefixStore>("device", store->clone());
    device = open_device_group({keys, options.rank, options.world, options.timeout});
    watch->at_alarm([group = device] { abort(group); });
  }

  void connect() {
    auto how = Gloo::Options::create(options.timeout);
    how->devices = devices_of(options.network, hosts_of(*store, options), options.port);
    const auto keys = c10::make_intrusive<c10d::PrefixStore>("gloo", store);
    try {
      host = c10::make_intrusive<Gloo>(keys, options.rank, options.world, how);
    } catch (const std::exception& e) {  // c10's or gloo's
      fail("ERR_RANKS", "Rank ", options.rank, " of ", options.world,
           " cannot join the others: ", watch->verdict(in_short(e.what())));
    }
  }
};

// A sum under way.
class Ranks::Pending final : public Sum {
 public:
  Pending(Ranks& ranks, const at::Tensor& tensor) : ranks_(ranks), tensor_(tensor) {
    ++ranks_.traffic_.calls;
    ranks_.traffic_.bytes += static_cast<int64_t>(tensor_.nbytes());
    ranks_.guarded([&] {
      std::vector<at::Tensor> list{tensor_};
      work_ = ranks_.group().backend_for(tensor_).allreduce(list);
    });
  }
  void wait() override {
    ranks_.guarded([&] { ranks_.group().finish(*work_, tensor_.is_cpu()); });
  }

 private:
  Ranks& ranks_;
  at::Tensor tensor_;
  c10::intrusive_ptr<c10d::Work> work_;
};

Ranks::Ranks(const RanksOptions& options) : options_(options) {
  silence();
  LM_CHECK(options.world > 0 && options.rank >= 0 && options.rank < options.world, "ERR_CONFIG",
           "Expected a rank from 0 to ", options.world - 1, " but received ", options.rank);
  LM_CHECK(options.port > 0 && options.port < 65536, "ERR_CONFIG",
           "Expected a port from 1 to 65535 but received ", options.port);
  try {
    group_ = std::make_unique<Group>(options);
  } catch (const c10::Error& e) {  // the store's
    const std::string reason = in_short(e.what_without_backtrace());
    fail("ERR_RANKS", "Rank ", options.rank, " of ", options.world,
         " cannot join the others: ", options.hosts_store ? reason : store_lost(options, reason));
  } catch (const std::runtime_error& e) {  // gloo's
    fail("ERR_RANKS", "Rank ", options.rank, " of ", options.world, " cannot join the others: ", e.what());
  }
}

// Without `leave` the others are still at work.
Ranks::~Ranks() {
  if (group_) end_badly();
}

Ranks::Group& Ranks::group() const {
  LM_CHECK(group_ != nullptr, "ERR_CLOSED", "The group of ranks has ended");
  return *group_;
}

// Runs what needs the other ranks; where that fails, says which of them is lost.
template <typename Work>
void Ranks::guarded(const Work& work) {
  const auto start = steady_clock::now();
  try {
    work();
  } catch (const c10::Error& e) {
    explain(in_short(e.what_without_backtrace()));
  } catch (const std::runtime_error& e) {  // gloo's
    explain(in_short(e.what()));
  }
  traffic_.seconds += std::chrono::duration<double>(steady_clock::now() - start).count();
}

void Ranks::explain(const std::string& reason) {
  const std::string why = group().watch->verdict(reason);
  end_badly();
  fail("ERR_RANKS", "Rank ", options_.rank, " of ", options_.world, " cannot go on: ", why);
}

std::unique_ptr<Ranks::Sum> Ranks::begin_sum(const at::Tensor& tensor) {
  return std::make_unique<Pending>(*this, tensor);
}

void Ranks::broadcast(const at::Tensor& tensor) {
  ++traffic_.calls;
  traffic_.bytes += static_cast<int64_t>(tensor.nbytes());
  guarded([&] {
    std::vector<at::Tensor> list{tensor};
    group().finish(*group().backend_for(tensor).broadcast(list), tensor.is_cpu());
  });
}

void Ranks::check() {
  guarded([&] { group().check(); });
}

std::vector<std::string> Ranks::gather(const std::string& text) {
  Group& all = group();
  std::vector<std::string> texts;
  const std::string prefix = "text/" + std::to_string(all.texts++) + "/";
  try {
    const StorePtr store = all.store->clone();
    set_text(*store, prefix + std::to_string(options_.rank), text);
    const std::set<int> missing =
        missing_ranks(*store, prefix, options_.world, steady_clock::now() + options_.timeout,
                      [&] { return all.watch->is_alarmed(); });
    if (!missing.empty()) explain("no word of " + names_of(missing));
    for (int rank = 0; rank < options_.world; ++rank)
      texts.push_back(text_at(*store, prefix + std::to_string(rank)));
  } catch (const c10::Error& e) {
    explain(in_short(e.what_without_backtrace()));
  }
  return texts;
}

void Ranks::abandon(const std::string& words) {
  if (!group_) return;
  group_->watch->abandon(words);
  end_badly();
}

// The threads of gloo may wait for the others until the timeout: nobody waits for them.
void Ranks::end_badly() {
  abort(group_->device);
  static auto* const kept = new std::vector<std::unique_ptr<Group>>;
  kept->push_back(std::move(group_));
}

void Ranks::leave() {
  if (!group_) return;
  group_->watch->part();
  if (group_->device) group_->device->shutdown();
  group_.reset();
}

}  // namespace lm
