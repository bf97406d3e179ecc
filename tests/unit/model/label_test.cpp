#include "core/model/label.h"

#include <array>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;

namespace {

using Bytes = std::array<std::uint8_t, kLabelCapacity>;

InstanceNote some_note() {
  InstanceNote note;
  note.app = AppId{3};
  note.instance = InstanceId{7};
  note.restarts = 5;
  note.last_exit_wall_ms = 1234;
  note.window = {.began_ns = 9, .exits = 2, .reserved = 0};
  note.cron_due_ms = 77;
  return note;
}

}  // namespace

TEST_CASE("note: comes back as it was stored") {
  Bytes bytes;
  store_label(some_note(), std::span(bytes));
  const auto note = load_label<InstanceNote>(std::span<const std::uint8_t, kLabelCapacity>(bytes));
  REQUIRE(note);
  CHECK(note->window.exits == 2);
  CHECK(note->cron_due_ms == 77);
}

TEST_CASE("note: one of roost 0.1.0 is shorter, and what it lacks is 0") {
  InstanceNote old = some_note();
  old.window = {};
  old.cron_due_ms = 0;
  Bytes bytes;
  store_label(old, std::span(bytes));
  const auto size = static_cast<std::uint16_t>(offsetof(InstanceNote, window));
  CHECK(size == 120);  // as it was: fields are added at the end only
  std::memcpy(bytes.data() + offsetof(InstanceNote, size), &size, sizeof size);
  const auto note = load_label<InstanceNote>(std::span<const std::uint8_t, kLabelCapacity>(bytes));
  REQUIRE(note);
  CHECK(note->restarts == 5);
  CHECK(note->last_exit_wall_ms == 1234);
  CHECK(note->cron_due_ms == 0);
  const auto shorter = static_cast<std::uint16_t>(size - 8);
  std::memcpy(bytes.data() + offsetof(InstanceNote, size), &shorter, sizeof shorter);
  CHECK_FALSE(load_label<InstanceNote>(std::span<const std::uint8_t, kLabelCapacity>(bytes)));
}
