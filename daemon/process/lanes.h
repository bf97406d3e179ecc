// Lanes: one cgroup per run of an instance, so that nothing a run starts can escape a stop. A lane
// is a directory <own cgroup>/roost-<home id>/<instance>.<number>, made once and used again when it
// is empty. Children enter it by CLONE_INTO_CGROUP (v2) or write themselves into it before exec
// (v1).
//
// Where no cgroup can be made (an unprivileged user without delegation) there are no lanes:
// acquire() answers Lane{} and the process tree is found by a walk of /proc. Stateless towards the
// next daemon: the number is in the RunLabel, and a lane is busy as long as the kernel says it is
// populated.
//
// Loop thread only. Holds one descriptor, and two for each lane that populated() was told to keep.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/model/ids.h"

namespace roost::daemon {

enum class CgroupKind : std::uint8_t { none, v2, v1 };

struct Lane {
  std::uint32_t number = 0;  // 1…; 0 = none
  CgroupKind kind = CgroupKind::none;
  std::string dir;  // absolute path of the cgroup; empty = none

  explicit operator bool() const { return kind != CgroupKind::none; }
};

class Lanes {
 public:
  static constexpr std::uint32_t kMaxPerInstance =
      8;  // serving, retiring, and leftovers that will not die

  // Never fails: without a usable cgroup file system kind() is none, and why() says why, in words
  // for the log.
  [[nodiscard]] static Lanes open(std::string_view home_id);
  // A cgroup directory given by the caller in which the roost-… directory is made (tests; a
  // configured slice).
  [[nodiscard]] static Lanes open_at(CgroupKind kind, const std::string& parent_dir,
                                     std::string_view home_id);

  [[nodiscard]] CgroupKind kind() const { return kind_; }

  [[nodiscard]] const std::string& why() const { return why_; }

  // The first empty lane of the instance, made if need be, kept for the caller until release().
  // Lane{} when there are no lanes, or when all kMaxPerInstance are populated.
  [[nodiscard]] Lane acquire(model::InstanceId instance);
  // The lane a label speaks of; Lane{} for number 0.
  [[nodiscard]] Lane find(model::InstanceId instance, std::uint32_t number) const;
  // The same, kept for the caller until release(): for a run taken over.
  [[nodiscard]] Lane hold(model::InstanceId instance, std::uint32_t number);
  // Whether a process lives in it; false for Lane{}. A few microseconds. `keep`: its descriptors
  // stay open for the next look, and for directory(), while there are fewer than
  // limits::kMaxKeptOutputs such lanes.
  enum class Keep : std::uint8_t { nothing, open };
  [[nodiscard]] bool populated(model::InstanceId instance, const Lane& lane,
                               Keep keep = Keep::nothing);
  // The open directory of a v2 lane, for CLONE_INTO_CGROUP; null where none is kept.
  [[nodiscard]] std::shared_ptr<const UniqueFd> directory(model::InstanceId instance,
                                                          const Lane& lane) const;

  // All kept descriptors are closed.
  void let_go() { kept_.clear(); }
  // The run is over (or was never started) and its tree swept: the lane may be used again once it
  // is empty; `empty`: it was just seen to be, was never killed, and only roost puts processes
  // there.
  enum class Seen : std::uint8_t { empty, unknown };
  void release(model::InstanceId instance, std::uint32_t number, Seen seen = Seen::unknown);
  // Removes the instance's empty lanes; those still populated stay until remove_all.
  void remove(model::InstanceId instance);
  // Removes every empty lane of this home, and the home's directory when it is empty then.
  void remove_all();

 private:
  Lanes(CgroupKind kind, std::string dir, std::string why);
  [[nodiscard]] bool make_empty(const std::string& name) const;
  [[nodiscard]] std::string name(model::InstanceId instance, std::uint32_t number) const;

  CgroupKind kind_ = CgroupKind::none;
  std::string dir_;  // …/roost-<home id>
  std::string why_;
  UniqueFd root_;  // of dir_

  struct OpenLane {
    UniqueFd dir;
    UniqueFd events;  // cgroup.events
  };

  using Numbers = std::map<model::InstanceId, std::set<std::uint32_t>>;
  static bool forget(Numbers& numbers, model::InstanceId instance, std::uint32_t number);

  Numbers held_;
  Numbers empty_;
  // Of lanes that are held, or known to be empty.
  std::map<std::pair<model::InstanceId, std::uint32_t>, std::shared_ptr<const OpenLane>> kept_;
};

// Whether a process lives in this cgroup; of any thread.
[[nodiscard]] bool is_populated(const Lane& lane);
// The pids in this cgroup and those below, at most `limit`; empty for Lane{} or a lane that is
// gone. Any thread.
[[nodiscard]] std::vector<pid_t> lane_pids(const Lane& lane, std::size_t limit);
// SIGKILL to everything in it, atomically where the kernel can (cgroup.kill; v1: frozen meanwhile).
// Any thread. Refuses when the calling process or `keeper` is inside.
[[nodiscard]] Status kill_lane(const Lane& lane, pid_t keeper);
// The lane a process is in, found by /proc/PID/cgroup, when it belongs to this home; Lane{} if
// none. Any thread.
[[nodiscard]] Lane lane_of(pid_t pid, std::string_view home_id);

}  // namespace roost::daemon
