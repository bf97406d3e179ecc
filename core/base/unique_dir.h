// UniqueDir: a directory being read, closed at the end. Empty when opendir() failed.
#pragma once

#include <memory>

#include <dirent.h>

namespace roost {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

using UniqueDir = std::unique_ptr<DIR, CloseDir>;

}  // namespace roost
