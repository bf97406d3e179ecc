// MarksReader: when the bytes of a log file were received, from its sidecar (docs/log-marks.md).
// The pump may write or replace the sidecar meanwhile: what is open stays consistent, and a new one
// is taken up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/unique_fd.h"
#include "core/model/log_marks.h"

namespace roost::cli {

class MarksReader {
 public:
  // Opens the sidecar of the log file that has this device and inode; without one, or with that of
  // another file, the reader knows no marks.
  MarksReader(const std::string& log_path, std::uint64_t device, std::uint64_t inode);

  // The last mark at or before `offset`. Quick when offsets come in order, in either direction.
  [[nodiscard]] std::optional<model::Mark> at(std::uint64_t offset);

 private:
  static constexpr std::size_t kBlock = 512;

  void open();
  void count();
  bool load(std::uint64_t first);
  [[nodiscard]] bool block_holds(std::uint64_t offset);
  [[nodiscard]] std::uint64_t first_after(std::uint64_t offset) const;

  std::string log_path_;
  std::uint64_t device_;
  std::uint64_t inode_;
  UniqueFd fd_;
  std::uint64_t count_ = 0;
  std::uint64_t first_ = 0;         // index of block_[0]
  std::vector<model::Mark> block_;  // a piece of the sidecar
};

}  // namespace roost::cli
