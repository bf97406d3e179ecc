// SpecBook: all apps as the user wants them, with the ids given to their instances. The keeper
// holds it as one sealed memfd (the truth for a new daemon), state.db one row per app (the durable
// copy). What changes while apps run is not here but in the InstanceNotes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/record.h"
#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/model/app_spec.h"
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

  [[nodiscard]] std::vector<model::InstanceId> instance_ids() const;

  static constexpr auto fields() {
    return std::tuple{req("id", &AppEntry::id, "id of the app"),
                      opt("generation", &AppEntry::generation, "version of the spec"),
                      opt("created_ms", &AppEntry::created_ms, "when it was added"),
                      req("spec", &AppEntry::spec, "the spec"),
                      req("instances", &AppEntry::instances, "its instances"),
                      opt("source", &AppEntry::source, "file it came from")};
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

  // A sealed memfd with everything.
  [[nodiscard]] Result<UniqueFd> to_memfd() const;
  [[nodiscard]] Status load_memfd(int memfd);
  // One row of state.db.
  [[nodiscard]] Status load_row(const std::string& json);

 private:
  std::map<model::AppId, App> apps_;
  std::uint32_t last_app_ = 0;
};

}  // namespace roost::daemon
