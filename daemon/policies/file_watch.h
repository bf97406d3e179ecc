// FileWatch: tells when a file of a watched app has changed, once it has been quiet for the app's
// watch_delay. One inotify for all apps; directories are looked for by the worker. Costs nothing
// while nothing changes. Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/unique_fd.h"
#include "core/loop/poll.h"
#include "core/loop/timer.h"
#include "core/loop/worker.h"
#include "core/model/app_spec.h"
#include "core/model/ids.h"
#include "daemon/policies/watch_scope.h"

struct inotify_event;

namespace roost::daemon {

class FileWatch {
 public:
  // What has changed, in words: "src/app.js and 3 more changed".
  using Changed = std::function<void(model::AppId, std::string what)>;

  FileWatch(loop::Loop& loop, loop::Worker& worker, Changed changed);
  ~FileWatch();

  // Watches the app as its spec says from now on; `never`: absolute paths that do not count.
  // Nothing happens when it is watched with this spec already.
  void watch(model::AppId app, const model::SpecPtr& spec, const std::vector<std::string>& never);
  // Forgets the app, and what was seen of it.
  void drop(model::AppId app);
  // Every app but those.
  void keep_only(const std::function<bool(model::AppId)>& wanted);

  // "2013 directories", or what is in the way; empty: not watched.
  [[nodiscard]] std::string state_of(model::AppId app) const;
  // What is in the way, in words; empty: nothing.
  [[nodiscard]] std::string problem_of(model::AppId app) const;

 private:
  struct Watched {
    std::uint64_t serial = 0;  // of this watch: what belongs to an earlier one is dropped
    model::SpecPtr spec;
    std::vector<WatchOrder> orders;
    std::size_t scans = 0;  // under way
    std::size_t directories = 0;
    std::string problem;
    bool missing = false;  // a root is not there: it is looked for again
    std::unique_ptr<loop::Timer> quiet;
    std::unique_ptr<loop::Timer> retry;
    TimePoint first_at{};
    std::string first;  // changed file
    std::string last;
    std::size_t changes = 0;  // of files: a new one comes twice, made and written, and counts once
  };

  // Who is told of what happens in a directory.
  struct Listener {
    model::AppId app{};
    ScopePtr scope;
    friend bool operator==(const Listener&, const Listener&) = default;
  };

  struct Directory {
    std::string path;
    std::vector<Listener> listeners;
  };

  struct Change {
    int number = 0;
    std::uint32_t mask = 0;
    std::string name;
  };

  [[nodiscard]] bool open(Watched& watched);
  void begin(model::AppId app, Watched& watched);
  void scan(model::AppId app, std::function<WatchScan(int inotify, std::size_t most)> work);
  void on_scanned(model::AppId app, std::uint64_t serial, WatchScan scan);
  void on_readable();
  void on_change(Change change);
  void apply(const Change& change);
  void tell(const Listener& listener, const std::string& path, std::uint32_t mask);
  void note(model::AppId app, std::string_view file);
  void overflow();
  void leave_below(const std::string& path);
  void forget(model::AppId app);
  void collect();
  void on_quiet(model::AppId app);
  void again_later(model::AppId app, Watched& watched);

  loop::Loop& loop_;
  loop::Worker& worker_;
  Changed changed_;
  std::shared_ptr<UniqueFd> inotify_;
  std::optional<loop::Poll> poll_;
  std::map<model::AppId, Watched> apps_;
  std::unordered_map<int, Directory> directories_;  // by inotify's number
  std::vector<Change> held_;  // of directories that a scan under way may be about to tell of
  std::size_t scans_ = 0;
  std::uint64_t serial_ = 0;
  bool garbage_ = false;  // directories without listeners
};

}  // namespace roost::daemon
