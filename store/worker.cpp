#include "store/worker.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <signal.h>

namespace roost::store {
namespace {

// SQLite needs well under 100 KiB for what is done here.
constexpr std::size_t kStackBytes = 256U << 10;
constexpr std::size_t kMaxReads = 1024;

Error unavailable(std::string message) {
  return Error{Errc::unavailable, std::move(message), {}};
}

FileOptions file_options(const Options& options) {
  return {.path = options.path, .vfs = options.vfs, .exits_kept = options.exits_kept};
}

}  // namespace

Worker::Worker(Options options, OpenedFile file)
    : options_(std::move(options)),
      queue_(options_.queue_cap),
      writer_(file_options(options_), std::move(file)) {}

Worker::~Worker() {
  if (!started_) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  ::pthread_join(thread_, nullptr);
}

// Signals are the loop's: the thread is born with all of them blocked.
Status Worker::start() {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failure = ::pthread_create(&thread_, &attributes, thread_main, this);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  if (failure != 0) return errno_error("starting the store thread", failure);
  started_ = true;
  ::pthread_setname_np(thread_, "store");
  return ok();
}

void Worker::submit(PendingBatch batch) {
  Answers answers;
  bool wakes = batch.durability == Durability::durable;
  bool waits = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty() && !wakes) {  // what follows goes with it
      first_queued_ = Monotonic::now();
      waits = options_.on_waiting != nullptr;
      wakes = !waits;
    }
    WriteQueue::Pushed pushed = queue_.push(batch);
    if (!pushed.accepted) pushed.failed.push_back(std::move(batch.done));
    account(pushed, answers);
  }
  if (wakes) wake_.notify_one();
  if (waits) options_.on_waiting();
  post(std::move(answers), options_.post);
}

void Worker::write_waiting() {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return;
    asked_ = true;
  }
  wake_.notify_one();
}

void Worker::record(PendingBatch batch, bool write_now) {
  Answers answers;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) first_queued_ = Monotonic::now();
    WriteQueue::Pushed pushed = queue_.push(batch);
    account(pushed, answers);
    asked_ = asked_ || write_now;
  }
  if (write_now || !options_.on_waiting) wake_.notify_one();
  post(std::move(answers), options_.post);
}

// Under the lock: what was forgotten is counted, its owners are told, and the first time of a
// series the loop is.
void Worker::account(WriteQueue::Pushed& pushed, Answers& answers) {
  for (Store::Done& done : pushed.failed)
    answer(done, unavailable("not recorded: too much waits for the disk"), answers);
  if (pushed.dropped_exits == 0) return;
  stats_.dropped_exits += pushed.dropped_exits;
  if (!std::exchange(dropping_, true))
    report({Problem::Kind::history_dropped,
            "too much waits for the disk: exits are lost from the history", stats_.dropped_exits},
           answers);
}

void Worker::ask(Read read) {
  bool accepted = false;
  {
    const std::lock_guard lock(mutex_);
    accepted = reads_.size() < kMaxReads;
    if (accepted) reads_.push_back(std::move(read));
  }
  wake_.notify_one();
  if (!accepted)
    options_.post([refuse = std::move(read.refuse)] {
      refuse(unavailable("too many questions to the store at once"));
    });
}

Stats Worker::stats() const {
  const std::lock_guard lock(mutex_);
  Stats copy = stats_;
  copy.queued = queue_.size();
  return copy;
}

void* Worker::thread_main(void* self) {
  static_cast<Worker*>(self)->run();
  return nullptr;
}

void Worker::run() {
  writer_.check_late();
  if (!writer_.is_open())
    on_failed({}, Error{Errc::io,
                        "'" + options_.path + "' could not be made: " + writer_.why_not_open(),
                        {}});
  report_recreated();
  post_turn();
  std::unique_lock lock(mutex_);
  while (wait_for_work(lock))
    turn(lock);
  turn(lock);
  lock.unlock();
  give_up_rest();
}

TimePoint Worker::due_at() const {
  return std::max(first_queued_ + options_.gather_for, retry_at_);
}

bool Worker::is_due(TimePoint now) const {
  if (stopping_ || !reads_.empty() || queue_.has_durable()) return true;
  if (!has_background_work()) return false;
  return wakes_by_itself() ? now >= due_at() : asked_;
}

// After a failure, and where nobody else sees to it.
bool Worker::wakes_by_itself() const {
  return !options_.on_waiting || retry_at_ != TimePoint{} || !writer_.is_open();
}

// False when it is time to go.
bool Worker::wait_for_work(std::unique_lock<std::mutex>& lock) {
  while (!is_due(Monotonic::now())) {
    if (has_background_work() && wakes_by_itself())
      wake_.wait_until(lock, due_at());
    else
      wake_.wait(lock);
  }
  return !stopping_;
}

void Worker::turn(std::unique_lock<std::mutex>& lock) {
  std::deque<PendingBatch> batches = queue_.take();
  std::deque<Read> reads = std::exchange(reads_, {});
  asked_ = false;
  lock.unlock();
  write(std::move(batches));
  prompt_ = prompt_ || !reads.empty();
  for (const Read& one : reads)
    answers_.push_back(one.ask(writer_));
  report_recreated();
  post_turn();
  lock.lock();
}

void Worker::write(std::deque<PendingBatch> batches) {
  std::vector<Writer::Refused> refused;
  const TimePoint begin = Monotonic::now();
  const Status status = batches.empty() ? writer_.ensure_open() : writer_.write(batches, refused);
  prompt_ = prompt_ || !refused.empty();
  for (Writer::Refused& one : refused)
    answer(one.done, std::move(one.error), answers_);
  if (!status) return on_failed(std::move(batches), status.error());
  if (!batches.empty()) on_written(batches, Monotonic::now() - begin);
}

void Worker::on_written(std::deque<PendingBatch>& batches, Duration took) {
  for (PendingBatch& batch : batches) {
    prompt_ = prompt_ || batch.durability == Durability::durable;
    answer(batch.done, ok(), answers_);
  }
  if (std::exchange(failing_, false))
    report({Problem::Kind::write_resumed, "writing to the disk works again", 0}, answers_);
  const std::lock_guard lock(mutex_);
  queue_.finished();
  ++stats_.commits;
  stats_.last_commit = took;
  stats_.slowest_commit = std::max(stats_.slowest_commit, took);
  stats_.last_error.clear();
  retry_at_ = {};
  dropping_ = false;
}

// Who waits for a durable batch is told; what it says is still true and is written with the others
// when that is possible.
void Worker::on_failed(std::deque<PendingBatch> batches, const Error& error) {
  prompt_ = true;
  for (PendingBatch& batch : batches) {
    if (batch.durability == Durability::durable) answer(batch.done, error, answers_);
    batch.durability = Durability::background;
  }
  std::erase_if(batches, [](const PendingBatch& batch) { return batch.weight() == 0; });
  if (!std::exchange(failing_, true))
    report({Problem::Kind::write_failing, error.message, 0}, answers_);
  const std::lock_guard lock(mutex_);
  WriteQueue::Pushed dropped = queue_.give_back(std::move(batches));
  account(dropped, answers_);
  ++stats_.failed_commits;
  stats_.last_error = error.message;
  retry_at_ = Monotonic::now() + options_.retry_every;
}

// After the last attempt: whoever still waits is told.
void Worker::give_up_rest() {
  const std::lock_guard lock(mutex_);
  for (PendingBatch& batch : queue_.take())
    answer(batch.done, unavailable("the store was closed before this was written"), answers_);
  post(std::exchange(answers_, {}), options_.post);
}

void Worker::answer(Store::Done& done, Status status, Answers& answers) const {
  if (!done) return;
  answers.push_back(
      [done = std::exchange(done, nullptr), status = std::move(status)] { done(status); });
}

void Worker::report(Problem problem, Answers& answers) const {
  if (!options_.on_problem) return;
  answers.push_back(
      [report = options_.on_problem, problem = std::move(problem)] { report(problem); });
}

void Worker::report_recreated() {
  if (std::optional<std::string> why = writer_.take_recreated())
    report({Problem::Kind::recreated, *std::move(why), 0}, answers_);
}

void Worker::post_turn() {
  const bool prompt = std::exchange(prompt_, false) || !options_.post_later;
  post(std::exchange(answers_, {}), prompt ? options_.post : options_.post_later);
}

void Worker::post(Answers answers, const std::function<void(std::function<void()>)>& how) {
  if (answers.empty()) return;
  auto shared = std::make_shared<Answers>(std::move(answers));
  how([shared] {
    for (const auto& one : *shared)
      one();
  });
}

}  // namespace roost::store
