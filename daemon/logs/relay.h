// Relay: the pipe by way of which the output of apps that fill their pipes goes to their files.
// splice() from pipe to pipe only moves pages, so such an app waits for that alone, and not while
// the file is written. Whose bytes are in it is noted before the first of them, in a memfd; the
// keeper holds both, so the next daemon goes on. Pump thread only, but for make_relay().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/model/ids.h"
#include "core/model/log_marks.h"

namespace roost::daemon {

class LogFile;

struct RelayFds {
  UniqueFd pipe;  // both of its ends
  UniqueFd note;
};

// Fails where there are no descriptors, or no room for a pipe of kBusyPipeBytes.
[[nodiscard]] Result<RelayFds> make_relay();

class Relay {
 public:
  struct Source {
    model::RunId run{};
    model::Stream stream = model::Stream::out;
    std::string path;  // of its file
  };

  // Those of make_relay(), perhaps in an earlier daemon. They must outlive the relay.
  void open(int pipe, int note);

  [[nodiscard]] bool is_free() const { return pipe_ >= 0 && bytes_ == 0; }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  // Whose bytes are in it, or were last; nothing: not known.
  [[nodiscard]] const std::optional<Source>& source() const { return source_; }

  [[nodiscard]] bool holds(model::RunId run, model::Stream stream) const;

  // Before fill(), when it is free. Returns whether it is noted.
  [[nodiscard]] bool note(model::RunId run, model::Stream stream, const std::string& path);
  // Takes up to `most` bytes out of the pipe of the source. Returns what splice returns.
  ssize_t fill(int pipe, std::size_t most);
  // Writes what is in it to the file; stops at the first error. Returns how many bytes were
  // written, or -1 and errno when none were.
  ssize_t pour(LogFile& file);
  // Throws away what is in it, into /dev/null. Returns how much.
  std::size_t discard(int null);

 private:
  void read_note();

  int pipe_ = -1;
  int note_ = -1;
  std::size_t bytes_ = 0;
  std::optional<Source> source_;  // as noted
};

}  // namespace roost::daemon
