#include "daemon/logs/pump.h"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "daemon/logs/fs_identity.h"
#include "daemon/logs/outbox.h"
#include "daemon/logs/pump_thread.h"

namespace roost::daemon {
namespace {
struct Attach {
  RunId run{};
  Stream stream = Stream::out;
  UniqueFd pipe;
  LogTarget target;
  Pump::Origin origin = Pump::Origin::fresh;
};

struct Finish {
  RunId run{};
};

struct Tail {
  RunId run{};
  Stream stream = Stream::out;
  int lines = 0;
  std::size_t max_bytes = 0;
  std::function<void(std::string)> done;
};

struct Reopen {};

struct Flush {
  std::vector<LogTarget> targets;
  std::function<void(FlushReport)> done;
};

struct Quit {};

using Command = std::variant<Attach, Finish, Tail, Reopen, Flush, Quit>;
}  // namespace

// The queue is bounded by what it is about: two attaches and one finish per run, kMaxTails tails,
// one flush per request of a client.
class Pump::Impl {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)), outbox_(std::make_shared<Outbox>(options_.post)) {}

  Status start() {
    wake_.reset(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_) return errno_error("log pump: eventfd", errno);
    engine_ = std::make_unique<PumpThread>(options_, *outbox_, counters_, wake_.get());
    if (Status started = engine_->start(); !started) return started;
    // Signals are the loop thread's.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return ok();
  }

  ~Impl() {
    stop();
    if (thread_.joinable()) thread_.join();
  }

  void stop() {
    outbox_->close();
    push(Quit{});
  }

  [[nodiscard]] bool stopped() const { return ended_; }

  void push(Command command) {
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(std::move(command));
      if (commands_.size() > 1 || !wake_) return;
    }
    (void)::eventfd_write(wake_.get(), 1);  // cannot overflow
  }

  void tail(Tail tail) {
    if (tails_.fetch_add(1) < kMaxTails) {
      push(std::move(tail));
    } else {
      tails_.fetch_sub(1);
      outbox_->put([done = std::move(tail.done)] { done({}); });
    }
  }

  [[nodiscard]] PumpStats stats() const {
    PumpStats stats;
    stats.bytes = counters_.bytes;
    stats.batches = counters_.batches;
    stats.marks = counters_.marks;
    stats.discarded = counters_.discarded;
    stats.streams = counters_.streams;
    stats.open_files = counters_.open_files;
    stats.stopped_files = counters_.stopped_files;
    return stats;
  }

 private:
  void run() {
    ::pthread_setname_np(::pthread_self(), "roost-pump");
    FsIdentity::drop_groups_of_thread();
    while (!quit_) {
      engine_->turn();
      carry_out_commands();
    }
    ended_ = true;
  }

  void carry_out_commands() {
    std::vector<Command> commands;
    {
      const std::lock_guard lock(mutex_);
      commands.swap(commands_);
    }
    for (Command& command : commands)
      std::visit([this](auto& one) { carry_out(one); }, command);
  }

  void carry_out(Attach& c) {
    engine_->attach(c.run, c.stream, std::move(c.pipe), std::move(c.target), c.origin);
  }

  void carry_out(Finish& c) { engine_->finish(c.run); }

  void carry_out(Tail& c) {
    std::string text = engine_->tail(c.run, c.stream, c.lines, c.max_bytes);
    tails_.fetch_sub(1);
    outbox_->put(
        [done = std::move(c.done), text = std::move(text)]() mutable { done(std::move(text)); });
  }

  void carry_out(Reopen&) { engine_->reopen_files(); }

  void carry_out(Flush& c) {
    FlushReport report = engine_->flush(c.targets);
    outbox_->put([done = std::move(c.done), report = std::move(report)]() mutable {
      done(std::move(report));
    });
  }

  void carry_out(Quit&) { quit_ = true; }

  Options options_;
  std::shared_ptr<Outbox> outbox_;
  PumpCounters counters_;
  UniqueFd wake_;
  std::unique_ptr<PumpThread> engine_;
  std::mutex mutex_;
  std::vector<Command> commands_;  // guarded by mutex_
  std::atomic<std::size_t> tails_{0};
  bool quit_ = false;  // pump thread only
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

Pump::Pump(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Pump::~Pump() = default;

Status Pump::start() {
  return impl_->start();
}

void Pump::stop() {
  impl_->stop();
}

bool Pump::stopped() const {
  return impl_->stopped();
}

void Pump::attach(RunId run, Stream stream, UniqueFd pipe, LogTarget target, Origin origin) {
  impl_->push(Attach{run, stream, std::move(pipe), std::move(target), origin});
}

void Pump::finish(RunId run) {
  impl_->push(Finish{run});
}

void Pump::tail(RunId run, Stream stream, int lines, std::size_t max_bytes,
                std::function<void(std::string)> done) {
  impl_->tail(Tail{run, stream, lines, max_bytes, std::move(done)});
}

void Pump::reopen_files() {
  impl_->push(Reopen{});
}

void Pump::flush(std::vector<LogTarget> targets, std::function<void(FlushReport)> done) {
  impl_->push(Flush{std::move(targets), std::move(done)});
}

PumpStats Pump::stats() const {
  return impl_->stats();
}

}  // namespace roost::daemon
