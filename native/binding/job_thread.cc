#include "binding/job_thread.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "core/error.h"

namespace lm::binding {
namespace {

// How long a compute thread looks for its next job before it sleeps: to be woken takes about as long, twice.
constexpr std::chrono::microseconds kAwake{100};

// Threads that share a queue.
class Jobs {
 public:
  // Leaked on purpose: the threads must not meet destroyed statics when the process ends.
  static Jobs& compute(int lane = 0) {
    const std::lock_guard lock(lanes().mutex);
    Jobs*& jobs = lanes().jobs[lane];
    if (!jobs) jobs = new Jobs(1);
    return *jobs;
  }
  static Jobs& helpers() {
    static auto* jobs = new Jobs(static_cast<int>(std::max(2U, std::thread::hardware_concurrency())));
    return *jobs;
  }

  // A thread for each job: what one waits for may be another's work.
  static Jobs& waiting() {
    static auto* jobs = new Jobs(0, /*grows=*/true);
    return *jobs;
  }

  static std::vector<Jobs*> all() {
    std::vector<Jobs*> found{&helpers(), &waiting()};
    const std::lock_guard lock(lanes().mutex);
    for (const auto& [_, jobs] : lanes().jobs) found.push_back(jobs);
    return found;
  }

  // Those that the calling thread works for; null on others.
  static Jobs*& own() {
    thread_local Jobs* jobs = nullptr;
    return jobs;
  }

  // The threads start with the first job.
  void push(Job* job) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(job);
      ++waiting_;
      if (grows_ && queue_.size() > idle_) ++count_;
      for (; count_ > 0; --count_) std::thread([this] { loop(); }).detach();
    }
    changed_.notify_all();
  }

  void run_short() {
    for (;;) {
      Job* job = nullptr;
      {
        const std::lock_guard lock(mutex_);
        const auto found =
            std::find_if(queue_.begin(), queue_.end(), [](const Job* j) { return j->is_short; });
        if (found == queue_.end()) return;
        job = *found;
        queue_.erase(found);
        --waiting_;
        running_.push_back(job->env);
      }
      finish(job);
    }
  }

  // Takes the queued jobs of an environment back and waits for those under way.
  std::vector<Job*> withdraw(const EnvState* env) {
    std::unique_lock lock(mutex_);
    std::vector<Job*> mine;
    const auto is_mine = [&](const Job* job) { return job->env == env; };
    std::copy_if(queue_.begin(), queue_.end(), std::back_inserter(mine), is_mine);
    queue_.erase(std::remove_if(queue_.begin(), queue_.end(), is_mine), queue_.end());
    waiting_ = queue_.size();
    changed_.wait(lock, [&] { return std::find(running_.begin(), running_.end(), env) == running_.end(); });
    return mine;
  }

  std::atomic<int> threads{0};  // that one operation may use; 0: libtorch's own default

 private:
  struct Lanes {
    std::mutex mutex;
    std::map<int, Jobs*> jobs;
  };
  static Lanes& lanes() {
    static auto* lanes = new Lanes;
    return *lanes;
  }

  explicit Jobs(int count, bool grows = false) : count_(count), grows_(grows) {}

  void loop() {
    own() = this;
    for (;;) {
      Job* job = nullptr;
      {
        std::unique_lock lock(mutex_);
        ++idle_;
        changed_.wait(lock, [&] { return !queue_.empty(); });
        --idle_;
        job = queue_.front();
        queue_.pop_front();
        --waiting_;
        running_.push_back(job->env);
      }
      const int wanted = job->threads > 0 ? job->threads : compute().threads.load();
      if (wanted > 0 && at::get_num_threads() != wanted) at::set_num_threads(wanted);
      finish(job);
      if (this != &helpers() && this != &waiting()) stay_awake();
    }
  }

  // Callers ask for the next image as soon as they have the last answer.
  void stay_awake() const {
    const auto end = std::chrono::steady_clock::now() + kAwake;
    while (waiting_ == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  }

  void finish(Job* job) {
    EnvState* env = job->env;
    try {
      job->work();
    } catch (...) {
      job->error = describe(std::current_exception());
    }
    job->work = nullptr;
    // The environment waits for us in withdraw, so it is still there; the job is gone once it is settled.
    env->settle(job);
    {
      const std::lock_guard lock(mutex_);
      running_.erase(std::find(running_.begin(), running_.end(), env));
    }
    changed_.notify_all();
  }

  int count_;  // threads to start
  const bool grows_;
  size_t idle_ = 0;  // threads that look for a job
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job*> queue_;
  std::atomic<size_t> waiting_{0};  // jobs in the queue
  // Whose jobs are under way: the compute thread has more than one while a long job lets short ones pass.
  std::vector<const EnvState*> running_;
};

void settle_promise(Napi::Env env, Job& job) {
  Napi::Value result;
  try {
    if (!job.error) result = job.result(env);
  } catch (const Napi::Error& e) {
    return job.deferred->Reject(e.Value());
  } catch (...) {
    job.error = describe(std::current_exception());
  }
  job.error ? job.deferred->Reject(to_js_error(env, *job.error)) : job.deferred->Resolve(result);
}

void check(napi_status status, const char* what) {
  LM_CHECK(status == napi_ok, "ERR_TORCH", "Node refused to ", what, " (status ", static_cast<int>(status),
           ")");
}

}  // namespace

void run_waiting_short_jobs() {
  if (Jobs* jobs = Jobs::own()) jobs->run_short();
}

void set_threads(int threads) { Jobs::compute().threads = threads; }

int get_threads() {
  const int threads = Jobs::compute().threads;
  return threads > 0 ? threads : at::get_num_threads();
}

EnvState::EnvState(Napi::Env env) : env_(env) {
  const napi_value name = Napi::String::New(env, "lm-resnet");
  check(napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                        &EnvState::on_js_thread, &channel_),
        "open a channel to the JS thread");
  check(napi_unref_threadsafe_function(env, channel_), "release the event loop");
  check(napi_add_env_cleanup_hook(env, &EnvState::on_cleanup, this), "add a cleanup hook");
}

Napi::Value EnvState::submit(Napi::Env env, On where, std::function<void()> work,
                             std::function<Napi::Value(Napi::Env)> result, Lane lane) {
  LM_CHECK(!*closing, "ERR_CLOSED", "The process is ending");
  auto* job = new Job{std::move(work),
                      std::move(result),
                      where == On::kComputeBetweenSteps,
                      lane.threads,
                      this,
                      std::nullopt,
                      Napi::Promise::Deferred::New(env)};
  const Napi::Value promise = job->deferred->Promise();
  if (pending_++ == 0) napi_ref_threadsafe_function(env, channel_);
  Jobs& jobs = where == On::kHelper    ? Jobs::helpers()
               : where == On::kWaiting ? Jobs::waiting()
                                       : Jobs::compute(lane.index);
  jobs.push(job);
  return promise;
}

void EnvState::settle(Job* job) {
  // Refused only while the environment closes; the promise then has nobody left to tell.
  if (napi_call_threadsafe_function(channel_, job, napi_tsfn_nonblocking) != napi_ok) delete job;
}

void EnvState::on_js_thread(napi_env raw, napi_value, void* context, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  if (raw == nullptr) return;  // closing
  const Napi::Env env(raw);
  const Napi::HandleScope scope(env);
  auto* state = static_cast<EnvState*>(context);
  if (--state->pending_ == 0) napi_unref_threadsafe_function(env, state->channel_);
  try {
    settle_promise(env, *job);
  } catch (const Napi::Error&) {
    // A worker is being terminated: JavaScript cannot run there any more, and nobody waits for the promise.
  }
}

void EnvState::stop_at_end(std::weak_ptr<void> owner, std::function<void()> stop) {
  std::erase_if(stops_, [](const auto& entry) { return entry.first.expired(); });
  stops_.emplace_back(std::move(owner), std::move(stop));
}

void EnvState::drop(Napi::Env env, std::shared_ptr<void> held) {
  if (!held || *closing) return;
  submit(env, On::kHelper, [held = std::move(held)] {}, [](Napi::Env e) { return e.Undefined(); });
}

void EnvState::end_jobs() {
  *closing = true;
  for (const auto& [owner, stop] : stops_)
    if (const auto alive = owner.lock()) stop();
  for (Jobs* jobs : Jobs::all())
    for (Job* job : jobs->withdraw(this)) delete job;
}

void EnvState::on_cleanup(void* data) {
  auto* state = static_cast<EnvState*>(data);
  state->end_jobs();
  napi_release_threadsafe_function(state->channel_, napi_tsfn_abort);
}

}  // namespace lm::binding
