// SpecBook: all apps as the user wants them, with the ids given to their instances. The keeper
// holds it as one sealed memfd (the truth for a new daemon), state.db one row per app (the durable
// copy). What changes while apps run is not here but in the InstanceNotes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/record.h"
#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/model/app_spec.h"
#include "core/model/file_stamp.h"
#include "core/model/ids.h"

namespace roost::daemon {

struct InstanceEntry {
  std::uint32_t id = 0;
  std::uint32_t slot = 0;

  static constexpr auto fields() {
    return std::tuple{req("id", &InstanceEntry::id, "id of the instance"),
                      req("slot", &InstanceEntry::slot, "its slot")};
  }
};

struct AppEntry {
  std::uint32_t id = 0;
  std::uint32_t generation = 1;
  std::int64_t created_ms = 0;
  model::AppSpec spec;
  std::vector<InstanceEntry> instances;
  std::string source{};  // the configuration file it came from, absolute; empty: none
  std::optional<model::FileStamp> stamp{};  // what that was like then

  [[nodiscard]] std::vector<model::InstanceId> instance_ids() const;

  static constexpr auto fields() {
    return std::tuple{req("id", &AppEntry::id, "id of the app"),
                      opt("generation", &AppEntry::generation, "version of the spec"),
                      opt("created_ms", &AppEntry::created_ms, "when it was added"),
                      req("spec", &AppEntry::spec, "the spec"),
                      req("instances", &AppEntry::instances, "its instances"),
                      opt("source", &AppEntry::source, "file it came from"),
                      opt("stamp", &AppEntry::stamp, "what that was like")};
  }
};

// A change of the book for the history: as it goes to state.db, number and texts.
struct ChangeRow {
  std::uint64_t number = 0;
  std::string json;
  std::string former;

  static constexpr auto fields() {
    return std::tuple{req("number", &ChangeRow::number, "its number"),
                      req("json", &ChangeRow::json, "who, when, why, what"),
                      req("former", &ChangeRow::former, "what it changed, as it was before")};
  }
};

// What a text with the specs of all apps may have.
inline constexpr JsonLimits kBookLimits{64, 256U << 20U, 64U << 20U};

class SpecBook {
 public:
  struct App {
    AppEntry entry;
    std::string json;  // the entry, encoded once
  };

  // Adds or replaces. Returns the encoded entry.
  const std::string& put(AppEntry entry);

  void erase(model::AppId app) { apps_.erase(app); }

  [[nodiscard]] const std::map<model::AppId, App>& apps() const { return apps_; }

  // By name; null when there is none.
  [[nodiscard]] const AppEntry* find(std::string_view name) const;

  // Ids start at 0 again when no app is left, as in PM2.
  [[nodiscard]] model::AppId next_app() const;
  [[nodiscard]] std::uint32_t next_instance() const;

  // The newest change, until it is on disk: the next daemon puts it there.
  void set_change(ChangeRow change) { change_ = std::move(change); }

  [[nodiscard]] const std::optional<ChangeRow>& change() const { return change_; }

  void forget_change(std::uint64_t number) {
    if (change_ && change_->number <= number) change_.reset();
  }

  // A sealed memfd with everything.
  [[nodiscard]] Result<UniqueFd> to_memfd() const;
  [[nodiscard]] Status load_memfd(int memfd);
  // One row of state.db.
  [[nodiscard]] Status load_row(const std::string& json);

 private:
  std::map<model::AppId, App> apps_;
  std::uint32_t last_app_ = 0;
  std::optional<ChangeRow> change_;
};

}  // namespace roost::daemon
