#include "store/write_queue.h"

#include "tests/unit/store/store_fixture.h"

using namespace roost;
using namespace roost::store;

namespace {

WriteQueue::Pushed push(WriteQueue& queue, Batch ops,
                        Durability durability = Durability::background, bool with_done = false) {
  PendingBatch batch{std::move(ops), durability,
                     with_done ? Store::Done([](const Status&) {}) : Store::Done()};
  return queue.push(batch);
}

// Ops left in the queue, of the given kind.
template <class Kind>
std::vector<Kind> left(WriteQueue& queue) {
  std::vector<Kind> found;
  for (const PendingBatch& batch : queue.take())
    for (const Op& op : batch.ops)
      if (const auto* one = std::get_if<Kind>(&op)) found.push_back(*one);
  return found;
}

}  // namespace

TEST_CASE("write queue: keeps the order and counts ops and waiting answers") {
  WriteQueue queue(100);
  CHECK(push(queue, {app(1), app(2)}).accepted);
  CHECK(push(queue, {app(3)}, Durability::background, true).accepted);
  CHECK(queue.size() == 4);
  CHECK_FALSE(queue.has_durable());
  CHECK(push(queue, {app(4)}, Durability::durable).accepted);
  CHECK(queue.has_durable());
  const auto apps = left<PutApp>(queue);
  REQUIRE(apps.size() == 4);
  for (std::uint32_t i = 0; i < 4; ++i)
    CHECK(apps[i].app == model::AppId{i + 1});
  CHECK(queue.empty());
  CHECK(queue.size() == 5);  // still counted until it is written
  queue.finished();
  CHECK(queue.size() == 0);
}

TEST_CASE("write queue: at the cap repeated puts of one key shrink to the newest") {
  WriteQueue queue(64);
  for (std::uint32_t round = 0; round < 1'000; ++round)
    REQUIRE(push(queue, {instance(round % 8, 1, static_cast<std::uint8_t>(round)),
                         SetMeta{"k", std::to_string(round)}})
                .accepted);
  CHECK(queue.size() <= 64);
  const auto found = left<PutInstance>(queue);
  for (std::uint32_t id = 0; id < 8; ++id) {
    std::uint8_t newest = 0;
    for (const PutInstance& one : found)
      if (one.instance == model::InstanceId{id}) newest = one.note[0];
    CHECK(newest == static_cast<std::uint8_t>(992 + id));
  }
}

TEST_CASE("write queue: a put before a deletion goes, the deletion and a put after it stay") {
  WriteQueue queue(3);
  REQUIRE(push(queue, {run(1), DeleteRun{model::RunId{1}}, run(1)}).accepted);
  REQUIRE(push(queue, {}).accepted);
  REQUIRE(push(queue, {app(1)}).accepted);
  auto batches = queue.take();
  REQUIRE(batches.at(0).ops.size() == 2);
  CHECK(std::holds_alternative<DeleteRun>(batches[0].ops[0]));
  CHECK(std::holds_alternative<PutRun>(batches[0].ops[1]));
}

TEST_CASE("write queue: a durable batch neither shrinks nor removes older background puts") {
  WriteQueue queue(4);
  REQUIRE(push(queue, {instance(1, 1, 1)}).accepted);
  REQUIRE(push(queue, {instance(1, 1, 2)}, Durability::durable).accepted);
  REQUIRE(push(queue, {instance(1, 1, 3)}, Durability::durable).accepted);
  REQUIRE(push(queue, {app(1)}).accepted);
  CHECK_FALSE(push(queue, {app(2)}).accepted);
  CHECK(left<PutInstance>(queue).size() == 3);
}

TEST_CASE("write queue: when full the oldest exits are dropped and their owners told") {
  WriteQueue queue(80);
  for (std::uint64_t seq = 0; seq < 40; ++seq)
    REQUIRE(push(queue, {exit_of(seq)}, Durability::background, true).accepted);
  const auto pushed = push(queue, {app(1)});
  CHECK(pushed.accepted);
  CHECK(pushed.dropped_exits > 0);
  CHECK(pushed.failed.size() == pushed.dropped_exits);
  const auto exits = left<AddExit>(queue);
  CHECK(exits.size() + pushed.dropped_exits == 40);
  CHECK(exits.front().seq == pushed.dropped_exits);
  CHECK(exits.back().seq == 39);
}

TEST_CASE("write queue: full of state it refuses and keeps what it has") {
  WriteQueue queue(10);
  for (std::uint32_t id = 0; id < 10; ++id)
    REQUIRE(push(queue, {app(id)}).accepted);
  PendingBatch more{{app(11)}, Durability::durable, [](const Status&) {}};
  CHECK_FALSE(queue.push(more).accepted);
  CHECK(more.ops.size() == 1);
  CHECK(static_cast<bool>(more.done));
  CHECK(left<PutApp>(queue).size() == 10);
}

TEST_CASE("write queue: what was not written comes back before what came since") {
  WriteQueue queue(100);
  (void)push(queue, {app(1)});
  auto taken = queue.take();
  (void)push(queue, {app(2)}, Durability::durable);
  queue.give_back(std::move(taken));
  CHECK(queue.size() == 2);
  CHECK(queue.has_durable());
  const auto apps = left<PutApp>(queue);
  REQUIRE(apps.size() == 2);
  CHECK(apps[0].app == model::AppId{1});
}

TEST_CASE("write queue: an hour of crash loops on a full disk stays within the cap") {
  constexpr std::size_t kCap = 4'096;
  WriteQueue queue(kCap);
  std::uint64_t dropped = 0;
  for (std::uint64_t seq = 0; seq < 50'000; ++seq) {
    const auto id = static_cast<std::uint32_t>(seq % 100);
    const auto pushed = push(queue, {instance(id), exit_of(seq, id)}, Durability::background, true);
    REQUIRE(pushed.accepted);
    REQUIRE(queue.size() <= kCap);
    dropped += pushed.dropped_exits;
  }
  CHECK(dropped > 40'000);
  CHECK(left<AddExit>(queue).size() + dropped == 50'000);
}

TEST_CASE(
    "write queue: while a full load is being written the newest is still accepted, and what comes "
    "back is thinned") {
  WriteQueue queue(80);
  for (std::uint64_t seq = 0; seq < 40; ++seq)
    REQUIRE(push(queue, {exit_of(seq)}, Durability::background, true).accepted);
  auto taken = queue.take();
  for (std::uint64_t seq = 40; seq < 80; ++seq)
    REQUIRE(push(queue, {exit_of(seq)}, Durability::background, true).accepted);
  CHECK(queue.size() == 160);
  const auto returned = queue.give_back(std::move(taken));
  CHECK(returned.dropped_exits >= 40);
  CHECK(returned.failed.size() == returned.dropped_exits);
  CHECK(queue.size() <= 80);
  CHECK(left<AddExit>(queue).back().seq == 79);
}
