#include "tests/unit/process/process_fixture.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/process/lane_files.h"
#include "tests/unit/process/test_keeper.h"

namespace roost::daemon::test {
namespace {

constexpr Duration kPatience = 10s;

void wait_readable(int fd, Duration at_most) {
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  ::poll(&readable, 1, static_cast<int>(to_ms(at_most)));
}

}  // namespace

const std::string& home_id() {
  static const std::string id = fmt::format("{:016x}", ::getpid());
  return id;
}

InstanceFacts make_facts(const Lane& lane) {
  static std::uint64_t next_run = 1;
  InstanceFacts facts;
  facts.home_id = home_id();
  facts.app = model::AppId{1};
  facts.instance = model::InstanceId{7};
  facts.run = model::RunId{next_run++};
  facts.generation = 3;
  facts.lane = lane;
  facts.boot_id = read_boot_id();
  return facts;
}

model::AppSpec direct(const std::string& program, std::vector<std::string> args) {
  model::AppSpec spec;
  spec.name = "victim";
  spec.script = program;
  spec.args = std::move(args);
  spec.cwd = "/";
  spec.env = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}};
  return spec;
}

model::AppSpec shell(const std::string& line) {
  model::AppSpec spec = direct(line);
  spec.kind = model::ExecKind::shell;
  return spec;
}

void with_each_kind_of_lanes(
    const std::function<void(Lanes& lanes, const std::string& parent)>& body) {
  for (const CgroupPlace& place : find_cgroup_places(read_cgroup_texts("self"))) {
    Lanes lanes = Lanes::open_at(place.kind, place.dir, home_id());
    if (lanes.kind() == CgroupKind::none) {
      MESSAGE("skipped: " << lanes.why());
      continue;
    }
    CAPTURE(place.dir);
    body(lanes, place.dir);
    lanes.remove_all();
    CHECK_FALSE(std::filesystem::exists(place.dir + "/roost-" + home_id()));
  }
}

bool is_alive(const ProcessId& id) {
  const auto stat = read_stat(id.pid);
  return stat && stat->id == id && stat->state != 'Z' && stat->state != 'X';
}

bool eventually(const std::function<bool()>& condition) {
  const TimePoint deadline = Monotonic::now() + kPatience;
  while (!condition()) {
    if (Monotonic::now() > deadline) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

std::string read_until(int fd, const std::string& wanted) {
  const TimePoint deadline = Monotonic::now() + kPatience;
  std::string text;
  while (Monotonic::now() < deadline &&
         (wanted.empty() || text.find(wanted) == std::string::npos)) {
    wait_readable(fd, deadline - Monotonic::now());
    char bytes[4096];
    const ssize_t got = ::read(fd, bytes, sizeof bytes);
    if (got == 0) return text;
    if (got > 0) text.append(bytes, static_cast<std::size_t>(got));
  }
  if (wanted.empty()) text += "(no end of output)";
  return text;
}

std::string read_to_end(int fd) {
  return read_until(fd, "");
}

std::string status_field(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name + ":")) continue;
    const auto value = line.find_first_not_of(" \t", name.size() + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "(none)";
}

ProcessFixture::ProcessFixture()
    : spawner(
          {.keeper_fd = test_keeper().fd(),
           .originals = {.oom_score_adj = read_priorities().oom_score_adj,
                         .nofile = 1024,
                         .umask = 027,
                         .nice = 0},
           .post = [this](std::function<void()> task, Duration) { loop.post(std::move(task)); }}) {}

ProcessFixture::~ProcessFixture() {
  kill_all();
}

SpawnResult ProcessFixture::spawn(SpawnPlan plan) {
  std::optional<SpawnResult> result;
  spawner.spawn(std::move(plan), [&](SpawnResult done) { result = std::move(done); });
  REQUIRE(loop.run_until([&] { return result.has_value(); }, kPatience));
  if (result->pidfd) pidfds_.emplace_back(::fcntl(result->pidfd.get(), F_DUPFD_CLOEXEC, 16));
  return std::move(*result);
}

SpawnResult ProcessFixture::spawn(const model::AppSpec& spec, const Lane& lane) {
  return spawn(make_spawn_plan(spec, make_facts(lane)));
}

TreeRoot ProcessFixture::tree_of(const SpawnResult& run, const Lane& lane,
                                 const std::string& home) const {
  TreeRoot root;
  root.key = {
      .home_id = home, .app = run.label.app, .instance = run.label.instance, .run = run.label.run};
  root.main = {.pid = run.pid, .start_ticks = run.label.start_ticks};
  root.keeper = ::getppid();
  root.self = ::getpid();
  root.lane = lane;
  root.out_pipe = pipe_inode(run.out.get());
  root.err_pipe = pipe_inode(run.err.get());
  return root;
}

void ProcessFixture::kill_all() {
  for (const auto& pidfd : pidfds_)
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0U);
  pidfds_.clear();
}

}  // namespace roost::daemon::test
