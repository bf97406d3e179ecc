#include "cli/process_tree.h"

#include <doctest/doctest.h>

namespace roost::cli {

TEST_CASE("process tree: a line of /proc, whatever the name holds") {
  const auto stat = parse_process_stat(
      "12 (a) b (c) S 7 12 12 0 -1 4194560 1 0 0 0 30 12 0 0 20 0 1 0 999 1000 55 1844 1 1\n");
  CHECK(stat.parent == 7);
  CHECK(stat.ticks == 42);
  CHECK(stat.start == 999);
  CHECK(stat.pages == 55);
  CHECK(stat.name == "a) b (c");
  CHECK(parse_process_stat("").parent == -1);
  CHECK(parse_process_stat("1 (x) S").parent == -1);
  CHECK(parse_process_stat("12 (z) Z 7 12 12 0 -1 4 1 0 0 0 3 1 0 0 20 0 1 0 9 1 5 1 1 1").parent ==
        -1);
}

TEST_CASE("process tree: parents first, siblings by pid, those that left last") {
  ProcessTable table;
  for (const auto& [pid, parent] :
       {std::pair{10, 1}, {11, 10}, {12, 11}, {13, 10}, {20, 1}, {21, 20}, {30, 1}})
    table[pid] = {.parent = parent};
  std::string shown;
  for (const ProcessInfo& process : order_tree(table, 10, {20, 99}))
    shown += std::to_string(process.pid) + (process.detached ? "d" : "") + "@" +
             std::to_string(process.depth) + " ";
  CHECK(shown == "10@0 11@1 12@2 13@1 20d@1 21@2 ");
  CHECK(order_tree(table, 77, {}).empty());
}

}  // namespace roost::cli
