#include "core/base/memory.h"

#include <cstdint>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/fs.h"

namespace roost {
namespace {

// Segments that cannot be written have nothing of their own: relocated data lies in the others.
int drop_read_only(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // an advice
  }
  return 0;
}

// Its breakpoints are in such pages.
bool is_traced() {
  constexpr std::size_t kStatusBytes = 16U << 10;
  const Result<std::string> status = read_file("/proc/self/status", kStatusBytes);
  return !status || status->find("\nTracerPid:\t0\n") == std::string::npos;
}

}  // namespace

void give_back_memory() {
  ::malloc_trim(0);
  if (is_traced()) return;
  ::dl_iterate_phdr(drop_read_only, nullptr);
}

}  // namespace roost
