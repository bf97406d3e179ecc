// Writers whose pipes one pump process after the other takes over, each killed in the middle.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
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

#include "tests/unit/logs/pump_rig.h"

namespace roost::daemon::test {

class KillScene {
 public:
  // Gives the next portion of a writer, in its own process.
  using Portions = std::function<std::string()>;

  // Whether the pumps have a relay, which outlives them as with the keeper.
  enum class By : std::uint8_t { splice, relay };

  // One writer for each path; `portions_of` makes its source.
  KillScene(TempDir& dir, const std::vector<std::string>& files,
            const std::function<Portions(int writer)>& portions_of, By by = By::splice) {
    if (by == By::relay) relay_ = new_relay();
    for (std::size_t w = 0; w < files.size(); ++w) {
      TestPipe pipe;
      TestPipe order;
      ::fcntl(pipe.in.get(), F_SETFD, 0);  // inherited by the pump
      std::fflush(nullptr);
      const pid_t child = ::fork();
      if (child == 0) {
        orders_.clear();  // the ends by which the others are told
        order.out.reset();
        pipe.in.reset();
        pipes_.clear();
        write_portions(pipe.out.get(), order.in.get(), portions_of(static_cast<int>(w)));
      }
      writers_.push_back(child);
      paths.push_back(dir / files[w]);
      pipes_.push_back(std::move(pipe.in));
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
    for (std::size_t i = 0; i < pipes_.size(); ++i) {
      words.push_back(std::to_string(pipes_[i].get()));
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
  std::vector<UniqueFd> pipes_;
  std::vector<UniqueFd> orders_;
  std::vector<pid_t> writers_;
};

}  // namespace roost::daemon::test
