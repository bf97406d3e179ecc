#include "keeper/table.h"

#include <cstring>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace roost::keeper {
namespace {

void close_fds(TableRecord& record, std::uint32_t bits) {
  for (std::size_t i = 0; i < kMaxRunFds; ++i) {
    if ((bits & (1U << i)) == 0 || record.fds[i] < 0) continue;
    ::close(record.fds[i]);
    record.fds[i] = -1;
  }
  record.flags &= ~bits;
}

// Descriptors travel in the order of the bits; those that did not arrive lose their bit.
Verdict take_fds(TableRecord& record, Packet& packet, std::uint32_t bits) {
  Verdict verdict = Verdict::stored;
  for (std::size_t i = 0; i < kMaxRunFds; ++i) {
    if ((bits & (1U << i)) == 0) continue;
    record.fds[i] = packet.take();
    if (record.fds[i] >= 0) {
      record.flags |= 1U << i;
    } else {
      verdict = Verdict::stored_bare;
    }
  }
  return verdict;
}

}  // namespace

bool is_child(pid_t pid) {
  siginfo_t info{};
  constexpr int kLook = WEXITED | WNOHANG | WNOWAIT | __WALL;
  return pid > 0 && ::waitid(P_PID, static_cast<id_t>(pid), &info, kLook) == 0;
}

bool Shelf::open(std::uint32_t capacity) {
  const std::size_t size = capacity * (sizeof(Index) + sizeof(TableRecord));
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  ::madvise(memory, size, MADV_NOHUGEPAGE);  // a huge page would cost 2 MB for the first run
  index_ = static_cast<Index*>(memory);
  records_ = reinterpret_cast<TableRecord*>(index_ + capacity);
  capacity_ = capacity;
  return true;
}

Shelf::~Shelf() {
  if (index_ != nullptr) ::munmap(index_, capacity_ * (sizeof(Index) + sizeof(TableRecord)));
}

TableRecord* Shelf::add(std::uint64_t key) {
  while (first_free_ < end_ && index_[first_free_].key != 0)
    ++first_free_;
  if (first_free_ == capacity_) return nullptr;
  const std::uint32_t at = first_free_++;
  if (at >= end_) end_ = at + 1;
  ++used_;
  index_[at] = Index{key, 0, 0};
  records_[at] = TableRecord{};
  records_[at].key = key;
  return &records_[at];
}

void Shelf::remove(TableRecord* record) {
  const std::uint32_t at = position_of(record);
  close_fds(*record, kFdMask);
  index_[at] = Index{};
  --used_;
  if (at < first_free_) first_free_ = at;
  while (end_ > 0 && index_[end_ - 1].key == 0)
    --end_;
}

TableRecord* Shelf::find(std::uint64_t key) const {
  for (std::uint32_t i = 0; key != 0 && i < end_; ++i) {
    if (index_[i].key == key) return &records_[i];
  }
  return nullptr;
}

TableRecord* Shelf::find_pid(pid_t pid) const {
  for (std::uint32_t i = 0; pid > 0 && i < end_; ++i) {
    if (index_[i].key != 0 && index_[i].pid == pid) return &records_[i];
  }
  return nullptr;
}

TableRecord* Shelf::find_exit_after(std::uint64_t seq) const {
  const Index* best = nullptr;
  for (const Index* i = index_; i != index_ + end_; ++i) {
    if (i->key != 0 && i->exit_seq > seq && (best == nullptr || i->exit_seq < best->exit_seq)) {
      best = i;
    }
  }
  return best != nullptr ? &records_[best - index_] : nullptr;
}

TableRecord* Shelf::at_or_after(std::uint32_t& at) const {
  while (at < end_ && index_[at].key == 0)
    ++at;
  return at < end_ ? &records_[at] : nullptr;
}

void Shelf::set_pid(TableRecord* record, pid_t pid) {
  record->pid = index_[position_of(record)].pid = pid;
}

void Shelf::set_exit_seq(TableRecord* record, std::uint64_t seq) {
  record->exit_seq = index_[position_of(record)].exit_seq = seq;
}

std::uint32_t Shelf::position_of(const TableRecord* record) const {
  return static_cast<std::uint32_t>(record - records_);
}

bool Table::open(std::uint32_t run_capacity, std::uint32_t entry_capacity) {
  return runs.open(run_capacity) && entries.open(entry_capacity);
}

Verdict Table::put_run(Packet& packet, TableRecord*& stored) {
  const Message& message = packet.message;
  stored = nullptr;
  const bool child = message.type == Type::register_run && is_child(message.value);
  if (message.key == 0 || runs.find(message.key) != nullptr) return Verdict::refused;
  if (child && runs.find_pid(message.value) != nullptr) return Verdict::refused;
  TableRecord* run = runs.add(message.key);
  if (run == nullptr) return Verdict::refused;
  const Verdict verdict = take_fds(*run, packet, message.flags & kFdMask);
  if (!child && run->fds[0] < 0) {  // nothing would ever tell of its death
    runs.remove(run);
    return Verdict::refused;
  }
  std::memcpy(run->label, message.label, kLabelBytes);
  if (child) {
    runs.set_pid(run, message.value);
  } else {
    run->flags |= kRunForeign;
  }
  stored = run;
  return verdict;
}

Verdict Table::put_entry(Packet& packet) {
  const Message& message = packet.message;
  if (message.key == 0) return Verdict::refused;
  TableRecord* entry = entries.find(message.key);
  if (entry == nullptr) entry = entries.add(message.key);
  if (entry == nullptr) return Verdict::refused;
  close_fds(*entry, kFdMask);
  std::memcpy(entry->label, message.label, kLabelBytes);
  return take_fds(*entry, packet, message.flags & 1U);
}

void Table::drop_entry(std::uint64_t key) {
  if (TableRecord* entry = entries.find(key); entry != nullptr) entries.remove(entry);
}

void Table::put_specs(Packet& packet) {
  const int fd = packet.take();
  if (fd < 0) return;  // it was lost for want of descriptors: the old one is better than none
  if (header.specs_fd >= 0) ::close(header.specs_fd);
  header.specs_fd = fd;
}

void Table::drop_run_fds(std::uint64_t key, std::uint32_t bits) {
  TableRecord* run = runs.find(key);
  if (run == nullptr) return;
  const bool watched = (run->flags & (kRunForeign | kRunExited)) == kRunForeign;
  close_fds(*run, bits & kFdMask & ~(watched ? kFdPidfd : 0U));
}

void Table::record_exit(TableRecord* run, ExitFact fact) {
  runs.set_pid(run, 0);  // the number may be used again
  runs.set_exit_seq(run, header.next_seq++);
  run->flags |= kRunExited;
  run->code = fact.code;
  run->status = fact.status;
}

void Table::ack_exit(std::uint64_t key, std::uint64_t seq) {
  TableRecord* run = runs.find(key);
  if (run != nullptr && run->exit_seq == seq && seq != 0) runs.remove(run);
}

}  // namespace roost::keeper
