// The processes of one training, on one host or many: sums over all of them, and texts that all of them read.
// libtorch's own c10d does the work: a TCPStore that rank 0 or an agent hosts, and between the ranks gloo for
// what lies on the CPU, NCCL for what lies on CUDA devices.
#pragma once

#include <ATen/ATen.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace lm {

struct RanksOptions {
  int rank = 0, world = 1;
  std::string host;  // of the store
  int port = 0;
  bool hosts_store = false;  // this process is to host it
  bool agent_store = false;  // an agent hosts it, for one round of ranks after another
  std::string run;           // keeps the keys of runs apart that share a store
  std::string network;  // interfaces of this host, by name, with commas; empty: that which reaches the store
  std::chrono::milliseconds timeout{600'000};  // of everything that waits for other ranks
};

class Ranks {
 public:
  // A sum under way.
  class Sum {
   public:
    virtual ~Sum() = default;
    virtual void wait() = 0;
  };

  // Waits until all ranks have come. Throws ERR_RANKS, naming those that have not.
  explicit Ranks(const RanksOptions& options);
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return options_.rank; }
  int world() const { return options_.world; }

  // A tensor, contiguous, becomes the sum of those of all ranks. All ranks call the same in the same order,
  // with equal sizes. Throws ERR_RANKS, naming the rank that failed or does not answer; ERR_ADDON_MISSING
  // where the tensor is on a device and NCCL is missing. The host waits for no device.
  void sum(const at::Tensor& tensor) { begin_sum(tensor)->wait(); }
  // The same beside other work: the tensor is to be left alone until it has been waited for, on a device by
  // the current stream.
  std::unique_ptr<Sum> begin_sum(const at::Tensor& tensor);
  // A tensor, contiguous, becomes that of rank 0.
  void broadcast(const at::Tensor& tensor);

  // Throws ERR_RANKS once a rank has failed: what devices summed since then means nothing.
  void check();

  // The texts of all ranks, by rank; all ranks call it in the same order. From any thread but for that of the
  // sums, where these may go on meanwhile.
  std::vector<std::string> gather(const std::string& text);
  // Ends the group for all: others are told these words as what ended this rank. From any thread.
  void abandon(const std::string& words);
  // Ends the group in good order; rank 0 waits for the others, for it may host the store.
  void leave();

  // Seconds that sums and broadcasts were waited for, and bytes that were handed to them.
  struct Traffic {
    double seconds = 0;
    int64_t bytes = 0, calls = 0;
  };
  Traffic traffic() const { return traffic_; }

 private:
  class Group;
  class Pending;

  template <typename Work>
  void guarded(const Work& work);
  [[noreturn]] void explain(const std::string& reason);
  void end_badly();
  Group& group() const;  // throws ERR_CLOSED once it has ended

  RanksOptions options_;
  std::unique_ptr<Group> group_;
  Traffic traffic_;
};

}  // namespace lm
