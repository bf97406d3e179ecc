// TempDir: a fresh private directory, removed with all that is in it when the test ends.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <stdlib.h>

namespace roost::test {

class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "roost-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      std::perror("mkdtemp");
      std::abort();
    }
  }

  ~TempDir() {
    std::error_code ignored;  // a leftover in /tmp must not fail a test
    std::filesystem::remove_all(path_, ignored);
  }

  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace roost::test
