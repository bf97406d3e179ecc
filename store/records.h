// What the store keeps, as plain values: the operations that can be written and the rows that can
// be read back. A Batch is executed in order and as a whole: all of it is on disk, or nothing of
// it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/base/time.h"
#include "core/model/exit_status.h"
#include "core/model/ids.h"
#include "core/model/label.h"

namespace roost::store {

using LabelBytes = std::array<std::uint8_t, model::kLabelCapacity>;
using BootId = std::array<std::uint8_t, 16>;

struct PutApp {
  model::AppId app{};
  std::string json;
};

struct DeleteApp {  // with its instances, their runs and exits
  model::AppId app{};
};

struct PutInstance {
  model::InstanceId instance{};
  model::AppId app{};
  std::uint32_t slot = 0;
  LabelBytes note{};
};

struct DeleteInstance {  // with its runs and exits
  model::InstanceId instance{};
};

struct PutRun {
  model::RunId run{};
  model::InstanceId instance{};
  std::int32_t pid = 0;
  std::uint64_t start_ticks = 0;
  BootId boot_id{};
  LabelBytes label{};
};

struct DeleteRun {
  model::RunId run{};
};

// One (epoch, seq) is recorded once; a repeated one is ignored and still succeeds. Also ignored
// when the instance is not in the store (deleted meanwhile), so within a batch PutInstance stands
// before AddExit.
struct AddExit {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  model::InstanceId instance{};
  model::AppId app{};
  model::RunId run{};
  std::int32_t pid = 0;
  WallMs started_wall_ms = 0;
  WallMs ended_wall_ms = 0;
  model::ExitStatus status;
  std::string reason;  // of the decision that followed, in words
};

struct SetMeta {
  std::string key;
  std::string value;
};

// A change of what is configured, by its number; a repeated one is ignored. Only the newest are
// kept.
struct AddChange {
  std::uint64_t number = 0;
  std::string json;    // who, when, why, what
  std::string former;  // what it changed, as it was before
};

using Op = std::variant<PutApp, DeleteApp, PutInstance, DeleteInstance, PutRun, DeleteRun, AddExit,
                        SetMeta, AddChange>;
using Batch = std::vector<Op>;

// Everything but the exits and the changes. Rows whose parent is missing are left out.
struct Snapshot {
  std::vector<PutApp> apps;            // by id
  std::vector<PutInstance> instances;  // by id
  std::vector<PutRun> runs;            // by id
  std::map<std::string, std::string> meta;
  std::uint64_t newest_change = 0;  // its number
};

}  // namespace roost::store
