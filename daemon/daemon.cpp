#include "daemon/daemon.h"

#include <csignal>
#include <cstdlib>

#include <pwd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/memory.h"
#include "daemon/log.h"
#include "daemon/process/proc_snapshot.h"
#include "daemon/process/scratch_fds.h"
#include "ipc/socket.h"

namespace roost::daemon {
namespace {

constexpr std::size_t kMaxPendingWork = 20'000;  // one signal or sweep per instance at most
constexpr Duration kInheritRetry = 5ms;
constexpr Duration kInheritLimit = 1s;  // a spawn that hangs in the kernel is left behind
// What the loop has spawned is settled then; so long restarts are put on record together.
constexpr Duration kSettleAfter = 2s;
constexpr Duration kPatience = 5s;   // what nobody waits for comes so late at most
constexpr Duration kQuitLimit = 3s;  // for the last acknowledgements

// Names the home in ROOST_ID and cgroups: FNV-1a of its path, so that every daemon of the home
// finds the same.
std::string home_id(const std::string& home) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (unsigned char c : home)
    hash = (hash ^ c) * 0x100000001b3ULL;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string own_user() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

std::string own_credentials() {
  const char* directory = ::getenv("CREDENTIALS_DIRECTORY");
  return directory != nullptr ? directory : "";
}

std::string own_directory() {
  std::string path(4096, '\0');
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size());
  path.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return path.substr(0, path.rfind('/'));
}

}  // namespace

Daemon::Daemon(DaemonOptions options)
    : options_(std::move(options)),
      worker_(loop_, kMaxPendingWork),
      lanes_(Lanes::open(home_id(options_.paths.home))),
      keeper_watch_(loop_, [this] { return renewing_.empty() && !supervisor_->runs().empty(); }),
      home_watch_(loop_, options_.paths.socket(), [this] { return restore_home(); }),
      timer_(loop_, [this] { quitting_ ? quit_now() : try_inherit(); }) {
  loop_.set_exception_handler([](std::string_view component, std::string_view what) {
    log_error(component, "exception: " + std::string(what));
  });
  if (lanes_.kind() == CgroupKind::none) log_info("lanes", lanes_.why());
  open_store();
  const auto post = [this](std::function<void()> task) { loop_.post(std::move(task)); };
  const auto post_later = [this](std::function<void()> task) {
    loop_.post_later(std::move(task), kPatience);
  };
  const auto boot_id = read_boot_id();
  supervisor_ = std::make_unique<Supervisor>(SupervisorParts{
      .loop = loop_,
      .worker = worker_,
      .bus = bus_,
      .lanes = lanes_,
      .store = store_.get(),
      .home_id = home_id(options_.paths.home),
      .log_dir = options_.paths.log_dir,
      .notify = find_notify_place(options_.paths.runtime_dir, home_id(options_.paths.home)),
      .boot_id = boot_id,
      .helper = own_directory() + "/roost",
      .credentials = own_credentials()});
  Pump::Options pump_options;
  pump_options.post = post;
  pump_options.post_later = post_later;
  pump_options.log_dir = options_.paths.log_dir;
  pump_options.boot_id = boot_id;
  pump_options.on_drained = [this](model::RunId run, const DrainReport& report) {
    supervisor_->on_drained(run, report);
  };
  pump_options.on_problem = [](const LogProblem& problem) {
    if (problem.kind == LogProblem::Kind::resumed)
      return log_warning("logs", "writing again: " + problem.path);
    const bool stopped = problem.kind == LogProblem::Kind::stopped;
    log_warning("logs", (stopped ? "stopped: " : "discarding: ") +
                            errno_error(problem.path, problem.errnum).message);
  };
  pump_ = std::make_unique<Pump>(std::move(pump_options));
  const int socket = options_.keeper_socket.get();
  keeper_ = std::make_unique<KeeperLink>(loop_, std::move(options_.keeper_socket), *supervisor_);
  spawner_ = std::make_unique<Spawner>(SpawnerOptions{
      .keeper_fd = socket,
      .keeper_bell = keeper_->bell(),
      .originals = options_.originals,
      .post = [this](std::function<void()> task,
                     Duration patience) { loop_.post_later(std::move(task), patience); },
      .at_next_wake =
          [this](std::function<void()> task) {
            if (!loop_.at_next_wake(std::move(task))) return false;
            if (!settle_timer_.active()) settle_timer_.start(kSettleAfter);
            return true;
          },
      .loop_bell = loop_.wake_descriptor()});
  supervisor_->connect(*keeper_, *spawner_, *pump_);
  waits_ = std::make_unique<Waits>(bus_, *supervisor_);
  const std::string prober = own_directory() + "/roost";
  health_ = std::make_unique<Health>(loop_, worker_, bus_, *supervisor_, prober);
  dependencies_ = std::make_unique<Dependencies>(loop_, worker_, bus_, *supervisor_, prober);
  policies_ = std::make_unique<Policies>(loop_, worker_, bus_, *supervisor_, options_.paths.home);
  make_services();
}

Daemon::~Daemon() = default;

void Daemon::open_store() {
  store::Options options;
  options.path = options_.paths.state_db();
  options.post = [this](std::function<void()> task) { loop_.post(std::move(task)); };
  options.post_later = [this](std::function<void()> task) {
    loop_.post_later(std::move(task), kPatience);
  };
  // At the end of the turn; when something is being spawned, its run goes with it.
  options.on_waiting = [this] {
    loop_.defer([this] {
      if (!spawner_->busy()) store_->write_waiting();
    });
  };
  options.on_problem = [this](const store::Problem& problem) {
    log_warning("store", problem.message);
    if (problem.kind == store::Problem::Kind::recreated) supervisor_->resubmit_everything();
  };
  Result<std::unique_ptr<store::Store>> opened = store::Store::open(std::move(options));
  if (opened)
    store_ = std::move(*opened);
  else
    log_error("store", opened.error().message + "; going on without it");
}

// Until its restart is on record, nothing of an exit is acknowledged: the keeper has it.
void Daemon::settle() {
  spawner_->settle();
  if (store_) store_->write_waiting();
}

void Daemon::make_services() {
  services_ = std::make_unique<Services>(
      Services{.loop = loop_,
               .supervisor = *supervisor_,
               .waits = *waits_,
               .pump = *pump_,
               .store = store_.get(),
               .usage = usage_,
               .health = *health_,
               .dependencies = *dependencies_,
               .policies = *policies_,
               .user = own_user(),
               .program = own_directory() + "/roostd",
               .keeper_pid = ::getppid(),
               .started = Monotonic::now(),
               .begin_end = [this] { begin_end(); },
               .quit = [this] { begin_quit(); },
               .renew_keeper = [this](auto done) { renew_keeper(std::move(done)); },
               .step_down = [this] { loop_.stop(); },
               .clients = [this] { return server_->clients(); }});
  register_daemon_handlers(dispatcher_, *services_);
  register_list_handlers(dispatcher_, *services_);
  register_describe_handler(dispatcher_, *services_);
  register_jobs_handler(dispatcher_, *services_);
  register_start_handlers(dispatcher_, *services_);
  register_stop_handlers(dispatcher_, *services_);
  register_log_handlers(dispatcher_, *services_);
  register_apply_handlers(dispatcher_, *services_);
  register_history_handler(dispatcher_, *services_);
  register_scale_handler(dispatcher_, *services_);
  register_save_handlers(dispatcher_, *services_);
  register_events_handler(dispatcher_, *services_, bus_);
  server_ = std::make_unique<Server>(loop_, dispatcher_, ::getppid());
  server_->is_busy = [this] { return supervisor_->is_starting(); };
  server_->on_quiet = [this] { give_back(); };
  server_->on_audience = [this](bool present) { on_audience(present); };
  supervisor_->on_recovered = [this] { on_recovered(); };
  supervisor_->on_keeper_lost = [this] { on_keeper_lost(); };
  supervisor_->on_keeper_alive = [this] { keeper_watch_.on_sign(); };
  supervisor_->on_foreign_entry = [this](std::uint64_t key, UniqueFd fd) {
    if (key == kListenerKey) inherited_listener_ = std::move(fd);
  };
  supervisor_->on_upgraded = [this](bool done) {
    const Status status =
        done ? ok()
             : Status(Error{Errc::conflict,
                            "the installed roost-keeper is missing, or does not accept the table",
                            {}});
    for (const auto& tell : std::exchange(renewing_, {}))
      tell(status);
  };
  supervisor_->on_idle = [this] {
    if (quitting_) quit_now();
  };
}

int Daemon::run() {
  sigset_t handled;
  sigemptyset(&handled);
  sigaddset(&handled, SIGTERM);
  sigaddset(&handled, SIGINT);
  ::sigprocmask(SIG_BLOCK, &handled, nullptr);
  Result<int> raised = raise_fd(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (raised) {
    signals_.reset(*raised);
    signal_poll_.emplace(loop_, signals_.get(), [this](unsigned) { on_signal(); });
    (void)signal_poll_->start(loop::Poll::readable);  // a signalfd can always be polled
  }
  if (Status started = pump_->start(); !started) {
    log_error("logs", started.error().message);
    return 1;
  }
  if (Status started = keeper_->start(); !started) {
    log_error("keeper", started.error().message);
    return 1;
  }
  loop_.run();
  if (removes_files_) {
    (void)::unlink(options_.paths.socket().c_str());
    (void)::unlink(options_.paths.roostd_pid().c_str());
  }
  return exit_status_;
}

// ---- clients

// The socket of the daemon before, in whose backlog clients may be waiting; else a new one.
Result<UniqueFd> Daemon::listener() {
  if (inherited_listener_) return std::move(inherited_listener_);
  return ipc::listen_unix(options_.paths.socket(), {.replace_stale = true});
}

void Daemon::on_recovered() {
  health_->begin();
  Result<UniqueFd> socket = listener();
  if (!socket) {
    log_error("api", socket.error().message);
    exit_status_ = 1;
    return loop_.stop();
  }
  keeper_->store_entry(kListenerKey, LabelBytes{}, socket->get());
  if (Status started = server_->start(std::move(*socket)); !started)
    log_error("api", started.error().message);
  if (::access(options_.paths.socket().c_str(), F_OK) != 0) (void)restore_home();
  home_watch_.start();
  keeper_watch_.on_sign();
  policies_->start();
  log_info("daemon", "serving pid=" + std::to_string(::getpid()) +
                         " keeper=" + std::to_string(::getppid()) + " version=" ROOST_VERSION);
}

// Somebody has deleted the home, or the socket in it. The apps go on; once the directory is there
// again, by whoever's hand, so is everything by which a client finds us.
bool Daemon::restore_home() {
  if (quitting_ || !ipc::check_private(options_.paths.runtime_dir)) return false;
  Result<UniqueFd> socket = ipc::listen_unix(options_.paths.socket(), {.replace_stale = true});
  if (!socket) return false;
  keeper_->store_entry(kListenerKey, LabelBytes{}, socket->get());
  if (Status started = server_->start(std::move(*socket)); !started)
    log_error("api", started.error().message);
  supervisor_->renew_notify_socket();
  (void)open_log(options_.paths.daemon_log());  // the old one goes on if this fails
  write_pid_files();
  supervisor_->when_saved({});  // the store sees that its file is gone, and makes it again
  return true;
}

void Daemon::write_pid_files() const {
  const auto write = [](const std::string& path, int pid) {
    if (Status written = write_file_atomic(path, std::to_string(pid) + "\n", 0600); !written)
      log_warning("home", written.error().message);
  };
  write(options_.paths.roostd_pid(), ::getpid());
  write(options_.paths.keeper_pid(), ::getppid());
}

// ---- the end of the keeper

void Daemon::on_keeper_lost() {
  log_warning("keeper", "gone; becoming the keeper");
  // Before the hand-over is complete there is nothing to hand on: the next command finds everything
  // from the disk and /proc.
  exit_status_ = quitting_ ? 0 : 1;
  if (quitting_ || !supervisor_->is_recovered()) return loop_.stop();
  inherit_until_ = Monotonic::now() + kInheritLimit;
  // A pipe that it closed while the table is made would leave its number to something else.
  pump_->stop();
  try_inherit();
}

void Daemon::try_inherit() {
  const bool ready = can_inherit(*supervisor_) && pump_->stopped();
  if (!ready && Monotonic::now() < inherit_until_) return timer_.start(kInheritRetry);
  const std::string dir = own_directory();
  const Error error = become_keeper(*supervisor_, {.keeper_path = dir + "/roost-keeper",
                                                   .daemon_path = dir + "/roostd",
                                                   .home = options_.paths.home,
                                                   .lock_fd = options_.lock.get(),
                                                   .listener_fd = server_->listener()});
  log_error("keeper", error.message + "; apps live on, the next command takes them over");
  exit_status_ = 1;
  loop_.stop();
}

// ---- update

void Daemon::renew_keeper(std::function<void(const Status&)> done) {
  renewing_.push_back(std::move(done));
  if (renewing_.size() == 1) keeper_->upgrade();
}

// ---- the end of everything

// SIGTERM from the keeper means that the machine or the service goes down; from anybody else it
// ends this daemon only, and the keeper starts the next one.
void Daemon::on_signal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const bool from_keeper = static_cast<pid_t>(info.ssi_pid) == ::getppid();
    log_info("daemon", "signal " + std::to_string(info.ssi_signo) +
                           (from_keeper ? " from the keeper: stopping all apps" : ": ending"));
    if (!from_keeper) return loop_.stop();
    begin_shutdown();
  }
}

void Daemon::begin_end() {
  services_->ending = true;
  home_watch_.unwatch();
}

void Daemon::begin_shutdown() {
  services_->begin_end();
  policies_->stop();
  std::vector<model::InstanceId> ids;
  for (const auto& [id, instance] : supervisor_->instances())
    ids.push_back(id);
  supervisor_->freeze();
  dependencies_->stop(ids, [this](model::InstanceId id) { supervisor_->stop(id); });
  waits_->until_down(ids, [this](const auto&) {
    supervisor_->when_saved([this](const Status&) { begin_quit(); });
  });
}

// Nothing is put off before the eyes of a client.
void Daemon::on_audience(bool present) {
  if (quitting_) return;
  loop_.set_patient(!present);
}

// SQLite's share first: it lies between the rest.
void Daemon::give_back() {
  if (store_ == nullptr) return give_back_memory();
  store_->release_memory(give_back_memory);
}

void Daemon::begin_quit() {
  if (quitting_) return;
  on_audience(true);
  quitting_ = true;
  timer_.start(kQuitLimit);
  if (supervisor_->runs().empty()) loop_.defer([this] { quit_now(); });
}

void Daemon::quit_now() {
  timer_.cancel();
  supervisor_->give_up_exits();
  keeper_->drop_entry(kListenerKey);  // a daemon after this one binds anew
  supervisor_->end_notify_socket();
  lanes_.remove_all();
  supervisor_->remove_memory_groups();
  keeper_->quit();
  removes_files_ = true;
  loop_.stop();
}

}  // namespace roost::daemon
