// docs/design/instance-states.md is the table of the machine: every cell of it is compared with
// what the machine does, and every reachable state with every input has its cell there.
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/model/machine_walk.h"

using namespace roost;
using namespace roost::model;
using namespace roost::model::walk;
using Kind = Input::Kind;

namespace {

// row name → column name → cell
using Table = std::map<std::string, std::map<std::string, std::string>>;

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(" *");
  if (from == std::string::npos) return {};
  return text.substr(from, text.find_last_not_of(" *") - from + 1);
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');)
    cells.push_back(trimmed(cell));
  return cells;
}

// The table that follows the heading; empty when there is none.
Table read_table(const std::string& heading) {
  std::ifstream file(ROOST_SOURCE_DIR "/docs/design/instance-states.md");
  Table table;
  std::vector<std::string> columns;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("## ", 0) == 0) inside = line == "## " + heading;
    if (!inside || line.rfind("|", 0) != 0 || line.rfind("|-", 0) == 0) continue;
    const std::vector<std::string> cells = cells_of(line);
    if (columns.empty()) {
      columns = cells;
      continue;
    }
    for (std::size_t i = 1; i < cells.size() && i < columns.size(); ++i)
      table[cells[0]][columns[i]] = cells[i];
  }
  return table;
}

struct Column {
  std::string name;
  Kind kind;
  bool transient = false;
};

const std::vector<Column>& of_user() {
  static const std::vector<Column> columns{
      {"start", Kind::start},      {"stop", Kind::stop},   {"restart", Kind::restart},
      {"replace", Kind::replace},  {"enrol", Kind::enrol}, {"back-off over", Kind::backoff_timer},
      {"released", Kind::released}};
  return columns;
}

const std::vector<Column>& of_run() {
  static const std::vector<Column> columns{{"spawned", Kind::spawned},
                                           {"spawn failed", Kind::spawn_failed},
                                           {"no resources", Kind::spawn_failed, true},
                                           {"ready", Kind::ready},
                                           {"fails", Kind::fail},
                                           {"kill timer", Kind::kill_timer},
                                           {"exited", Kind::exited},
                                           {"swept", Kind::swept}};
  return columns;
}

std::string word(const Effect& effect) {
  switch (effect.kind) {
    case Effect::Kind::spawn:
      return "spawn";
    case Effect::Kind::signal_stop:
      return "TERM";
    case Effect::Kind::signal_kill:
      return "KILL";
    case Effect::Kind::sweep:
      return "sweep";
  }
  return "?";
}

std::string effects_of(const Step& step, const InstanceState& before) {
  std::string text;
  for (const Effect& effect : step.effects) {
    text += text.empty() ? "" : ", ";
    text += word(effect);
    if (before.retiring && effect.run == kPredecessor) text += " predecessor";
  }
  return text.empty() ? "" : ": " + text;
}

// "next state: effects"; "=" when nothing changes, "✗" when the input is ignored.
std::string cell(const InstanceState& before, const Given& given,
                 std::string (*name)(const InstanceState&)) {
  const Step step = apply(before, given);
  if (step.ignored) return "✗";
  const std::string next = name(collapse(step.next));
  const std::string effects = effects_of(step, before);
  return (effects.empty() && next == name(before)) ? "=" : next + effects;
}

const char* word(Outcome outcome) {
  switch (outcome) {
    case Outcome::at_once:
      return "restart at once";
    case Outcome::later:
      return "restart later";
    case Outcome::give_up:
      return "give up";
    case Outcome::done_success:
      return "done, exit code 0";
    case Outcome::done_failure:
      return "done, anything else";
  }
  return "?";
}

// The cell of a fact: one for all answers of the restart policy, or "policy" when they are those of
// the policy table.
std::string policy_cell(const InstanceState& before, const Column& column, RunId run,
                        std::string (*name)(const InstanceState&)) {
  std::set<std::string> different;
  bool as_in_table = true;
  static const Table policy = read_table("What the policy answers");
  for (const Outcome outcome : kOutcomes) {
    const Given given{column.kind, run, outcome, column.transient};
    const std::string text = cell(before, given, name);
    different.insert(text);
    // A run that did not work has failed, whatever its exit code.
    const bool failed = before.current && before.current->failed;
    const auto row = policy.find(
        word(failed && outcome == Outcome::done_success ? Outcome::done_failure : outcome));
    as_in_table = as_in_table && row != policy.end() && row->second.count(column.name) != 0 &&
                  row->second.at(column.name) == text;
  }
  if (different.size() == 1) return *different.begin();
  return as_in_table ? "policy" : "NOT AS IN THE POLICY TABLE";
}

std::map<std::string, std::string> row_of(const InstanceState& state,
                                          std::string (*name)(const InstanceState&)) {
  std::map<std::string, std::string> row;
  for (const Column& column : of_user())
    row[column.name] = cell(state, {.kind = column.kind}, name);
  for (const Column& column : of_run())
    row[column.name] = state.current ? policy_cell(state, column, kCurrent, name) : "✗";
  return row;
}

std::string line_of(const std::string& name, const std::map<std::string, std::string>& row,
                    bool with_user) {
  std::string line = "| **" + name + "** |";
  if (with_user)
    for (const Column& column : of_user())
      line += " " + row.at(column.name) + " |";
  for (const Column& column : of_run())
    line += " " + row.at(column.name) + " |";
  return line;
}

void check_row(const Table& table, const std::string& name,
               const std::map<std::string, std::string>& row) {
  const auto found = table.find(name);
  const bool with_user = row.count("start") != 0;
  CHECK_MESSAGE(found != table.end(), "no such row; it would be\n"
                                          << line_of(name, row, with_user));
  if (found == table.end()) return;
  for (const auto& [column, text] : row) {
    const auto at = found->second.find(column);
    const std::string written = at == found->second.end() ? "(no such column)" : at->second;
    CHECK_MESSAGE(written == text, "row '" << name << "', column '" << column
                                           << "'; the machine says\n"
                                           << line_of(name, row, with_user));
  }
}

bool serves(const InstanceState& state) {
  return state.retiring && state.retiring->phase == Phase::online;
}

// States in which the predecessor makes a difference to what happens to the instance.
bool is_special(const InstanceState& state) {
  return serves(state) ||
         (state.retiring && state.current && state.current->phase == Phase::online);
}

// An ending predecessor is one row, whichever way it ends.
std::string special_name(const InstanceState& state) {
  if (!state.retiring) return own_name_of(state);
  return own_name_of(state) + (serves(state) ? ", predecessor serves" : ", predecessor ends");
}

std::string predecessor_name(const InstanceState& state) {
  if (!state.retiring) return "gone";
  const std::string name = name_of(state);
  return name.substr(name.find("predecessor ") + 12);
}

}  // namespace

TEST_CASE("instance states: the table says what happens to an instance without a predecessor") {
  const Table table = read_table("One run");
  std::size_t rows = 0;
  for (const auto& [name, state] : everywhere().states) {
    if (state.retiring) continue;
    ++rows;
    check_row(table, name, row_of(state, own_name_of));
  }
  CHECK(table.size() == rows);
}

TEST_CASE("instance states: the table says what a predecessor changes") {
  const Table table = read_table("A run and its predecessor");
  std::set<std::string> rows;
  for (const auto& [name, state] : everywhere().states) {
    if (!is_special(state)) continue;
    rows.insert(special_name(state));
    check_row(table, special_name(state), row_of(state, special_name));
  }
  CHECK(table.size() == rows.size());
}

TEST_CASE("instance states: elsewhere an ending predecessor changes nothing") {
  const Table table = read_table("One run");
  for (const auto& [name, state] : everywhere().states) {
    if (!state.retiring || is_special(state)) continue;
    INFO(name);
    check_row(table, own_name_of(state), row_of(state, own_name_of));
  }
}

TEST_CASE("instance states: the table says what happens to the predecessor itself") {
  const Table table = read_table("The predecessor");
  std::set<std::string> rows;
  for (const auto& [name, state] : everywhere().states) {
    if (!state.retiring) continue;
    std::map<std::string, std::string> row;
    for (const Column& column : of_run()) {
      row[column.name] = policy_cell(state, column, kPredecessor, predecessor_name);
      const Step step =
          apply(state, {column.kind, kPredecessor, Outcome::at_once, column.transient});
      CHECK_MESSAGE(own_name_of(collapse(step.next)) == own_name_of(state), name);
    }
    rows.insert(predecessor_name(state));
    check_row(table, predecessor_name(state), row);
  }
  CHECK(table.size() == rows.size());
}

TEST_CASE("instance states: while it is held, a start asked for waits, and nothing else changes") {
  for (const auto& [name, state] : everywhere().states) {
    for (Given given : everything(state)) {
      if (!given.held) continue;
      const Step held = apply(state, given);
      given.held = false;
      const Step free = apply(state, given);
      if (name_of(collapse(held.next)) == name_of(collapse(free.next))) {
        CHECK_MESSAGE(held.effects == free.effects, name);
        continue;
      }
      CHECK_MESSAGE((!held.next.current && held.next.rest == Rest::held), name);
      CHECK_MESSAGE(held.next.reason == "waiting for db: launching", name);
      CHECK_MESSAGE((held.effects.empty() && free.effects.size() == 1), name);
      CHECK_MESSAGE(free.effects.front().kind == Effect::Kind::spawn, name);
      const bool of_user = given.kind == Kind::start || given.kind == Kind::restart ||
                           given.kind == Kind::replace || state.current->asked;
      CHECK_MESSAGE(of_user, name << ": the policy's runs are not held");
      CHECK_MESSAGE(!serves(state), name);
    }
  }
}

TEST_CASE("instance states: the table says what a user sees") {
  const Table table = read_table("What a user sees");
  for (const auto& [name, state] : everywhere().states) {
    const bool rest_with_predecessor =
        !state.current && state.retiring && state.rest != Rest::waiting && state.rest != Rest::held;
    const std::string row =
        rest_with_predecessor ? "stopped or errored, predecessor ends" : own_name_of(state);
    REQUIRE_MESSAGE(table.count(row) == 1, row);
    std::string shown;
    for (const auto& [value, word] : EnumNames<State>::values)
      if (value == state_of(state)) shown = word;
    CHECK_MESSAGE(table.at(row).at("shown as") == shown, name);
  }
}
