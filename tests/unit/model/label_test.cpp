#include "core/model/label.h"

#include <cstring>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;

namespace {
using Bytes = std::array<std::uint8_t, kLabelCapacity>;

Bytes note_of_size(std::size_t size) {
  InstanceNote note;
  note.restarts = 7;
  note.last_exit_wall_ms = 42;
  note.failing = Failing::watchdog;
  note.window.exits = 2;
  note.cron_due_ms = 77;
  note.job_until_ms = 99;
  note.job_queued = true;
  Bytes bytes;
  store_label(note, std::span(bytes));
  const auto told = static_cast<std::uint16_t>(size);
  std::memcpy(bytes.data() + offsetof(InstanceNote, size), &told, sizeof told);
  return bytes;
}
}  // namespace

TEST_CASE("label: a note of the first version is read, with defaults for what came later") {
  const Bytes bytes = note_of_size(kFirstLabelSize<InstanceNote>);
  const auto note = load_label<InstanceNote>(std::span(bytes));
  REQUIRE(note);
  CHECK(note->restarts == 7);
  CHECK(note->last_exit_wall_ms == 42);
  CHECK(note->failing == Failing::no);
  CHECK(note->window.exits == 0);
  CHECK(note->cron_due_ms == 0);
  CHECK_FALSE(note->stopped_by_request);
}

TEST_CASE("label: a note from before there were jobs is read") {
  const Bytes bytes = note_of_size(offsetof(InstanceNote, job_until_ms));
  const auto note = load_label<InstanceNote>(std::span(bytes));
  REQUIRE(note);
  CHECK(note->cron_due_ms == 77);
  CHECK(note->job_until_ms == 0);
  CHECK_FALSE(note->job_queued);
}

TEST_CASE("label: a note of this version or a later one is read, a shorter one is refused") {
  for (const std::size_t size : {sizeof(InstanceNote), sizeof(InstanceNote) + 8}) {
    const Bytes bytes = note_of_size(size);
    const auto note = load_label<InstanceNote>(std::span(bytes));
    REQUIRE(note);
    CHECK(note->failing == Failing::watchdog);
  }
  const Bytes shorter = note_of_size(kFirstLabelSize<InstanceNote> - 8);
  CHECK_FALSE(load_label<InstanceNote>(std::span(shorter)));
  const Bytes longer = note_of_size(kLabelCapacity + 1);
  CHECK_FALSE(load_label<InstanceNote>(std::span(longer)));
}
