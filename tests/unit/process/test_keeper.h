// The keeper's part in these tests: parent of all, subreaper, holder of what children register.
// It speaks the real protocol, and tells the tests besides: the message itself, with 0 as its
// value, for a registration, `exit` for the death of a run.
#pragma once

#include <map>
#include <optional>

#include <sys/types.h>

#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/model/ids.h"
#include "core/model/label.h"
#include "keeper/protocol.h"

namespace roost::daemon::test {

// The process that runs it: until the tests' process ends; then kills what is left of its
// descendants. Returns the tests' exit status.
int serve_as_keeper(int socket, pid_t tests);

struct SeenExit {
  int code = 0;  // CLD_*
  int status = 0;
};

// The tests' end.
class KeeperLink {
 public:
  explicit KeeperLink(int fd) : fd_(fd) {}

  [[nodiscard]] int fd() const { return fd_; }

  // Reads what is there.
  void drain();
  // Reads messages until they tell of it; nothing after `at_most`.
  std::optional<model::RunLabel> wait_registered(model::RunId run, Duration at_most = 10s);
  std::optional<SeenExit> wait_exit(model::RunId run, Duration at_most = 10s);

 private:
  bool read_one(TimePoint deadline);

  int fd_;
  std::map<std::uint64_t, model::RunLabel> registered_;
  std::map<std::uint64_t, SeenExit> exits_;
};

// Of this test process.
KeeperLink& test_keeper();

}  // namespace roost::daemon::test
