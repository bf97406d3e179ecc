// Supervisor: owns all apps, instances and runs; the only code that changes them. Feeds the pure
// machine (core/model/instance_machine.h) with what happened and carries out what it answers, in
// the order: change state (memory and the keeper's note), carry out effects, tell others (Bus).
// Loop thread.
//
// There is one way to start: recovery from what the keeper hands over, be it nothing
// (recovery.cpp).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/loop/worker.h"
#include "core/model/selector.h"
#include "daemon/bus.h"
#include "daemon/logs/pump.h"
#include "daemon/logs/relay.h"
#include "daemon/process/lanes.h"
#include "daemon/process/notify_socket.h"
#include "daemon/process/probe_queue.h"
#include "daemon/process/shared_walk.h"
#include "daemon/process/spawner.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/keeper_link.h"
#include "daemon/supervisor/kept_outputs.h"
#include "daemon/supervisor/log_paths.h"
#include "daemon/supervisor/spec_book.h"
#include "store/store.h"

namespace roost::daemon {

// What the supervisor works with; all of it outlives the supervisor.
struct SupervisorParts {
  loop::Loop& loop;
  loop::Worker& worker;
  Bus& bus;
  Lanes& lanes;
  store::Store* store = nullptr;  // null: history and the durable copy are off, supervision goes on
  std::string home_id;
  std::string log_dir;
  NotifyPlace notify;
  std::array<std::uint8_t, 16> boot_id{};
  std::string helper{};       // roost, which launches apps with secrets and runs stop commands
  std::string credentials{};  // systemd's directory of them; empty = none
};

// What an app shall be, and in which slots it has instances.
struct AppWish {
  model::AppSpec spec;
  std::string source{};                     // the configuration file it comes from
  std::optional<model::FileStamp> stamp{};  // what that is like
  std::set<std::uint32_t> slots;
};

class Recovery;

class Supervisor final : public KeeperListener {
 public:
  using Instances = std::map<model::InstanceId, Instance>;
  using Committed = std::function<void(Status)>;

  explicit Supervisor(SupervisorParts parts);
  ~Supervisor() override;

  // The three it talks to are made after it, since they talk back; called once before the loop
  // runs.
  void connect(KeeperLink& keeper, Spawner& spawner, Pump& pump);

  // Called once, when the keeper's hand-over is complete and all runs are supervised again.
  std::function<void()> on_recovered;
  // An entry of the keeper that is not a note (the listening socket).
  std::function<void(std::uint64_t key, UniqueFd fd)> on_foreign_entry;
  // The keeper is dead.
  std::function<void()> on_keeper_lost;
  std::function<void()> on_keeper_alive;
  // The last run is over and acknowledged.
  std::function<void()> on_idle;

  // The keeper has answered an upgrade.
  std::function<void(bool done)> on_upgraded;

  // ---- questions
  // Whether a run is about to begin, or to prove itself.
  [[nodiscard]] bool is_starting() const;

  // As many as the descriptors allow.
  [[nodiscard]] std::uint64_t most_instances() const {
    return most_instances(further_descriptors());
  }

  [[nodiscard]] const Instances& instances() const { return instances_; }

  [[nodiscard]] const SpecBook& book() const { return book_; }

  [[nodiscard]] const Instance* find(model::InstanceId id) const;
  [[nodiscard]] const Run* current_run(const Instance& instance) const;
  // Whether an instance of the app has a run, whatever its phase.
  [[nodiscard]] bool is_up(const AppEntry& entry) const;
  // By name, then slot. Errc::not_found names the first selector that matches nothing, with a
  // suggestion.
  [[nodiscard]] Result<std::vector<model::InstanceId>> select(
      const std::vector<std::string>& targets) const;
  [[nodiscard]] LogPaths log_paths(const Instance& instance) const;
  [[nodiscard]] LogTarget log_target(const Instance& instance, model::Stream stream) const;
  // By what the processes of a run are found.
  [[nodiscard]] TreeRoot tree_root(const Run& run) const;
  // The state of an instance as the keeper keeps it.
  [[nodiscard]] LabelBytes note_bytes(const Instance& instance) const;

  // Whether so many more instances fit, and descriptors beyond those that each has;
  // Errc::conflict says what is short.
  [[nodiscard]] Status check_room(std::size_t more, std::size_t more_further) const;

  // Why the kernel does not hold memory_max; empty when it does, or the app has none.
  [[nodiscard]] std::string memory_problem(const model::AppSpec& spec);

  // The end of everything: cgroups of memory_max go.
  void remove_memory_groups() { memory_groups_.remove_all(); }

  // Whether there are the users and groups that the specs name, and we may be them; `done` at once
  // where they name none.
  void check_identities(const std::vector<const model::AppSpec*>& specs, Committed done) const;

  // ---- commands; each takes effect at once, what follows is told by the Bus
  // Adds an app with all its instances, down. Refused as a whole when it does not fit. `done` when
  // it is on disk.
  [[nodiscard]] Result<std::vector<model::InstanceId>> add_app(model::AppSpec spec, Committed done,
                                                               std::string source = {});
  // Gives the app so many more instances, down, at the lowest free slots.
  [[nodiscard]] Result<std::vector<model::InstanceId>> grow(model::AppId app, std::uint32_t more,
                                                            Committed done);
  // Adds the app, down, or gives it these settings and the instances it lacks, down. Those it has
  // too many stay. True when it was there and its settings differ: what runs has those of before
  // until it is restarted.
  [[nodiscard]] bool configure(const AppWish& wish);

  // While there is one, what changes the book is gathered: keeper and disk get all of it at its
  // end, in one piece. `done` when it is on disk.
  class Edit {
   public:
    Edit(Supervisor& supervisor, Committed done);
    Edit(const Edit&) = delete;
    Edit& operator=(const Edit&) = delete;
    ~Edit();

   private:
    Supervisor& supervisor_;
  };

  // Goes into the history with what is put into the book next.
  void record_change(std::string json, std::string former);

  // Its number; 0 when there was none.
  [[nodiscard]] std::uint64_t last_change() const { return last_change_; }

  // Replaces the spec of an app none of whose instances has a process.
  void replace_spec(model::AppId app, model::AppSpec spec, Committed done);
  void start(model::InstanceId id);
  void stop(model::InstanceId id);
  // `why`, in words, unless a user wants it.
  void restart(model::InstanceId id, std::string why = {});
  // On record, so that a new daemon knows what it has missed.
  void set_cron_due(model::InstanceId id, WallMs due);
  // Both at once: no daemon that dies in between makes it come twice, or not at all.
  void restart_by_cron(model::InstanceId id, WallMs next_due, std::string why);
  // ---- jobs (job_runs.cpp)
  // Puts it on its schedule, and starts nothing. What is no job is started.
  void bring_up(model::InstanceId id);
  void set_job(model::InstanceId id, const JobNote& note);
  enum class JobStart : std::uint8_t { fresh, replace };
  // Both on record at once: no daemon that dies in between makes a time come twice, or not at all.
  void run_job(model::InstanceId id, JobNote note, JobStart how);

  // Counters of restarts and quick exits to 0; back-off and budget stay.
  void reset_counters(model::InstanceId id);
  // To the main process of the current run; false when there is none.
  bool signal(model::InstanceId id, int number);
  // Forgets instances that have no process; with the last one goes the app.
  void remove(std::span<const model::InstanceId> ids, Committed done);
  // Stops it, and remembers for a later resume whether it was up.
  void suspend(model::InstanceId id);
  // The list of apps that `resurrect` brings back: put on disk as a whole; empty when there is
  // none.
  void save_list(std::string json, Committed done);

  [[nodiscard]] const std::string& saved_list() const { return saved_list_; }

  // From now on what is on record stays as it is (the machine goes down): apps that are stopped
  // should be up again.
  void freeze() { frozen_ = true; }

  // The end is near: exits that wait for the disk or for their output are acknowledged now.
  void give_up_exits();

  // ---- dependencies (hold.cpp)
  // The first thing that an instance depends on and that is not there.
  struct Unmet {
    std::string words;     // "waiting for db: launching"; empty: all is there
    bool failed = false;   // it will not come by itself soon
    bool outside = false;  // one of wait_for, number Instance::found
  };

  [[nodiscard]] Unmet unmet_dependency(const Instance& instance) const;
  [[nodiscard]] bool meets(model::DependencyCondition wish, const Instance& instance) const;
  // Of one app it depends on.
  [[nodiscard]] Unmet unmet_app(const std::string& name, model::DependencyCondition wish) const;
  // Whether is_held() says so of any instance; looks at all only while there may be one.
  [[nodiscard]] bool is_somebody_held();
  // What it is held for is there.
  void release(model::InstanceId id);
  void explain_hold(model::InstanceId id, const std::string& words);
  // One more of wait_for was seen.
  void note_found(model::InstanceId id);

  // What a probe has found of a run.
  void say_ready(model::RunId run) { on_said_ready(run); }

  void fail_run(model::RunId run, model::Failing why, std::string words, Duration worked_for);
  // The socket's file was deleted: makes it again.
  void renew_notify_socket();
  void end_notify_socket();

  [[nodiscard]] const RelayFds& relay() const { return relay_; }

  [[nodiscard]] int notify_fd() const { return notify_ ? notify_->fd() : -1; }

  // The keeper's hand-over is complete.
  [[nodiscard]] bool is_recovered() const { return recovery_ == nullptr; }

  // Everything submitted so far is on disk.
  void when_saved(Committed done);
  void resubmit_everything();

  // ---- KeeperListener
  void on_keeper_specs(UniqueFd memfd) override;
  void on_keeper_entry(std::uint64_t key, const LabelBytes& label, UniqueFd fd) override;
  void on_keeper_run(KeeperRun run) override;
  void on_keeper_exit(const KeeperExit& exit) override;
  void on_keeper_ready() override;
  void on_keeper_refused(std::uint64_t key, bool bare) override;
  void on_keeper_ping() override;
  void on_keeper_upgraded(bool done) override;
  void on_keeper_gone() override;
  // ---- from the pump
  void on_drained(model::RunId run, const DrainReport& report);

  // For the keeper's heir: every run as it would be registered.
  [[nodiscard]] const std::unordered_map<std::uint64_t, Run>& runs() const { return runs_; }

  // Of the numbers of their exits.
  [[nodiscard]] std::uint64_t keeper_epoch() const { return keeper_->facts().epoch; }

 private:
  friend class Recovery;

  // feed.cpp: one input through the machine
  enum class Resume : std::uint8_t { no, later };  // whether a stop is remembered as one to undo
  void feed(Instance& instance, model::Input input, Resume resume = Resume::no);
  void set_stop_deadlines(const std::vector<model::Effect>& effects);
  void carry_out(Instance& instance, const model::Effect& effect);
  void sync_timers(Instance& instance);
  void sync_run_timer(Instance& instance, const model::RunMachine& machine);
  void save_note(Instance& instance);
  [[nodiscard]] std::optional<LabelBytes> changed_note(Instance& instance);
  // The current run has lived for min_ready, and nothing else is asked of it.
  [[nodiscard]] bool online_by_time(const Instance& instance) const;
  void see_online(Instance& instance);
  void publish_online(const Instance& instance, const Run& run);
  [[nodiscard]] model::InstanceNote note_of(const Instance& instance) const;
  void on_timer(model::InstanceId instance, model::RunId run, model::TimerKind kind);
  void on_ready_timer(Instance& instance, model::RunId run);

  // spawning.cpp: the beginnings of runs
  [[nodiscard]] bool may_be_put_off(const Instance& instance);
  void put_off_spawned(const Instance& instance, Run& run, SpawnPlan& plan);
  [[nodiscard]] static std::function<void(const SpawnResult&, bool)> recorder(
      store::Store& store, model::InstanceId instance, const std::array<std::uint8_t, 16>& boot_id);
  void plan_output(const Instance& instance, SpawnPlan& plan);
  [[nodiscard]] bool has_room_for_outputs();
  void spawn(Instance& instance, model::RunId id);
  void on_spawned(model::InstanceId instance, SpawnResult result);

  // words.cpp: what apps say about themselves
  void open_notify_socket();
  void open_relay();
  void attach_channel(Run& run, UniqueFd fd);
  bool on_notify(pid_t sender, std::string_view text);
  void on_said_ready(model::RunId run);
  void sync_overtime(const Instance& instance, const model::RunMachine& machine);
  void on_overtime(model::RunId run);
  static void begin_times(Instance& instance);
  void sync_watchdog(const Instance& instance, const model::RunMachine& machine);
  void on_watchdog(model::RunId run);
  void fail(Run& run, model::Failing why, std::string words, Duration worked_for);
  [[nodiscard]] Run* run_of_process(pid_t pid);
  [[nodiscard]] Duration watchdog_period(const Run& run) const;

  // ending.cpp: signals, exits, sweeps, acknowledgement
  void signal_stop(Instance& instance, Run& run);
  void send_stop_signal(Instance& instance, Run& run);
  void ask_by_message(Instance& instance, Run& run);
  void signalled(Run& run);
  void signal_kill(Instance& instance, Run& run);
  void sweep(Instance& instance, Run& run);
  void begin_sweep(model::InstanceId instance, Run& run, TimePoint deadline);
  void on_sweep_done(model::InstanceId instance, model::RunId run, SweepResult result);
  void finish_sweep(Instance& instance, Run& run);
  void process_exit(Run& run);
  void finish_output(Run& run);
  void bury(Instance* instance, Run& run);
  void end_stray(TreeRoot root);
  void record_exit(Instance& instance, Run& run, const std::string& reason);
  void try_ack(Run& run);
  void ack(Run& run);

  // stop_command.cpp
  void run_stop_command(Run& run);
  void skip_stop_command(model::RunId run);
  [[nodiscard]] std::optional<ProbePlan> plan_stop_command(model::RunId run);
  void on_stop_command(model::RunId run, const ProbeOutcome& outcome);

  // memory_max.cpp
  void limit_memory(const Instance& instance, Run& run, SpawnPlan& plan);
  void report_no_limit(const Instance& instance, std::string why);
  [[nodiscard]] std::string exit_cause(const Run& run) const;

  void persist(store::Batch batch, store::Durability durability, Committed done);
  void put_book(Committed done, store::Batch batch);
  [[nodiscard]] Committed take_change(store::Batch& batch, Committed done);
  void give_spec(const AppEntry& entry, std::size_t count);
  std::vector<model::InstanceId> put_instances(AppEntry entry, std::size_t first, Committed done);
  [[nodiscard]] std::uint32_t next_instance() const;
  [[nodiscard]] std::uint64_t most_instances(std::uint64_t further) const;
  [[nodiscard]] std::uint64_t further_descriptors() const;
  Instance& make_instance(const AppEntry& entry, const InstanceEntry& at, model::SpecPtr spec);
  void attach_found_output(const Instance& instance, model::RunId run, UniqueFd out, UniqueFd err);
  [[nodiscard]] Run* find_run(model::RunId id);
  [[nodiscard]] Instance* find_mutable(model::InstanceId id);
  [[nodiscard]] model::RunId next_run_id();

  struct OpenEdit {
    store::Batch batch;
    std::vector<Committed> done;
  };

  SupervisorParts p_;
  KeeperLink* keeper_ = nullptr;
  Spawner* spawner_ = nullptr;
  Pump* pump_ = nullptr;
  SpecBook book_;
  Instances instances_;
  std::unordered_map<std::uint64_t, Run> runs_;  // by raw RunId, until acknowledged
  std::map<model::RunId, TreeSweep> stray_sweeps_;
  std::unique_ptr<Recovery> recovery_;  // until the hand-over is complete
  store::Snapshot snapshot_;            // what state.db had at the start
  std::string saved_list_;              // of save_list()
  std::optional<OpenEdit> edit_;
  std::optional<ChangeRow> unwritten_change_;  // goes with the next put_book()
  std::uint64_t last_change_ = 0;
  RelayFds relay_;  // of the pump, which ends first; the keeper has them as well
  UniqueFd inherited_notify_;
  std::optional<NotifySocket> notify_;
  ProbeQueue stop_commands_;
  KeptOutputs kept_outputs_;
  std::optional<bool> room_for_outputs_;  // as of the last change of instances_ or of their specs
  MemoryGroups memory_groups_;
  std::shared_ptr<SharedWalk> walk_ = std::make_shared<SharedWalk>();
  std::uint64_t run_serial_ =
      0;  // upper half of the ids of this daemon's runs: above all known ones
  std::uint32_t run_counter_ = 0;
  bool somebody_held_ = true;  // false: is_held() of no instance
  bool frozen_ = false;        // shutting down: what is on record stays as it is
  std::minstd_rand random_;
};

// The loop looks at a run that nobody waits for when it wakes anyway, and so late by itself.
inline constexpr Duration kSpawnPutOff = 4500ms;

// Of state.db's meta table.
inline constexpr char kSavedListKey[] = "saved_list";

// Keys of the keeper's entries.
inline constexpr std::uint64_t kListenerKey = 1;
inline constexpr std::uint64_t kNotifyKey = 2;
inline constexpr std::uint64_t kRelayKey = 3;           // the pipe
inline constexpr std::uint64_t kRelayNoteKey = 4;       // whose bytes are in it
inline constexpr std::uint64_t kNoteKey = 1ULL << 32U;  // + instance id

}  // namespace roost::daemon
