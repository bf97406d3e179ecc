// What the keeper remembers: runs with their descriptors and exits, entries, the specs descriptor.
// All memory is reserved once by open(); records never move, so pointers stay good until removal.
#pragma once

#include <sys/types.h>

#include "keeper/link.h"
#include "keeper/protocol.h"

namespace roost::keeper {

inline constexpr std::uint32_t kMaxRuns = 65536;
inline constexpr std::uint32_t kMaxEntries = 2 * kMaxRuns + 64;

// Records by key. A small index (24 bytes each) is what gets searched.
class Shelf {
 public:
  Shelf() = default;
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;
  Shelf(Shelf&&) = delete;
  Shelf& operator=(Shelf&&) = delete;
  // Gives back the memory; descriptors stay open (remove() closes them).
  ~Shelf();

  [[nodiscard]] bool open(std::uint32_t capacity);
  // Null when full. The key must not be 0 and not be here already.
  TableRecord* add(std::uint64_t key);
  // Closes the record's descriptors.
  void remove(TableRecord* record);
  [[nodiscard]] TableRecord* find(std::uint64_t key) const;
  [[nodiscard]] TableRecord* find_pid(pid_t pid) const;
  // The record with the lowest exit_seq above `seq`, or null.
  [[nodiscard]] TableRecord* find_exit_after(std::uint64_t seq) const;
  // The first record at or after position `at`, which is moved to it; null at the end.
  TableRecord* at_or_after(std::uint32_t& at) const;
  [[nodiscard]] std::uint32_t position_of(const TableRecord* record) const;
  void set_pid(TableRecord* record, pid_t pid);
  void set_exit_seq(TableRecord* record, std::uint64_t seq);

  [[nodiscard]] std::uint32_t used() const { return used_; }

  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

 private:
  struct Index {
    std::uint64_t key;  // 0: free
    std::uint64_t exit_seq;
    pid_t pid;
  };

  Index* index_ = nullptr;
  TableRecord* records_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t used_ = 0;
  std::uint32_t end_ = 0;         // no record at or above it
  std::uint32_t first_free_ = 0;  // no free place below it
};

struct ExitFact {
  int code = 0;  // CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0 = unknown
  int status = 0;
};

class Table {
 public:
  // False when the kernel has no address space for it.
  [[nodiscard]] bool open(std::uint32_t run_capacity, std::uint32_t entry_capacity);

  // Answers to register_run and adopt_run. A process that is not our child becomes a foreign run.
  Verdict put_run(Packet& packet, TableRecord*& stored);
  Verdict put_entry(Packet& packet);
  void drop_entry(std::uint64_t key);
  void put_specs(Packet& packet);
  void drop_run_fds(std::uint64_t key, std::uint32_t bits);
  void record_exit(TableRecord* run, ExitFact fact);
  // Frees the run; ignored when the key or the sequence number is another one.
  void ack_exit(std::uint64_t key, std::uint64_t seq);

  Shelf runs;
  Shelf entries;
  TableHeader header;  // counts and record_size are filled in when it is saved
};

// A live or unreaped child of this process.
bool is_child(pid_t pid);

}  // namespace roost::keeper
