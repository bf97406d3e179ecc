// Writers whose pipes one pump process after the other takes over, each killed in the middle.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include "daemon/process/app_terminal.h"
#include "tests/unit/logs/pump_rig.h"

namespace roost::daemon::test {

class KillScene {
 public:
  // Gives the next portion of a writer, in its own process.
  using Portions = std::function<std::string()>;

  // Whether the pumps have a relay, which outlives them as with the keeper; with it, writers may be
  // on terminals.
  enum class By : std::uint8_t { splice, relay, terminals };

  // One writer for each path; `portions_of` makes its source.
  KillScene(TempDir& dir, const std::vector<std::string>& files,
            const std::function<Portions(int writer)>& portions_of, By by = By::splice) {
    if (by != By::splice) relay_ = new_relay();
    for (std::size_t w = 0; w < files.size(); ++w) {
      Output output = by == By::terminals ? make_terminal() : make_pipe();
      TestPipe order;
      std::fflush(nullptr);
      const pid_t child = ::fork();
      if (child == 0) {
        orders_.clear();  // the ends by which the others are told
        order.out.reset();
        output.kept.clear();
        outputs_.clear();
        write_portions(output.app.get(), order.in.get(), portions_of(static_cast<int>(w)));
      }
      output.app.reset();
      writers_.push_back(child);
      paths.push_back(dir / files[w]);
      outputs_.push_back(std::move(output));
      orders_.push_back(std::move(order.out));
    }
  }

  KillScene(const KillScene&) = delete;
  KillScene& operator=(const KillScene&) = delete;

  ~KillScene() {
    for (const pid_t pid : writers_)
      ::kill(pid, SIGKILL);
    for (const pid_t pid : writers_)
      ::waitpid(pid, nullptr, 0);
  }

  void order_portions() {
    for (const auto& order : orders_)
      REQUIRE(write_all(order.get(), "1"));
    ++portions;
  }

  // The writers end, and with them their pipes.
  void end_writers() { orders_.clear(); }

  // How a pump process ends that has all pipes; nothing: it was killed.
  [[nodiscard]] std::optional<int> run_pump(const char* die_at = nullptr) const {
    return exit_of(start_pump(die_at));
  }

  // One pump after the other dies at one of the points, then, when the writers have ended, at one
  // of those of the end; the last one comes to its end.
  void kill_at(std::initializer_list<const char*> points,
               std::initializer_list<const char*> of_the_end = {"pump.eof"}) {
    for (const char* point : points) {
      CAPTURE(std::string(point));
      order_portions();
      CHECK_FALSE(run_pump(point));
    }
    end_writers();
    for (const char* point : of_the_end) {
      CAPTURE(std::string(point));
      CHECK_FALSE(run_pump(point));
    }
    CHECK(run_pump() == 0);
  }

  // 25 pumps, each killed when `most` bytes more are there at the latest.
  void kill_at_random(unsigned seed, std::uint64_t most) {
    std::mt19937 random(seed);
    for (int kills = 0; kills < 25; ++kills) {
      CAPTURE(kills);
      const std::uint64_t until = total() + random() % most;
      order_portions();
      const pid_t pump = start_pump(nullptr);
      const auto deadline = Monotonic::now() + kDeadline;
      while (total() < until && Monotonic::now() < deadline) {
      }
      CHECK(total() >= until);
      REQUIRE(::kill(pump, SIGKILL) == 0);
      CHECK_FALSE(exit_of(pump));
    }
  }

  std::vector<std::string> paths;  // of the writers' files, some the same
  std::vector<std::pair<std::string, std::string>> pump_environment;
  std::size_t portions = 0;  // ordered so far

 private:
  struct Output {
    UniqueFd app;                // the writer's
    std::vector<UniqueFd> kept;  // the pump's, inherited
  };

  static Output make_pipe() {
    TestPipe pipe;
    Output output{std::move(pipe.out), {}};
    output.kept.push_back(std::move(pipe.in));
    return inherited(std::move(output));
  }

  static Output make_terminal() {
    int errnum = 0;
    auto terminal = make_app_terminal({}, errnum);
    REQUIRE(terminal);
    Output output{std::move(terminal->app), {}};
    output.kept.push_back(std::move(terminal->pipe));
    output.kept.push_back(std::move(terminal->master));
    return inherited(std::move(output));
  }

  static Output inherited(Output output) {
    for (const UniqueFd& fd : output.kept)
      ::fcntl(fd.get(), F_SETFD, 0);
    return output;
  }

  // As fast as the pipe takes it, one for each byte it reads from `orders`.
  [[noreturn]] static void write_portions(int fd, int orders, const Portions& next) {
    constexpr std::size_t kPiece = 3001;
    for (char order = 0; ::read(orders, &order, 1) == 1;) {
      const std::string portion = next();
      for (std::size_t at = 0; at < portion.size(); at += kPiece)
        if (!write_all(fd, std::string_view(portion).substr(at, kPiece))) ::_exit(1);
    }
    ::_exit(0);
  }

  [[nodiscard]] pid_t start_pump(const char* die_at) const {
    std::vector<std::string> words{PUMP_VICTIM};
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const std::vector<UniqueFd>& kept = outputs_[i].kept;
      words.push_back(std::to_string(kept[0].get()) +
                      (kept.size() > 1 ? ":" + std::to_string(kept[1].get()) : ""));
      words.push_back(paths[i]);
    }
    std::vector<char*> argv;
    for (auto& word : words)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    for (const auto& [name, value] : pump_environment)
      ::setenv(name.c_str(), value.c_str(), 1);
    if (relay_.pipe) {
      for (const int fd : {relay_.pipe.get(), relay_.note.get()})
        ::fcntl(fd, F_SETFD, 0);
      const std::string numbers =
          std::to_string(relay_.pipe.get()) + " " + std::to_string(relay_.note.get());
      ::setenv("PUMP_VICTIM_RELAY", numbers.c_str(), 1);
    }
    if (die_at != nullptr) ::setenv("ROOST_DIE_AT", die_at, 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  [[nodiscard]] static std::optional<int> exit_of(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
  }

  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::string& path : std::set<std::string>(paths.begin(), paths.end()))
      sum += size_of(path);
    return sum;
  }

  RelayFds relay_;
  std::vector<Output> outputs_;
  std::vector<UniqueFd> orders_;
  std::vector<pid_t> writers_;
};

}  // namespace roost::daemon::test
