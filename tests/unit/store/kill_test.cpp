// A writer process is killed with SIGKILL at arbitrary moments; what it was told is on disk must be
// there afterwards.
#include <cstdlib>
#include <random>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store/store_fixture.h"

using namespace roost;
using namespace roost::store;

namespace {

// Runs in the child: writes numbered pairs and reports each acknowledged number through the pipe.
// Never returns.
[[noreturn]] void write_for_ever(const std::string& path, int report, std::uint32_t first) {
  TestLoop loop;
  Options options;
  options.path = path;
  options.post = [&loop](std::function<void()> task) { loop.post(std::move(task)); };
  options.gather_for = 0ms;
  Result<std::unique_ptr<Store>> opened = Store::open(std::move(options));
  if (!opened) ::_exit(3);
  Store& store = **opened;
  for (std::uint32_t n = first;; ++n) {
    const Durability durability = n % 2 == 0 ? Durability::durable : Durability::background;
    bool done = false;
    store.submit({app(n), instance(n, n), exit_of(n, n, n), SetMeta{"last", std::to_string(n)}},
                 durability, [&](const Status& s) {
                   done = true;
                   if (!s) ::_exit(4);
                   if (::write(report, &n, sizeof n) != ssize_t{sizeof n}) ::_exit(5);
                 });
    (void)loop.wait_for([&] { return done; });
  }
}

// Reads numbers until at least `wanted` came, kills the child, reads the rest. Returns the last
// number.
std::uint32_t kill_after(pid_t child, int reports, std::uint32_t wanted) {
  std::uint32_t last = 0;
  std::uint32_t number = 0;
  std::uint32_t count = 0;
  while (::read(reports, &number, sizeof number) == ssize_t{sizeof number}) {
    last = number;
    if (++count == wanted) ::kill(child, SIGKILL);
  }
  return last;
}

}  // namespace

TEST_CASE_FIXTURE(
    StoreFixture,
    "store kill: what was acknowledged before kill -9 is there, and nothing is half there") {
  std::mt19937 random(23);
  std::uint32_t last = 0;
  for (int round = 0; round < 25; ++round) {
    CAPTURE(round);
    store.reset();
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      ::alarm(60);
      write_for_ever(dir.db(), ends[1], last + 1);
    }
    ::close(ends[1]);
    const std::uint32_t acknowledged =
        kill_after(child, ends[0], 1 + static_cast<std::uint32_t>(random() % 40));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    open();
    const Snapshot found = store->load();
    CHECK(problems.empty());
    REQUIRE(found.apps.size() >= acknowledged);
    CHECK(found.apps.size() <= acknowledged + 1);
    CHECK(found.instances.size() == found.apps.size());
    last = static_cast<std::uint32_t>(found.apps.size());
    CHECK(found.meta.at("last") == std::to_string(last));
    CHECK(exits(model::InstanceId{last}).size() == 1);
  }
}

#ifdef ROOST_KILL_POINTS
// Not a test by itself: what the next one executes, since a kill point reads its environment once
// per process.
TEST_CASE("store kill: writer child" * doctest::skip()) {
  const char* path = std::getenv("ROOST_TEST_DB");
  REQUIRE(path != nullptr);
  write_for_ever(path, ::open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
}

TEST_CASE_FIXTURE(StoreFixture, "store kill: dying before a commit loses it, after it keeps it") {
  const std::pair<const char*, std::size_t> cases[] = {{"store.before_commit:3", 2},
                                                       {"store.after_commit:3", 3}};
  for (const auto& [point, expected] : cases) {
    CAPTURE(point);
    store.reset();
    for (const char* suffix : {"", "-wal"})
      std::filesystem::remove(dir.db() + suffix);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::setenv("ROOST_DIE_AT", point, 1);
      ::setenv("ROOST_TEST_DB", dir.db().c_str(), 1);
      ::alarm(60);
      ::execl("/proc/self/exe", "store_tests", "--no-skip", "--test-case=store kill: writer child",
              nullptr);
      ::_exit(127);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
    open();
    CHECK(store->load().apps.size() == expected);
  }
}
#endif
