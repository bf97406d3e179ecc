// Daemon: owns the parts of roostd in the order in which they depend on each other; destruction is
// the reverse and is the shutdown. main makes one, runs it, and that is the program.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/unique_fd.h"
#include "core/loop/loop.h"
#include "core/loop/poll.h"
#include "core/loop/timer.h"
#include "daemon/api/server.h"
#include "daemon/api/services.h"
#include "daemon/home_watch.h"
#include "daemon/keeper_heir.h"
#include "daemon/keeper_watch.h"
#include "daemon/process/originals.h"
#include "daemon/supervisor/dependencies.h"
#include "daemon/supervisor/health.h"
#include "ipc/paths.h"

namespace roost::daemon {

struct DaemonOptions {
  ipc::Paths paths;
  UniqueFd keeper_socket;
  UniqueFd lock;  // flock'd by whoever started the keeper; held as long as keeper or daemon live
  Originals originals;
};

class Daemon {
 public:
  explicit Daemon(DaemonOptions options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Exit status of the process.
  [[nodiscard]] int run();

 private:
  void open_store();
  void make_services();
  void on_recovered();
  void on_keeper_lost();
  void try_inherit();
  void on_signal();
  void begin_end();
  void begin_shutdown();
  void begin_quit();
  void quit_now();
  void on_audience(bool present);
  void give_back();
  void settle();
  [[nodiscard]] bool restore_home();
  void write_pid_files() const;
  void renew_keeper(std::function<void(const Status&)> done);
  [[nodiscard]] Result<UniqueFd> listener();

  DaemonOptions options_;
  loop::Loop loop_;
  loop::Worker worker_;
  Bus bus_{loop_};
  Lanes lanes_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<Pump> pump_;
  std::unique_ptr<KeeperLink> keeper_;
  std::unique_ptr<Spawner> spawner_;
  std::unique_ptr<Waits> waits_;
  std::unique_ptr<Health> health_;
  std::unique_ptr<Dependencies> dependencies_;
  std::unique_ptr<Policies> policies_;
  TreeUsage usage_;
  std::unique_ptr<Services> services_;
  Dispatcher dispatcher_;
  std::unique_ptr<Server> server_;
  std::vector<std::function<void(const Status&)>> renewing_;  // who waits for the keeper's answer
  KeeperWatch keeper_watch_;
  HomeWatch home_watch_;
  UniqueFd inherited_listener_;
  UniqueFd signals_;
  std::optional<loop::Poll> signal_poll_;
  loop::Timer timer_;  // of the inheritance or of the quit, whichever is under way
  TimePoint inherit_until_{};
  bool quitting_ = false;
  bool removes_files_ = false;
  int exit_status_ = 0;
  loop::Timer settle_timer_{loop_, [this] { settle(); }};
};

}  // namespace roost::daemon
