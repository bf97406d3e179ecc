// The marks sidecar `<log file>.marks`: when the bytes of a log file were received, as fixed
// records. docs/log-marks.md is the description for readers in other languages. Little endian, as
// in memory. Pure layout: writing is the pump's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/record.h"
#include "core/model/ids.h"

namespace roost::model {

enum class Stream : std::uint8_t { out = 0, err = 1 };

inline constexpr std::uint64_t kMarksMagic = 0x534b52414d545352;  // "RSTMARKS"
inline constexpr std::uint32_t kMarksVersion = 1;
inline constexpr std::string_view kMarksSuffix = ".marks";

// First 64 bytes. The file id ties the sidecar to one file: with another inode (rotated, deleted)
// its marks mean nothing.
struct MarksHeader {
  std::uint64_t magic = kMarksMagic;
  std::uint32_t version = kMarksVersion;
  std::uint32_t record_size = 32;
  std::uint64_t device = 0;   // st_dev of the log file
  std::uint64_t inode = 0;    // st_ino of the log file
  std::uint64_t thinned = 0;  // how often older marks were thinned out
  std::uint64_t reserved[3] = {};
};

static_assert(sizeof(MarksHeader) == 64);

enum MarkFlag : std::uint16_t {
  kMarkEstimated =
      1U << 0,  // bytes whose receipt nobody saw: the time is the file's, not the receiver's
};

// Bytes from `offset` to the next mark were received at `wall_ns` or, in a flood, up to a few
// milliseconds later. Records are ordered by offset and by seq.
struct Mark {
  std::uint64_t offset = 0;
  std::int64_t wall_ns = 0;  // Unix time of receipt, ns
  std::uint64_t seq =
      0;  // order of receipt among all files of one pump; also when the wall clock was set back
  std::uint32_t run_tag = 0;  // run_tag() of the run that wrote
  std::uint16_t stream = 0;   // lowest bit: Stream; above: slot of the instance, in merged files
  std::uint16_t flags = 0;    // MarkFlag
};

static_assert(sizeof(Mark) == 32);

constexpr std::uint16_t mark_stream(Stream stream, std::uint32_t slot) {
  return static_cast<std::uint16_t>(static_cast<std::uint32_t>(stream) | slot << 1U);
}

constexpr Stream stream_of(const Mark& mark) {
  return static_cast<Stream>(mark.stream & 1U);
}

constexpr std::uint32_t slot_of(const Mark& mark) {
  return mark.stream >> 1U;
}

// 32 bits to tell the runs in one file apart (not unique for ever).
constexpr std::uint32_t run_tag(RunId run) {
  return static_cast<std::uint32_t>(raw(run)) ^
         (static_cast<std::uint32_t>(raw(run) >> 32U) * 0x9E3779B1U);
}

}  // namespace roost::model

template <>
struct roost::EnumNames<roost::model::Stream> {
  static constexpr std::array<std::pair<roost::model::Stream, std::string_view>, 2> values{
      {{roost::model::Stream::out, "out"}, {roost::model::Stream::err, "err"}}};
};
