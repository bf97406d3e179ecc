// One process of `roost run`: made from a spec by fork and exec, in a process group of its own.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/model/app_spec.h"

namespace roost::cli {

// Where its descriptors 1 and 2 come from; -1: ours. Its stdin is ours or /dev/null.
struct ChildIo {
  bool own_stdin = false;
  bool terminal = false;  // it becomes the foreground of our terminal before it is executed
  int out = -1;
  int err = -1;
};

// The pid, when the program has been executed; else why it has not, with the errno's code:
// not_found or denied.
[[nodiscard]] Result<pid_t> spawn_child(const model::AppSpec& spec, std::uint32_t slot,
                                        std::uint32_t id, const ChildIo& io);

}  // namespace roost::cli
