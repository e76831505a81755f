// One compute thread for the whole process, with a queue of jobs: libtorch keeps one OpenMP team per calling
// thread, so everything that computes runs on this one, but for replicas of a model that serves, which have
// lanes of their own. What needs no libtorch (images) runs on helper threads. Promises are settled on the JS
// thread of the environment that asked.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "binding/errors.h"
#include "binding/napi_setup.h"

namespace lm::binding {

class EnvState;

// Which thread a job runs on: the compute thread, when its turn comes or already between two steps of a long
// job there, any of a few helper threads, or one of its own, for jobs that wait for others.
enum class On { kCompute, kComputeBetweenSteps, kHelper, kWaiting };

// Which compute thread: 0 is everyone's. A lane has a team of so many threads; 0: as set_threads says.
struct Lane {
  int index = 0;
  int threads = 0;
};

struct Job {
  std::function<void()> work;                    // on its thread; may throw
  std::function<Napi::Value(Napi::Env)> result;  // on the JS thread
  bool is_short;                                 // may run between two steps of a long one
  int threads = 0;                               // of its lane
  EnvState* env = nullptr;
  std::optional<ErrorInfo> error;
  std::optional<Napi::Promise::Deferred> deferred;
};

// Runs the short jobs that wait for this compute thread; called by its long jobs between their steps.
void run_waiting_short_jobs();

// Threads that one operation may use; takes effect before the next job.
void set_threads(int threads);
int get_threads();  // what was set; libtorch's own default before

// What belongs to one environment (the main thread, or a worker): lives until its cleanup.
class EnvState {
 public:
  explicit EnvState(Napi::Env env);
  static EnvState& of(Napi::Env env) { return *env.GetInstanceData<EnvState>(); }

  Napi::FunctionReference error_factory;
  // True once the environment is going away: long jobs end at their next step.
  const std::shared_ptr<std::atomic<bool>> closing = std::make_shared<std::atomic<bool>>(false);

  Napi::Value submit(Napi::Env env, On where, std::function<void()> work,
                     std::function<Napi::Value(Napi::Env)> result, Lane lane = {});
  void settle(Job* job);  // from the thread that did it
  // Calls `stop` before the environment waits for its jobs, if `owner` is still there: jobs that wait for it
  // must be let go. JS thread.
  void stop_at_end(std::weak_ptr<void> owner, std::function<void()> stop);
  // Drops the last hold on something whose end waits for threads on a helper thread, not here.
  void drop(Napi::Env env, std::shared_ptr<void> held);
  // Drops the jobs that wait and ends those under way at their next step; there are none afterwards.
  void end_jobs();

 private:
  static void on_js_thread(napi_env env, napi_value, void* context, void* data);
  static void on_cleanup(void* state);

  napi_env env_;
  napi_threadsafe_function channel_ = nullptr;
  std::vector<std::pair<std::weak_ptr<void>, std::function<void()>>> stops_;
  int pending_ = 0;  // jobs not settled yet; the process stays alive while there are any
};

}  // namespace lm::binding
