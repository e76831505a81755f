// Streams of work for the test device's one worker, and events between them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace lm::device {

// When the worker does what is in the streams, which no program may rely on:
// kLate: nothing before the host waits for it, or work that it waits for depends on it;
// kAhead: streams other than the default one at once, as far as their events let them.
enum class Schedule { kLate, kAhead };

void set_schedule(Schedule schedule);

constexpr int64_t kDefaultStream = 0;
int64_t new_stream();
int64_t current_stream();
int64_t exchange_current_stream(int64_t stream);

// A place in a stream: behind its first `count` pieces of work.
struct Mark {
  int64_t stream = 0;
  int64_t count = 0;
};

// The host goes on; `what` names the work in errors.
void enqueue(int64_t stream, std::string what, std::function<void()> work);
// What comes with memory that is taken or given back: never a failure, and done where the device is lost too.
void enqueue_for_memory(int64_t stream, std::function<void()> work);
Mark mark(int64_t stream);
bool is_done(const Mark& mark);
// The stream's further work comes after that.
void wait_in_stream(int64_t stream, const Mark& mark);
// The host waits. Throws what went wrong in any work that was done: from then on the device is lost, and all
// waits and all further work throw that.
void wait_on_host(const Mark& mark);

// Work of a stream that is kept instead of being done, and given to any stream as often as one likes.
class Recorded;
// From now on this thread's work for the stream is kept. Nothing may come from the host then, and nobody
// waits.
void begin_recording(int64_t stream);
std::shared_ptr<const Recorded> end_recording();
void replay(const Recorded& recorded, int64_t stream);
bool is_recording();
// Throws where this thread's work is being recorded, which `what` is not for.
void check_not_recording(const std::string& what);

// A lost device: after so many further pieces of work; then whole again, empty.
void lose_after(int64_t pieces);
// The host is told of it by the piece of work that it gives next behind so many others.
void lose_at_launch(int64_t pieces);
void recover();
// Throws where the device is lost.
void check_alive();

}  // namespace lm::device
