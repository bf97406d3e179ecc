// What the store's tests share: a private directory, a hand-driven loop, and builders with
// defaults.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <stdlib.h>

#include "store/store.h"

namespace roost::store {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "roost-store-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }

  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string db() const { return (path_ / "state.db").string(); }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Names of the files that were moved aside.
  [[nodiscard]] std::vector<std::string> aside() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      if (name.find(".corrupt-") != std::string::npos && !name.ends_with("-wal"))
        found.push_back(name);
    }
    return found;
  }

 private:
  std::filesystem::path path_;
};

// Stands for the event loop: what the store posts runs when the test waits for something.
class TestLoop {
 public:
  void post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    wake_.notify_one();
  }

  template <class Condition>
  bool wait_for(Condition condition, std::chrono::seconds limit = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
      if (condition()) return true;
      std::unique_lock lock(mutex_);
      if (!wake_.wait_until(lock, deadline, [this] { return !tasks_.empty(); })) return condition();
      std::deque<std::function<void()>> tasks = std::exchange(tasks_, {});
      lock.unlock();
      for (auto& task : tasks)
        task();
    }
  }

  void run_all() {
    (void)wait_for([this] {
      const std::lock_guard lock(mutex_);
      return tasks_.empty();
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
};

struct StoreFixture {
  TempDir dir;
  TestLoop loop;
  std::vector<Problem> problems;
  std::unique_ptr<Store> store;

  Options options() {
    Options options;
    options.path = dir.db();
    options.post = [this](std::function<void()> task) { loop.post(std::move(task)); };
    options.on_problem = [this](Problem problem) { problems.push_back(std::move(problem)); };
    options.gather_for = 0ms;
    options.retry_every = 10ms;
    return options;
  }

  void open() { open(options()); }

  void open(Options with) {
    store.reset();
    Result<std::unique_ptr<Store>> opened = Store::open(std::move(with));
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    store = *std::move(opened);
  }

  Status put(Batch batch, Durability durability = Durability::background) {
    std::unique_ptr<Status> answer;
    store->submit(std::move(batch), durability,
                  [&](Status status) { answer = std::make_unique<Status>(std::move(status)); });
    REQUIRE(loop.wait_for([&] { return answer != nullptr; }));
    return std::move(*answer);
  }

  template <class Id>
  std::vector<AddExit> exits(Id id, std::uint32_t limit = 1000) {
    std::unique_ptr<Result<std::vector<AddExit>>> answer;
    store->recent_exits(id, limit, [&](Result<std::vector<AddExit>> rows) {
      answer = std::make_unique<Result<std::vector<AddExit>>>(std::move(rows));
    });
    REQUIRE(loop.wait_for([&] { return answer != nullptr; }));
    REQUIRE_MESSAGE(answer->has_value(), (answer->has_value() ? "" : answer->error().message));
    return **std::move(answer);
  }

  std::vector<AddChange> changes(std::uint64_t from, std::uint32_t limit = 1000) {
    std::unique_ptr<Result<std::vector<AddChange>>> answer;
    store->changes(from, limit, [&](Result<std::vector<AddChange>> rows) {
      answer = std::make_unique<Result<std::vector<AddChange>>>(std::move(rows));
    });
    REQUIRE(loop.wait_for([&] { return answer != nullptr; }));
    REQUIRE_MESSAGE(answer->has_value(), (answer->has_value() ? "" : answer->error().message));
    return **std::move(answer);
  }

  [[nodiscard]] bool has_problem(Problem::Kind kind) const {
    for (const Problem& problem : problems)
      if (problem.kind == kind) return true;
    return false;
  }
};

inline PutApp app(std::uint32_t id, std::string json = "{}") {
  return {model::AppId{id}, std::move(json)};
}

inline PutInstance instance(std::uint32_t id, std::uint32_t app = 1, std::uint8_t fill = 0) {
  PutInstance put;
  put.instance = model::InstanceId{id};
  put.app = model::AppId{app};
  put.slot = id;
  put.note.fill(fill);
  return put;
}

inline PutRun run(std::uint64_t id, std::uint32_t instance = 1) {
  PutRun put;
  put.run = model::RunId{id};
  put.instance = model::InstanceId{instance};
  put.pid = static_cast<std::int32_t>(1000 + id);
  put.start_ticks = 77 + id;
  put.boot_id.fill(9);
  put.label.fill(static_cast<std::uint8_t>(id));
  return put;
}

inline AddExit exit_of(std::uint64_t seq, std::uint32_t instance = 1, std::uint32_t app = 1) {
  AddExit exit;
  exit.epoch = 5;
  exit.seq = seq;
  exit.instance = model::InstanceId{instance};
  exit.app = model::AppId{app};
  exit.run = model::RunId{seq};
  exit.pid = 4000;
  exit.started_wall_ms = 100;
  exit.ended_wall_ms = 200;
  exit.status = {.kind = model::ExitKind::exited, .code = 7, .signal = 0, .core = false};
  exit.reason = "exit code 7; restarting at once";
  return exit;
}

}  // namespace roost::store
