#include "daemon/process/spawn_bench.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/check.h"
#include "daemon/process/app_pipe.h"
#include "daemon/process/scratch_fds.h"
#include "daemon/process/spawn_plan.h"

namespace roost::daemon {
namespace {

constexpr std::size_t kStackBytes = 64U << 10;
constexpr std::size_t kPageBytes = 64U << 10;  // the largest page size of the supported machines

std::uint64_t read_changed_signals() {
  constexpr int kSignals = 64;
  std::uint64_t changed = 0;
  for (int signal = 1; signal <= kSignals; ++signal) {
    alignas(8) std::array<unsigned char, 64> action{};  // the kernel's: the handler comes first
    void* handler = nullptr;
    ::syscall(SYS_rt_sigaction, signal, nullptr, action.data(), sizeof(std::uint64_t));
    std::memcpy(&handler, action.data(), sizeof handler);
    if (handler != nullptr) changed |= std::uint64_t{1} << (signal - 1);
  }
  return changed;
}

std::byte* map(std::size_t size, int flags) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

}  // namespace

void Unmap::operator()(std::byte* memory) const {
  ::munmap(memory, size);
}

Result<SpawnBench> SpawnBench::make() {
  SpawnBench bench;
  bench.stack_ = Mapping(map(kStackBytes + kPageBytes, MAP_PRIVATE | MAP_STACK),
                         Unmap{kStackBytes + kPageBytes});
  bench.shared_ = Mapping(map(kPageBytes, MAP_SHARED), Unmap{kPageBytes});
  if (!bench.stack_ || !bench.shared_) return errno_error("memory for the spawner", ENOMEM);
  if (::mprotect(bench.stack_.get(), kPageBytes, PROT_NONE) != 0)
    return errno_error("memory for the spawner", errno);
  bench.current_ = read_priorities();
  bench.changed_signals_ = read_changed_signals();
  new (bench.shared_.get()) Shared{};
  bench.stdin_null_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  bench.null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  bench.own_descriptors_ = open_own_descriptors();
  if (!bench.stdin_null_ || !bench.null_) return errno_error("open '/dev/null'", errno);
  if (bench.stdin_null() < kScratchFds)
    return Error{Errc::internal, "the spawner's scratch descriptors were not reserved", ""};
  return bench;
}

std::span<std::byte> SpawnBench::stack() const {
  return {stack_.get() + kPageBytes, kStackBytes};
}

SpawnBench::Shared& SpawnBench::shared() const {
  return *std::launder(reinterpret_cast<Shared*>(shared_.get()));
}

void SpawnBench::restore_standard_fds() const {
  for (int fd = 0; fd <= 2; ++fd)
    ROOST_EXPECT(::dup2(null_.get(), fd) == fd, "0-2 are the spawner's");
  ROOST_EXPECT(::dup3(null_.get(), kChannelFd, O_CLOEXEC) == kChannelFd, "3 is the spawner's");
}

}  // namespace roost::daemon
