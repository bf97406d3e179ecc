#include "keeper/upgrade.h"

#include <csignal>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/keeper/harness.h"

namespace roost::keeper {
namespace {

// A table as bytes, which a test damages.
struct Image {
  TableHeader header;
  std::vector<TableRecord> records;

  [[nodiscard]] UniqueFd memfd() const {
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    for (const TableRecord& record : records) {
      bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
    }
    return make_memfd(bytes);
  }
};

Image good_image() {
  Image image;
  image.header.record_size = sizeof(TableRecord);
  image.header.runs = 2;
  image.header.entries = 1;
  image.header.next_seq = 10;
  image.records.resize(3);
  image.records[0].key = 1;
  image.records[0].pid = 4711;
  image.records[0].flags = kFdPidfd | kFdStdout;
  image.records[0].fds[0] = 100;
  image.records[0].fds[1] = 101;
  image.records[1].key = 2;
  image.records[1].flags = kRunExited;
  image.records[1].exit_seq = 9;
  image.records[2].key = 3;
  return image;
}

int check_with_program(int memfd) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::fcntl(memfd, F_SETFD, 0);
    ::close(2);
    ::execl(KEEPER_PATH, "roost-keeper", "--check", std::to_string(memfd).c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("keeper table file: a good one is accepted, by the function and by --check") {
  const UniqueFd fd = good_image().memfd();
  CHECK(check_table(fd.get()) == nullptr);
  CHECK(check_with_program(fd.get()) == 0);
}

TEST_CASE("keeper table file: each kind of damage is refused") {
  struct Damage {
    const char* name;
    void (*apply)(Image&);
  };

  const Damage damages[] = {
      {"magic", [](Image& i) { i.header.magic = 1; }},
      {"version", [](Image& i) { ++i.header.version; }},
      {"record size", [](Image& i) { --i.header.record_size; }},
      {"fewer records than counted", [](Image& i) { i.records.pop_back(); }},
      {"more records than counted", [](Image& i) { i.records.resize(4); }},
      {"absurd counts", [](Image& i) { i.header.runs = ~0U; }},
      {"counts that overflow", [](Image& i) { i.header.runs = i.header.entries = 0x80000001U; }},
      {"no next number", [](Image& i) { i.header.next_seq = 0; }},
      {"no number left", [](Image& i) { i.header.next_seq = ~0ULL; }},
      {"sent before made", [](Image& i) { i.header.sent_seq = 10; }},
      {"daemon without socket", [](Image& i) { i.header.daemon_pid = 5; }},
      {"key 0", [](Image& i) { i.records[0].key = 0; }},
      {"unknown flag", [](Image& i) { i.records[0].flags |= 1U << 20; }},
      {"flag without descriptor", [](Image& i) { i.records[0].flags |= kFdStderr; }},
      {"descriptor without flag", [](Image& i) { i.records[0].fds[4] = 9; }},
      {"exited without number", [](Image& i) { i.records[1].exit_seq = 0; }},
      {"number without exit", [](Image& i) { i.records[0].exit_seq = 3; }},
      {"number of the future", [](Image& i) { i.records[1].exit_seq = 10; }},
      {"negative pid", [](Image& i) { i.records[0].pid = -4; }},
      {"pid of a dead one", [](Image& i) { i.records[1].pid = 4; }},
      {"kind of exit", [](Image& i) { i.records[1].code = 77; }},
      {"entry with pid", [](Image& i) { i.records[2].pid = 4; }},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.name);
    Image image = good_image();
    damage.apply(image);
    const UniqueFd fd = image.memfd();
    CHECK(check_table(fd.get()) != nullptr);
    CHECK(check_with_program(fd.get()) == 1);
  }
}

TEST_CASE("keeper table file: every truncation is refused") {
  const Image image = good_image();
  const std::size_t size = sizeof(TableHeader) + 3 * sizeof(TableRecord);
  for (std::size_t length = 0; length < size; length += 7) {
    const UniqueFd fd = image.memfd();
    REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(length)) == 0);
    CHECK(check_table(fd.get()) != nullptr);
  }
  CHECK(check_table(-1) != nullptr);
}

TEST_CASE("keeper table file: saved and loaded, it is the same") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  Table table;
  REQUIRE(table.open(10, 20));
  table.header.epoch = 99;
  table.header.serial = 4;
  table.header.reaped = 6;
  table.header.specs_fd = make_memfd("specs").release();
  TableRecord* child = table.runs.add(1);
  child->fds[1] = make_memfd("stdout").release();
  child->flags = kFdStdout;
  child->label[0] = 'c';
  table.runs.set_pid(child, pid);
  TableRecord* dead = table.runs.add(2);
  table.record_exit(dead, {CLD_DUMPED, SIGSEGV});
  table.entries.add(3)->label[0] = 'e';

  const UniqueFd memfd(save_table(table));
  REQUIRE(memfd);
  char byte = 0;
  CHECK(::pwrite(memfd.get(), &byte, 1, 0) < 0);  // sealed
  Table loaded;
  REQUIRE(load_table(memfd.get(), loaded, 64) == nullptr);
  CHECK(loaded.header.epoch == 99);
  CHECK(loaded.header.serial == 4);
  CHECK(loaded.header.reaped == 6);
  CHECK(loaded.header.next_seq == 2);
  CHECK(read_all(loaded.header.specs_fd) == "specs");
  CHECK(loaded.runs.capacity() == 64);
  REQUIRE(loaded.runs.find_pid(pid) == loaded.runs.find(1));
  CHECK(loaded.runs.find(1)->flags == kFdStdout);
  CHECK(loaded.runs.find(1)->label[0] == 'c');
  CHECK(loaded.runs.find_exit_after(0) == loaded.runs.find(2));
  CHECK(loaded.runs.find(2)->code == CLD_DUMPED);
  CHECK(loaded.runs.find(2)->status == SIGSEGV);
  CHECK(loaded.entries.find(3)->label[0] == 'e');
  table.runs.remove(child);
  ::close(table.header.specs_fd);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_CASE("keeper table file: loaded by a stranger, runs are foreign, and lost ones are dead") {
  Image image = good_image();
  image.header.daemon_pid = ::getppid();
  image.header.daemon_socket = 100;
  image.records[0].fds[0] = ::fcntl(0, F_DUPFD_CLOEXEC, 200);
  image.records[0].fds[1] = 250;  // not open
  image.records[1].flags = kFdStdout;
  image.records[1].fds[1] = 251;  // not open, and no pidfd either
  image.records[1].exit_seq = 0;
  Table table;
  REQUIRE(load_table(image.memfd().get(), table, 64) == nullptr);
  CHECK(table.header.epoch != 0);
  CHECK(table.header.daemon_pid == 0);
  CHECK(table.runs.find(1)->flags == (kFdPidfd | kRunForeign));
  CHECK(table.runs.find(1)->pid == 0);
  CHECK(table.runs.find_exit_after(0) == table.runs.find(2));
  CHECK(table.runs.find(2)->code == 0);
  ::close(image.records[0].fds[0]);
}

}  // namespace
}  // namespace roost::keeper
