// FileStamp: what a file was like when it was read, to see cheaply whether it is another one now.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "core/base/record.h"

namespace roost::model {

struct FileStamp {
  std::int64_t mtime_ns = 0;
  std::uint64_t size = 0;
  std::uint64_t hash = 0;  // of its content

  static constexpr auto fields() {
    return std::tuple{req("mtime_ns", &FileStamp::mtime_ns, "when it was written, ns"),
                      req("size", &FileStamp::size, "bytes"),
                      req("hash", &FileStamp::hash, "FNV-1a of its content, 53 bits")};
  }

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// FNV-1a: no secret is kept by it, and nobody gains by a collision. As many bits as every reader
// of JSON keeps.
[[nodiscard]] constexpr std::uint64_t content_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash >> 11U;
}

}  // namespace roost::model
