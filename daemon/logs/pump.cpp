#include "daemon/logs/pump.h"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
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
  std::unique_ptr<PumpThread::LogStream> stream;
  LogTarget target;
};

struct PassOn {
  RunId from{};
  RunId to{};
};

// In the order in which runs are begun.
using Begin = std::variant<Attach, PassOn>;

struct Finish {
  RunId run{};
  TimePoint since;
};

struct Tail {
  RunId run{};
  Stream stream = Stream::out;
  int lines = 0;
  std::size_t max_bytes = 0;
  std::function<void(std::string)> done;
};

struct RelayNumbers {
  int pipe = -1;
  int note = -1;
};

struct Reopen {};

struct Flush {
  std::vector<LogTarget> targets;
  std::function<void(FlushReport)> done;
};

struct LeaveRelay {};

struct Quit {};

using Command = std::variant<Finish, Tail, Reopen, Flush, LeaveRelay, Quit>;

std::unique_ptr<PumpThread::LogStream> make_stream(RunId run, Stream stream, UniqueFd pipe,
                                                   Pump::Origin origin) {
  auto made = std::make_unique<PumpThread::LogStream>();
  made->run = run;
  made->which = stream;
  made->pipe = std::move(pipe);
  made->taken_over = origin == Pump::Origin::taken_over;
  return made;
}
}  // namespace

// The queue is bounded by what it is about: two attaches (or one pass) and one finish per run,
// kMaxTails tails, one flush per request of a client.
class Pump::Impl {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)),
        outbox_(std::make_shared<Outbox>(
            options_.post, options_.post_later ? options_.post_later : options_.post)) {}

  Status start() {
    UniqueFd wake(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return errno_error("log pump: eventfd", errno);
    engine_ = std::make_unique<PumpThread>(options_, *outbox_, counters_, problems_, wake.get());
    if (Status started = engine_->start(); !started) return started;
    {
      const std::lock_guard lock(mutex_);
      wake_ = std::move(wake);
    }
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
      if (std::exchange(woken_, true) || !wake_) return;
    }
    (void)::eventfd_write(wake_.get(), 1);  // cannot overflow
  }

  void push_quietly(Command command) {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }

  void use_relay(RelayNumbers relay) {
    {
      const std::lock_guard lock(mutex_);
      relay_ = relay;
      if (std::exchange(woken_, true) || !wake_) return;
    }
    (void)::eventfd_write(wake_.get(), 1);
  }

  // Under the lock: the thread takes what is attached before it looks at an event of it.
  void attach(Attach command) {
    {
      const std::lock_guard lock(mutex_);
      // Without its terminal a pipe seems to be at its end.
      const bool early = wake_ && !command.stream->terminal;
      const bool watched = early && engine_->watch_early(*command.stream);
      begins_.emplace_back(std::move(command));
      if (watched || std::exchange(woken_, true) || !wake_) return;
    }
    (void)::eventfd_write(wake_.get(), 1);
  }

  void pass_on(PassOn command) {
    const std::lock_guard lock(mutex_);
    begins_.emplace_back(command);
  }

  [[nodiscard]] bool is_relaying() const { return counters_.relaying; }

  void tail(Tail tail) {
    if (tails_.fetch_add(1) < kMaxTails) {
      push(std::move(tail));
    } else {
      tails_.fetch_sub(1);
      outbox_->put([done = std::move(tail.done)] { done({}); });
    }
  }

  [[nodiscard]] const LogProblems& problems() const { return problems_; }

  [[nodiscard]] PumpStats stats() const {
    PumpStats stats;
    stats.bytes = counters_.bytes;
    stats.batches = counters_.batches;
    stats.marks = counters_.marks;
    stats.discarded = counters_.discarded;
    stats.relayed = counters_.relayed;
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
      engine_->wait();
      take_begun();
      engine_->work();
      carry_out_commands();
    }
    ended_ = true;
  }

  void take_begun() {
    std::vector<Begin> begins;
    std::optional<RelayNumbers> relay;  // comes before what is attached
    {
      const std::lock_guard lock(mutex_);
      relay.swap(relay_);
      begins.swap(begins_);
    }
    if (relay) engine_->use_relay(relay->pipe, relay->note);
    for (Begin& one : begins)
      std::visit([this](auto& begun) { begin(begun); }, one);
  }

  void begin(Attach& one) { engine_->attach(std::move(one.stream), std::move(one.target)); }

  void begin(const PassOn& one) { engine_->pass_on(one.from, one.to); }

  void carry_out_commands() {
    std::vector<Command> commands;
    {
      const std::lock_guard lock(mutex_);
      commands.swap(commands_);
      woken_ = false;
    }
    take_begun();  // what the commands are about
    for (Command& command : commands)
      std::visit([this](auto& one) { carry_out(one); }, command);
  }

  void carry_out(Finish& c) { engine_->finish(c.run, c.since); }

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

  void carry_out(LeaveRelay&) { engine_->leave_relay(); }

  void carry_out(Quit&) { quit_ = true; }

  Options options_;
  std::shared_ptr<Outbox> outbox_;
  PumpCounters counters_;
  LogProblems problems_;
  UniqueFd wake_;
  std::unique_ptr<PumpThread> engine_;
  std::mutex mutex_;
  std::optional<RelayNumbers> relay_;  // guarded by mutex_, as
  std::vector<Begin> begins_;          // those, and
  std::vector<Command> commands_;      // those, and
  bool woken_ = false;                 // for any of them
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

void Pump::use_relay(int pipe, int note) {
  impl_->use_relay({pipe, note});
}

void Pump::leave_relay() {
  impl_->push(LeaveRelay{});
}

void Pump::attach(RunId run, Stream stream, UniqueFd pipe, LogTarget target, Origin origin) {
  impl_->attach({make_stream(run, stream, std::move(pipe), origin), std::move(target)});
}

void Pump::attach_terminal(RunId run, UniqueFd pipe, UniqueFd master, LogTarget target,
                           Origin origin) {
  auto made = make_stream(run, Stream::out, std::move(pipe), origin);
  made->terminal = std::move(master);
  impl_->attach({std::move(made), std::move(target)});
}

void Pump::pass_on(RunId from, RunId to) {
  impl_->pass_on({from, to});
}

bool Pump::is_relaying() const {
  return impl_->is_relaying();
}

void Pump::finish(RunId run) {
  impl_->push(Finish{run, Monotonic::now()});
}

void Pump::expect_end(RunId run) {
  impl_->push_quietly(Finish{run, Monotonic::now()});
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

const LogProblems& Pump::problems() const {
  return impl_->problems();
}

}  // namespace roost::daemon
