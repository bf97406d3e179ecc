// Worker: the store thread with its queue. Public methods are the loop's.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <pthread.h>

#include "store/store.h"
#include "store/write_queue.h"
#include "store/writer.h"

namespace roost::store {

class Worker {
 public:
  Worker(Options options, OpenedFile file);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  // one last attempt at what is queued, then the thread ends

  [[nodiscard]] Status start();
  void submit(PendingBatch batch);
  void write_waiting();
  void record(PendingBatch batch, bool write_now);

  // Answers `done` with what `query` makes of the database.
  template <class Query, class Done>
  void read(Query query, Done done) {
    ask({[query = std::move(query), done](Writer& writer) -> std::function<void()> {
           return [done, rows = writer.read(query)] { done(rows); };
         },
         [done](Error error) { done(std::move(error)); }});
  }

  [[nodiscard]] Stats stats() const;

 private:
  struct Read {
    std::function<std::function<void()>(Writer&)> ask;  // gives what tells the answer
    std::function<void(Error)> refuse;
  };

  using Answers = std::vector<std::function<void()>>;  // posted as one closure

  void ask(Read read);
  static void* thread_main(void* self);
  void run();

  [[nodiscard]] bool has_background_work() const { return !queue_.empty() || !writer_.is_open(); }

  [[nodiscard]] bool wakes_by_itself() const;
  [[nodiscard]] TimePoint due_at() const;
  [[nodiscard]] bool is_due(TimePoint now) const;
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  void turn(std::unique_lock<std::mutex>& lock);
  void write(std::deque<PendingBatch> batches);
  void on_written(std::deque<PendingBatch>& batches, Duration took);
  void on_failed(std::deque<PendingBatch> batches, const Error& error);
  void give_up_rest();
  void account(WriteQueue::Pushed& pushed, Answers& answers);
  void answer(Store::Done& done, Status status, Answers& answers) const;
  void report(Problem problem, Answers& answers) const;
  void report_recreated();
  static void post(Answers answers, const std::function<void(std::function<void()>)>& how);
  void post_turn();

  const Options options_;
  pthread_t thread_{};
  bool started_ = false;

  mutable std::mutex mutex_;  // guards from here…
  std::condition_variable wake_;
  WriteQueue queue_;
  std::deque<Read> reads_;
  Stats stats_;
  bool stopping_ = false;
  bool asked_ = false;      // to write what waits
  bool dropping_ = false;   // a series of drops was reported
  TimePoint first_queued_;  // of what waits
  TimePoint retry_at_;      // after a failed write: background batches wait until then
  // …to here. The rest is the thread's, and the constructor's before it runs.
  Writer writer_;
  bool failing_ = false;
  Answers answers_;      // of this turn
  bool prompt_ = false;  // somebody waits for one of them
};

}  // namespace roost::store
