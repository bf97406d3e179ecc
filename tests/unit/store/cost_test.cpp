// What the store costs, printed: not run by default, for a figure is no verdict on a busy machine.
//   store_tests --no-skip --test-case="store cost:*"
#include <fstream>

#include <sys/resource.h>
#include <time.h>

#include "store/state_file.h"
#include "tests/unit/store/store_fixture.h"

using namespace roost;
using namespace roost::store;

namespace {

double cpu_us(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

// Of all threads but the calling one.
double others_us() {
  return cpu_us(CLOCK_PROCESS_CPUTIME_ID) - cpu_us(CLOCK_THREAD_CPUTIME_ID);
}

long resident_kib() {
  std::ifstream statm("/proc/self/statm");
  long size = 0;
  long resident = 0;
  statm >> size >> resident;
  return resident * 4;
}

Batch crash(std::uint64_t seq) {
  const auto id = static_cast<std::uint32_t>(seq % 50 + 1);
  return {instance(id, id, static_cast<std::uint8_t>(seq)), exit_of(seq, id, id)};
}

struct CostFixture : StoreFixture {
  void fill() {
    Batch batch;
    for (std::uint32_t id = 1; id <= 50; ++id) {
      batch.push_back(app(id, std::string(2000, 'x')));
      batch.push_back(instance(id, id));
    }
    REQUIRE(put(std::move(batch), Durability::durable).has_value());
    for (std::uint64_t seq = 1; seq <= 3'000; ++seq)
      store->submit(crash(seq), Durability::background, {});
    REQUIRE(put({}).has_value());
  }
};

}  // namespace

TEST_CASE_FIXTURE(CostFixture,
                  "store cost: CPU of one crash, alone in its transaction and in company" *
                      doctest::skip()) {
  open();
  fill();
  constexpr std::uint64_t kCount = 5'000;
  double begin = others_us();
  for (std::uint64_t n = 0; n < kCount; ++n)
    REQUIRE(put(crash(10'000 + n)).has_value());
  MESSAGE("alone: ", (others_us() - begin) / kCount, " us of the store thread");
  begin = others_us();
  for (std::uint64_t n = 0; n < kCount; ++n) {
    store->submit(crash(20'000 + n), Durability::background, {});
    if (n % 20 == 19) REQUIRE(put({}).has_value());
  }
  MESSAGE("20 together: ", (others_us() - begin) / kCount, " us of the store thread");
  const double own = cpu_us(CLOCK_THREAD_CPUTIME_ID);
  for (std::uint64_t n = 0; n < kCount; ++n)
    store->submit(crash(30'000 + n), Durability::background, {});
  MESSAGE("submit: ", (cpu_us(CLOCK_THREAD_CPUTIME_ID) - own) / kCount, " us of the loop");
}

TEST_CASE_FIXTURE(CostFixture, "store cost: time of a commit by durability" * doctest::skip()) {
  open();
  fill();
  for (const Durability durability : {Durability::background, Durability::durable}) {
    const TimePoint begin = Monotonic::now();
    for (std::uint64_t n = 0; n < 200; ++n)
      REQUIRE(put(crash(10'000 + n), durability).has_value());
    MESSAGE(std::string(durability == Durability::durable ? "durable: " : "background: "),
            std::chrono::duration<double, std::micro>(Monotonic::now() - begin).count() / 200,
            " us");
  }
}

TEST_CASE_FIXTURE(CostFixture, "store cost: memory, and opening 1,000 apps with their history" *
                                   doctest::skip()) {
  const long before = resident_kib();
  open();
  REQUIRE(put({app(1), instance(1)}, Durability::durable).has_value());
  MESSAGE("resident after open: +", resident_kib() - before, " KiB");
  for (std::uint32_t id = 1; id <= 1'000; ++id) {
    Batch batch{app(id, std::string(2000, 'x')), instance(id, id), run(id, id)};
    for (std::uint64_t n = 0; n < 50; ++n)
      batch.push_back(exit_of(id * 100 + n, id, id));
    store->submit(std::move(batch), Durability::background, {});
  }
  REQUIRE(put({}, Durability::durable).has_value());
  store.reset();
  MESSAGE("file: ", std::filesystem::file_size(dir.db()) >> 10, " KiB");
  const TimePoint begin = Monotonic::now();
  open();
  CHECK(store->load().apps.size() == 1'000);
  MESSAGE("opened in ", to_ms(Monotonic::now() - begin), " ms");
  int code = 0;
  store.reset();
  auto file = open_state_file({.path = dir.db(), .vfs = {}, .exits_kept = 50});
  const TimePoint check = Monotonic::now();
  code = file->db->quick_check();
  CHECK(code == 0);
  MESSAGE("checked in ", to_ms(Monotonic::now() - check), " ms");
}
