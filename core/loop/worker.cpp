#include "core/loop/worker.h"

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <utility>

#include <uv.h>

#include "core/loop/loop.h"

namespace roost::loop {

// Touched on the loop's thread only.
struct Worker::Shared {
  Loop* loop = nullptr;
  std::size_t max_pending = 0;
  bool gone = false;  // the Worker was destroyed
  std::unordered_set<uv_work_t*> pending;
};

// One submitted function; owns itself until the after-work callback.
struct Worker::Job {
  uv_work_t request{};
  std::shared_ptr<Shared> shared;
  std::function<void()> work;
  std::function<void()> done;
  std::optional<std::string> failure;  // what() of an exception of `work`

  static void run(uv_work_t* request);
  static void after(uv_work_t* request, int status);
};

void Worker::Job::run(uv_work_t* request) {
  auto* job = static_cast<Job*>(request->data);
  try {
    job->work();
  } catch (const std::exception& e) {
    job->failure = e.what();
  } catch (...) {
    job->failure = "unknown exception";
  }
}

void Worker::Job::after(uv_work_t* request, int status) {
  const std::unique_ptr<Job> job(static_cast<Job*>(request->data));
  if (!job->shared->gone) job->shared->loop->catch_up();
  job->shared->pending.erase(request);
  if (job->shared->gone || status != 0) return;
  if (!job->failure) {
    job->shared->loop->guarded("work done", job->done);
    return;
  }
  job->shared->loop->guarded("work", [&] { throw std::runtime_error(*job->failure); });
}

Worker::Worker(Loop& loop, std::size_t max_pending) : shared_(std::make_shared<Shared>()) {
  shared_->loop = &loop;
  shared_->max_pending = max_pending;
}

Worker::~Worker() {
  shared_->gone = true;
  for (uv_work_t* request : shared_->pending)
    uv_cancel(reinterpret_cast<uv_req_t*>(request));
}

Status Worker::submit(std::function<void()> work, std::function<void()> done) {
  if (shared_->pending.size() >= shared_->max_pending)
    return Error{Errc::unavailable, "too much blocking work is under way", {}};
  auto job = std::make_unique<Job>();
  job->request.data = job.get();
  job->shared = shared_;
  job->work = std::move(work);
  job->done = std::move(done);
  const int rc = uv_queue_work(shared_->loop->raw(), &job->request, Job::run, Job::after);
  if (rc != 0) return errno_error("queue blocking work", -rc);
  shared_->pending.insert(&job.release()->request);
  return ok();
}

std::size_t Worker::pending() const {
  return shared_->pending.size();
}

}  // namespace roost::loop
