// A pump with a loop and a private directory, and pipes to feed it.
#pragma once

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/unique_fd.h"
#include "core/loop/loop.h"
#include "core/model/limits.h"
#include "core/model/log_marks.h"
#include "daemon/logs/pump.h"
#include "daemon/logs/relay.h"

namespace roost::daemon::test {

class TempDir {
 public:
  TempDir() {
    // On the disk, not in memory, where there is a choice: /var/tmp.
    std::string name = "/var/tmp/roost-logs-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }

  ~TempDir() { std::filesystem::remove_all(path_); }

  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] std::string operator/(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

 private:
  std::string path_;
};

struct TestPipe {
  UniqueFd in;   // for the pump
  UniqueFd out;  // the app's end

  TestPipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    in.reset(fds[0]);
    out.reset(fds[1]);
  }
};

inline bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline std::uint64_t size_of(const std::string& path) {
  struct stat st {};

  return ::stat(path.c_str(), &st) == 0 ? static_cast<std::uint64_t>(st.st_size) : 0;
}

inline std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes)
    c = static_cast<char>(random());
  return bytes;
}

inline std::vector<model::Mark> marks_of(const std::string& log_path) {
  const std::string raw = contents(log_path + std::string(model::kMarksSuffix));
  std::vector<model::Mark> marks;
  if (raw.size() <= sizeof(model::MarksHeader)) return marks;
  marks.resize((raw.size() - sizeof(model::MarksHeader)) / sizeof(model::Mark));
  std::copy_n(raw.data() + sizeof(model::MarksHeader), marks.size() * sizeof(model::Mark),
              reinterpret_cast<char*>(marks.data()));
  return marks;
}

// Descriptors of this process that are open on files below `dir`.
inline std::size_t open_below(const std::string& dir) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (!gone && target.string().starts_with(dir + "/")) ++count;
  }
  return count;
}

constexpr auto kDeadline = 60s;

inline std::size_t waiting_in(const UniqueFd& pipe) {
  int waiting = 0;
  REQUIRE(::ioctl(pipe.get(), FIONREAD, &waiting) == 0);
  return static_cast<std::size_t>(waiting);
}

inline RelayFds new_relay() {
  Result<RelayFds> made = make_relay();
  REQUIRE(made);
  return std::move(*made);
}

// A relay as a daemon leaves it that is killed before it has written `bytes`.
inline RelayFds left_by_another(RunId run, Stream stream, const std::string& path,
                                std::string_view bytes) {
  RelayFds fds = new_relay();
  Relay relay;
  relay.open(fds.pipe.get(), fds.note.get());
  REQUIRE(relay.note(run, stream, path));
  TestPipe app;
  REQUIRE(write_all(app.out.get(), bytes));
  REQUIRE(relay.fill(app.in.get(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  return fds;
}

class PumpRig {
 public:
  using Adjust = std::function<void(Pump::Options&)>;

  // Without `relay_fds` (RelayFds{}) it has no relay.
  explicit PumpRig(const Adjust& adjust = {}, RelayFds relay_fds = new_relay())
      : relay(std::move(relay_fds)) {
    Pump::Options options;
    options.post = [this](std::function<void()> task) { loop.post(std::move(task)); };
    options.on_drained = [this](RunId run, const DrainReport& report) {
      ++drained_calls;
      drained[run] = report;
    };
    options.on_problem = [this](const LogProblem& problem) { problems.push_back(problem); };
    options.log_dir = dir.path();
    options.retry_after = 20ms;
    if (adjust) adjust(options);
    pump = std::make_unique<Pump>(std::move(options));
    REQUIRE(pump->start());
    if (relay.pipe) pump->use_relay(relay.pipe.get(), relay.note.get());
  }

  bool wait(const std::function<bool()>& done) { return loop.run_until(done, kDeadline); }

  bool wait_size(const std::string& path, std::uint64_t size) {
    return wait([&] { return size_of(path) >= size; });
  }

  void write_and_wait(const UniqueFd& app, const std::string& text) {
    const auto before = pump->stats().bytes;
    REQUIRE(write_all(app.get(), text));
    REQUIRE(wait([&] { return pump->stats().bytes >= before + text.size(); }));
  }

  DrainReport finish(RunId run) {
    pump->finish(run);
    REQUIRE(wait([&] { return drained.contains(run); }));
    return drained[run];
  }

  std::string tail(RunId run, Stream stream, int lines, std::size_t max_bytes = 16U << 10) {
    bool answered = false;
    std::string text;
    pump->tail(run, stream, lines, max_bytes, [&](std::string t) {
      text = std::move(t);
      answered = true;
    });
    REQUIRE(wait([&] { return answered; }));
    return text;
  }

  // A pipe whose read end the pump has.
  UniqueFd attach(RunId run, Stream stream, const std::string& path,
                  Pump::Origin origin = Pump::Origin::fresh) {
    TestPipe pipe;
    pump->attach(run, stream, std::move(pipe.in), LogTarget{path, {}}, origin);
    return std::move(pipe.out);
  }

  // Writes the beginning of `bytes` in one piece, so that the stream counts as one that fills its
  // pipe. Returns the rest, to be written by anybody.
  std::string_view begin_flood(const UniqueFd& app, const std::string& path,
                               std::string_view bytes) {
    const std::size_t first = model::limits::kBusyPipeBytes * 3 / 4;
    REQUIRE(write_all(app.get(), bytes.substr(0, first)));
    REQUIRE(wait_size(path, first));
    return bytes.substr(first);
  }

  TempDir dir;
  loop::Loop loop;
  RelayFds relay;
  int drained_calls = 0;
  std::map<RunId, DrainReport> drained;
  std::vector<LogProblem> problems;
  std::unique_ptr<Pump> pump;
};

}  // namespace roost::daemon::test
