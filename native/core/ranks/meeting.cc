#include "core/ranks/meeting.h"

#include <algorithm>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "core/error.h"
#include "core/ranks/network.h"

namespace lm {
namespace {

using std::chrono::steady_clock;

// From when the last has come until all have seen that.
constexpr std::chrono::milliseconds kStays{30'000};

// For ranks to hear of one that is missing, from the store of this process.
constexpr std::chrono::milliseconds kHears{1000};
constexpr const char* kNever = "never";
constexpr const char* kRounds = "rounds";
// So often whoever waits for a round looks.
constexpr std::chrono::milliseconds kLook{50};
// What is told where ranks were told worlds of other sizes.
constexpr const char* kUnequal = "unequal";

// An agent's store keeps the rounds of ranks that it has ended: who finds itself in one of them waits for the
// next.
class Meeting {
 public:
  explicit Meeting(const RanksOptions& o) : options_(o), rounds_(open_store(o)) {}

  StorePtr meet() {
    const auto deadline = steady_clock::now() + options_.timeout;
    for (int64_t last = 0;; last = round_) {
      round_ = options_.rank == 0 ? rounds_->add(kRounds, 1) : next_round(last, deadline);
      store_ = c10::make_intrusive<c10d::PrefixStore>(std::to_string(round_), rounds_);
      if (options_.rank == 0) set_text(*rounds_, closed(round_ - 1), "");
      try {
        arrive(left(deadline));
        stay(left(deadline));
        return store_;
      } catch (const Error&) {
        if (!options_.agent_store || !closes(deadline)) throw;
      }
    }
  }

 private:
  int64_t next_round(int64_t last, steady_clock::time_point deadline) {
    do {
      const int64_t round = rounds_->add(kRounds, 0);
      if (round > last) return round;
      std::this_thread::sleep_for(kLook);
    } while (steady_clock::now() < deadline);
    fail_missing({0});
  }

  bool closes(steady_clock::time_point deadline) {
    if (options_.rank == 0) return false;  // it opens them
    while (!rounds_->check({closed(round_)}) && steady_clock::now() < deadline)
      std::this_thread::sleep_for(kLook);
    return rounds_->check({closed(round_)});
  }

  bool is_over() const { return store_->check({kUnequal}) || rounds_->check({closed(round_)}); }

  static std::string closed(int64_t round) { return "closed/" + std::to_string(round); }
  static std::chrono::milliseconds left(steady_clock::time_point deadline) {
    return std::max(std::chrono::milliseconds(1),
                    std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now()));
  }

  [[noreturn]] void fail_missing(const std::set<int>& missing) const {
    fail("ERR_RANKS", "Expected ", options_.world, " ranks within ",
         static_cast<double>(options_.timeout.count()) / 1000, " s but ", names_of(missing),
         missing.size() == 1 ? " has" : " have", " not come");
  }

  // A rank comes once, and into a world of one size.
  void arrive(std::chrono::milliseconds time) {
    const std::string number = std::to_string(options_.rank);
    LM_CHECK(store_->add("came/" + number, 1) == 1, "ERR_RANKS", "Expected ranks that differ but rank ",
             number, " came twice: two processes have the same number");
    set_text(*store_, "at/" + number, options_.host);
    set_text(*store_, "here/" + number, std::to_string(options_.world));
    const std::set<int> missing = missing_words("here/", time);
    LM_CHECK(!rounds_->check({closed(round_)}), "ERR_RANKS",
             "Expected ranks that differ but rank 0 came twice");
    check_world(missing);
    if (!missing.empty()) fail_missing(missing);
  }

  // The first that finds another size tells those who still wait.
  void check_world(const std::set<int>& missing) {
    std::string first = std::to_string(options_.world);
    for (int rank = 0; rank < options_.world; ++rank) {
      if (missing.contains(rank)) continue;
      const std::string world = text_at(*store_, "here/" + std::to_string(rank));
      if (rank == 0) first = world;
      if (world == first) continue;
      set_text(*store_, kUnequal,
               "Expected a world of " + first + " ranks, as rank 0 was told, but rank " +
                   std::to_string(rank) + " was told " + world);
      break;
    }
    if (!store_->check({kUnequal})) return;
    if (options_.hosts_store) std::this_thread::sleep_for(kHears);
    fail("ERR_RANKS", text_at(*store_, kUnequal));
  }

  // Ranks whose words do not come in time. All who wait for them hear so from the first that gives up, as
  // long as there is a store.
  std::set<int> missing_words(const std::string& prefix, std::chrono::milliseconds time) {
    std::set<int> missing =
        missing_ranks(*store_, prefix, options_.world, steady_clock::now() + time, [&] { return is_over(); });
    for (int rank : missing) set_text(*store_, prefix + std::to_string(rank), kNever);
    for (int rank = 0; rank < options_.world; ++rank)
      if (text_at(*store_, prefix + std::to_string(rank)) == kNever) missing.insert(rank);
    if (!missing.empty() && options_.hosts_store) std::this_thread::sleep_for(kHears);
    return missing;
  }

  // Who came early may have ended while it waited for the last: those that are there say so at once.
  void stay(std::chrono::milliseconds time) {
    set_text(*store_, "stays/" + std::to_string(options_.rank), "");
    const std::set<int> gone = missing_words("stays/", std::min(time, kStays));
    LM_CHECK(gone.empty(), "ERR_RANKS", "Expected ", options_.world, " ranks but ", names_of(gone),
             " came and ", gone.size() == 1 ? "does" : "do",
             " not answer: ended, hangs or cannot be reached");
  }

  const RanksOptions options_;
  const StorePtr rounds_;
  int64_t round_ = 0;
  StorePtr store_;  // of this round
};

}  // namespace

StorePtr meet(const RanksOptions& options) { return Meeting(options).meet(); }

std::vector<std::string> hosts_of(c10d::Store& store, const RanksOptions& options) {
  std::vector<std::string> names{options.host};
  for (int rank = 0; rank < options.world && is_loopback(options.host); ++rank)
    names.push_back(text_at(store, "at/" + std::to_string(rank)));
  return names;
}

}  // namespace lm
