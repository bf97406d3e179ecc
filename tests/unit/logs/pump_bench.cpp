// What the pump costs beside a plain loop over epoll, read and write, in the same run. Not a test:
// figures to look at. pump_bench [GIB [CHILDREN SECONDS [ROUNDS]]]: CPU seconds per GiB of one
// flood; µs of CPU per line with CHILDREN at 1,000 lines/s.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/loop/loop.h"
#include "daemon/logs/pump.h"

namespace {
using namespace roost;

double cpu_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

std::string line() {
  return std::string(99, 'x') + "\n";
}

[[noreturn]] void flood(int fd, std::uint64_t bytes) {
  std::string block;
  while (block.size() + 100 <= (64U << 10))
    block += line();
  for (std::uint64_t done = 0; done < bytes; done += block.size())
    if (::write(fd, block.data(), block.size()) < 0) ::_exit(1);
  ::_exit(0);
}

[[noreturn]] void trickle(int fd, int lines) {
  const std::string text = line();
  timespec next{};
  ::clock_gettime(CLOCK_MONOTONIC, &next);
  for (int i = 0; i < lines; ++i) {
    if (::write(fd, text.data(), text.size()) < 0) ::_exit(1);
    next.tv_nsec += 1'000'000;
    if (next.tv_nsec >= 1'000'000'000) {
      next.tv_nsec -= 1'000'000'000;
      ++next.tv_sec;
    }
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
  }
  ::_exit(0);
}

struct Child {
  UniqueFd pipe;
  std::string path;
};

template <class Body>
Child start_child(const std::string& path, Body body) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) std::exit(1);
  if (::fork() == 0) {
    // The other children's pipes must end, and leave epoll, when the relay closes them.
    const int own = ::dup2(fds[1], 3);
    ::closefrom(4);
    body(own);
  }
  ::close(fds[1]);
  return Child{UniqueFd(fds[0]), path};
}

double by_plain_loop(std::vector<Child> children) {
  const double before = cpu_seconds();
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<UniqueFd> files;
  for (std::size_t i = 0; i < children.size(); ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, children[i].pipe.get(), &event);
    files.emplace_back(
        ::open(children[i].path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }
  std::string buffer(64U << 10, ' ');
  for (std::size_t open = children.size(); open > 0;) {
    epoll_event events[64];
    const int n = ::epoll_wait(epoll.get(), events, 64, -1);
    for (int e = 0; e < n; ++e) {
      const std::size_t i = events[e].data.u64;
      const ssize_t got = ::read(children[i].pipe.get(), buffer.data(), buffer.size());
      if (got <= 0) {
        children[i].pipe.reset();
        --open;
      } else if (::write(files[i].get(), buffer.data(), static_cast<std::size_t>(got)) < 0) {
        std::exit(1);
      }
    }
  }
  return cpu_seconds() - before;
}

double by_pump(std::vector<Child> children) {
  const double before = cpu_seconds();
  loop::Loop loop;
  std::size_t open = children.size();
  daemon::Pump::Options options;
  options.post = [&](std::function<void()> task) { loop.post(std::move(task)); };
  options.exit_gate = 1h;
  options.on_drained = [&](daemon::RunId, const daemon::DrainReport&) {
    if (--open == 0) loop.stop();
  };
  daemon::Pump pump(options);
  if (!pump.start()) std::exit(1);
  std::uint64_t id = 0;
  for (Child& child : children) {
    const daemon::RunId run{++id};
    pump.attach(run, daemon::Stream::out, std::move(child.pipe), daemon::LogTarget{child.path, {}});
    pump.finish(run);
  }
  loop.run();
  const daemon::PumpStats stats = pump.stats();
  std::printf("  pump: %llu batches, %llu marks\n", static_cast<unsigned long long>(stats.batches),
              static_cast<unsigned long long>(stats.marks));
  return cpu_seconds() - before;
}

void reap() {
  while (::wait(nullptr) > 0) {
  }
}
}  // namespace

int main(int argc, char** argv) {
  const int gib = argc > 1 ? std::atoi(argv[1]) : 1;
  const int children = argc > 2 ? std::atoi(argv[2]) : 100;
  const int seconds = argc > 3 ? std::atoi(argv[3]) : 3;
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 3;
  std::string dir = "/var/tmp/roost-bench-XXXXXX";
  if (::mkdtemp(dir.data()) == nullptr) return 1;
  const auto run = [&](const char* what, double per, auto body, int count) {
    double figures[2];
    static bool pump_first =
        false;  // the two take turns: memory is not equally warm for the second
    pump_first = !pump_first;
    const std::array<int, 2> order{pump_first ? 1 : 0, pump_first ? 0 : 1};
    for (const int pump : order) {
      std::vector<Child> all;
      for (int i = 0; i < count; ++i)
        all.push_back(start_child(dir + "/" + std::to_string(i) + ".log", body));
      figures[pump] = (pump == 0 ? by_plain_loop(std::move(all)) : by_pump(std::move(all))) / per;
      reap();
      std::filesystem::remove_all(dir);
      std::filesystem::create_directory(dir);
    }
    std::printf("%s: plain %.3f, pump %.3f, ratio %.2f\n", what, figures[0], figures[1],
                figures[1] / figures[0]);
  };
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  for (int round = 0; round < rounds; ++round) {
    run(
        "CPU s/GiB", gib, [&](int fd) { flood(fd, static_cast<std::uint64_t>(gib) << 30U); }, 1);
    run(
        "CPU us/line", static_cast<double>(children) * seconds * 1000 / 1e6,
        [&](int fd) { trickle(fd, seconds * 1000); }, children);
  }
  std::filesystem::remove_all(dir);
  return 0;
}
