#include "core/ranks/watch.h"

#include <c10/util/Exception.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace lm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Who is alive answers an alarm at once; a host may be slow.
constexpr milliseconds kGrace{3000};
// For what the store is asked beside that.
constexpr milliseconds kStoreGrace{2000};
// For the others to find out, too.
constexpr milliseconds kToldGrace = kGrace + kStoreGrace;
constexpr milliseconds kGlance{20};
constexpr milliseconds kForEver = std::chrono::hours(24 * 365);

steady_clock::time_point in(milliseconds time) { return steady_clock::now() + time; }

std::string key(const char* purpose, int rank) { return std::string(purpose) + "/" + std::to_string(rank); }

// What work at a store gives within a time; nullopt where that is frozen or gone. The work may go on, on a
// thread that nobody waits for: it must hold all that it needs.
template <typename Work>
auto within(milliseconds time, Work work, const std::atomic<bool>& lost) -> std::optional<decltype(work())> {
  auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
  auto found = task->get_future();
  std::thread([task] { (*task)(); }).detach();
  for (const auto end = in(time); found.wait_for(kGlance) != std::future_status::ready;)
    if (lost || steady_clock::now() >= end) return std::nullopt;
  try {
    return found.get();
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

void raise_alarm(c10d::Store& store, int world) {
  std::vector<std::string> keys;
  for (int rank = 0; rank < world; ++rank) keys.push_back(key("alarm", rank));
  store.multiSet(keys, std::vector<std::vector<uint8_t>>(keys.size(), {1}));
}

// What a rank said before it ended; "" where none did.
std::string last_words(c10d::Store& store, const RanksOptions& o) {
  for (int rank = 0; rank < o.world; ++rank)
    if (rank != o.rank && store.check({key("words", rank)}))
      return "rank " + std::to_string(rank) + " failed: " + text_at(store, key("words", rank));
  return "";
}

constexpr const char* kVerdict = "verdict";

// Of whom a run ended: of those that said so, or of those that no longer answer.
std::string look_for(c10d::Store& store, const RanksOptions& o, const std::string& reason) {
  std::string words = last_words(store, o);
  if (!words.empty()) return words;
  const std::set<int> missing = missing_ranks(store, "alive/", o.world, in(kGrace));
  words = last_words(store, o);
  if (!words.empty()) return words;
  if (missing.empty())
    return "all ranks are there, but one took longer than the timeout, or a connection broke: " + reason;
  return names_of(missing) + (missing.size() == 1 ? " does" : " do") +
         " not answer: ended, hangs or cannot be reached";
}

// The first to know says so: who comes later, on a host that is busy, need not look again.
std::string find_out(c10d::Store& store, const RanksOptions& o, const std::string& reason) {
  raise_alarm(store, o.world);
  if (store.check({kVerdict})) return text_at(store, kVerdict);
  const std::string found = look_for(store, o, reason);
  set_text(store, kVerdict, found);
  return found;
}

// The others look for what happened as long as this process hosts their store: those that answered the alarm.
// Who began just before the first one knew takes as long as that did.
void wait_until_told(c10d::Store& store, const RanksOptions& o) {
  set_text(store, key("told", o.rank), "");
  const auto end = in(kToldGrace);
  for (int rank = 0; o.hosts_store && rank < o.world; ++rank)
    while (store.check({key("alive", rank)}) && !store.check({key("told", rank)}) &&
           steady_clock::now() < end)
      std::this_thread::sleep_for(kGlance);
}

}  // namespace

struct Watch::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool alarmed = false;
  std::function<void()> act;      // at the alarm
  std::atomic<bool> lost{false};  // the store
};

Watch::Watch(const RanksOptions& options, StorePtr store)
    : options_(options), store_(std::move(store)), state_(std::make_shared<State>()) {
  // A wait takes all of a connection: it has one of its own.
  std::thread([state = state_, listening = store_->clone(), rank = options.rank] {
    try {
      listening->wait({key("alarm", rank)}, kForEver);
      set_text(*listening, key("alive", rank), "");
    } catch (const c10::Error&) {
      state->lost = true;  // and with it who hosted it
    }
    std::function<void()> act;
    {
      const std::lock_guard lock(state->mutex);
      state->alarmed = true;
      act = std::exchange(state->act, nullptr);
      state->changed.notify_all();
    }
    if (act) act();
  }).detach();
}

// Ends the thread.
Watch::~Watch() {
  at_alarm(nullptr);
  within(
      kStoreGrace,
      [store = store_, rank = options_.rank] {
        set_text(*store->clone(), key("alarm", rank), "");
        return true;
      },
      state_->lost);
}

bool Watch::wait(c10d::Work& work) const {
  const auto done = std::make_shared<bool>(false);
  work.getFuture()->addCallback([state = state_, done](c10::ivalue::Future&) {
    const std::lock_guard lock(state->mutex);
    *done = true;
    state->changed.notify_all();
  });
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return *done || state_->alarmed; });
  return *done;
}

bool Watch::is_alarmed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->alarmed;
}

void Watch::at_alarm(std::function<void()> act) const {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->alarmed) {
      state_->act = std::move(act);
      return;
    }
  }
  if (act) act();
}

std::string Watch::verdict(const std::string& reason) const {
  auto found = within(
      kGrace + kStoreGrace,
      [store = store_, o = options_, reason] {
        const StorePtr own = store->clone();
        return find_out(*own, o, reason);
      },
      state_->lost);
  // What another found out, where this rank was late or a connection of its own broke.
  static const std::atomic<bool> none{false};
  if (!found)
    found = within(kStoreGrace, [store = store_] { return text_at(*store->clone(), kVerdict); }, none);
  within(
      kToldGrace + kStoreGrace,
      [store = store_, o = options_] {
        wait_until_told(*store->clone(), o);
        return true;
      },
      state_->lost);
  if (found) return *found;
  return store_lost(options_, reason);
}

void Watch::abandon(const std::string& words) const {
  within(
      kGrace + kToldGrace + kStoreGrace,
      [store = store_, o = options_, words] {
        const StorePtr own = store->clone();
        set_text(*own, key("words", o.rank), words);
        raise_alarm(*own, o.world);
        set_text(*own, key("alive", o.rank), "");
        missing_ranks(*own, "alive/", o.world, in(kGrace));
        wait_until_told(*own, o);
        return true;
      },
      state_->lost);
}

void Watch::part() const {
  within(
      options_.timeout,
      [store = store_, o = options_] {
        const StorePtr own = store->clone();
        set_text(*own, key("left", o.rank), "");
        if (o.hosts_store) missing_ranks(*own, "left/", o.world, in(o.timeout));
        return true;
      },
      state_->lost);
}

}  // namespace lm
