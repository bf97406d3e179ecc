// Bytes as a table memfd: what check_table() accepts, load_table() must take without harm.
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

#include "keeper/upgrade.h"

using namespace roost::keeper;

// Makes most records pass the check, so that loading is reached.
static void repair(TableRecord& record) {
  record.flags &= kRunForeign | kRunExited;
  for (std::size_t i = 0; i < kMaxRunFds; ++i) {
    if (record.fds[i] >= 0) record.flags |= 1U << i;
  }
  const bool exited = (record.flags & kRunExited) != 0;
  record.exit_seq = exited ? record.exit_seq % 4 + 1 : 0;
  record.pid = exited ? 0 : record.pid & 0x7fff;
  record.code &= 3;
}

// Descriptors of the input mean nothing here; they must not close those of the fuzzer.
static void disarm(std::uint8_t* bytes, std::size_t size) {
  TableHeader header;
  if (size < sizeof header) return;
  std::memcpy(&header, bytes, sizeof header);
  header.magic = kTableMagic;
  header.version = kTableVersion;
  header.record_size = sizeof(TableRecord);
  const std::size_t records = (size - sizeof header) / sizeof(TableRecord);
  header.runs = static_cast<std::uint32_t>(header.runs % (records + 1));
  header.entries = static_cast<std::uint32_t>(records) - header.runs;
  header.specs_fd = header.lock_fd = header.daemon_socket = -1;
  header.daemon_pid = 0;
  header.next_seq = (header.next_seq >> 3) | 8;
  header.sent_seq &= 7;
  std::memcpy(bytes, &header, sizeof header);
  for (std::size_t i = 0; i < records; ++i) {
    TableRecord record;
    std::uint8_t* place = bytes + sizeof header + i * sizeof record;
    std::memcpy(&record, place, sizeof record);
    for (int& fd : record.fds)
      fd = fd >= 0 ? 1000000 + (fd & 0xff) : fd;
    if (record.looks % 4 != 0) repair(record);
    std::memcpy(place, &record, sizeof record);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16384) return 0;
  static std::uint8_t bytes[16384];
  const int memfd = ::memfd_create("fuzz", MFD_CLOEXEC);
  const bool raw = size % 2 == 1;  // as it is, for the header
  if (size > 0) std::memcpy(bytes, data, size);
  if (!raw) disarm(bytes, size);
  if (::write(memfd, bytes, size) != static_cast<ssize_t>(size)) std::abort();
  const bool good = check_table(memfd) == nullptr;
  if (good && !raw) {
    Table table;
    if (load_table(memfd, table, 64) != nullptr) std::abort();
    const int saved = save_table(table);
    if (saved < 0 || check_table(saved) != nullptr) std::abort();
    ::close(saved);
  }
  ::close(memfd);
  return 0;
}
