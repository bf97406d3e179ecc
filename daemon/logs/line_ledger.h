// LineLedger: what lets text that is made of an app's bytes be written as safely as the bytes
// themselves. Of each batch the ledger first notes where its text will stand; the text is written;
// then the bytes are taken out of the pipe by splicing them into the ledger's own file, whose size
// thereby tells how many were taken. Killed in between, the next daemon finds out from it what is
// done. One file, one batch at a time. Pump thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "core/base/unique_fd.h"
#include "core/model/ids.h"
#include "core/model/log_marks.h"
#include "daemon/logs/log_open.h"

namespace roost::daemon {

// Where the text of a batch stands; file {0, 0}: nowhere.
struct TextPlace {
  FileId file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

struct LineBatch {
  model::RunId run{};
  model::Stream stream = model::Stream::out;
  std::uint64_t bytes = 0;  // of the pipe
  std::array<TextPlace, 2> places{};
};

class LineLedger {
 public:
  using BootId = std::array<std::uint8_t, 16>;

  // A batch an earlier daemon was killed in.
  struct Unfinished {
    LineBatch batch;
    std::uint64_t taken = 0;  // of its bytes; more than 0: all of its text is written
  };

  // `boot`: of this boot of the machine; a batch of another one is about pipes that are gone.
  LineLedger(std::string directory, const BootId& boot)
      : directory_(std::move(directory)), boot_(boot) {}

  // Opens or makes the file, and looks for a batch that is not finished. Returns 0 or why not.
  [[nodiscard]] int open();

  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }

  [[nodiscard]] const std::optional<Unfinished>& unfinished() const { return unfinished_; }

  // Its text is written: takes what is left of its bytes. Returns 0, or why some are left.
  [[nodiscard]] int finish(int pipe);

  [[nodiscard]] std::string path() const { return directory_ + "/.ledger"; }

  // What was noted last is not to be carried out by anybody: none of its text counts, or nobody can
  // tell.
  void forget();
  // The apps' bytes in it are gone, unless a batch is not finished.
  void empty();

  // Before the text is written. Returns 0 or why not.
  [[nodiscard]] int note(const LineBatch& batch);
  // After: takes the bytes out of the pipe. What cannot be taken stays as unfinished().
  void take(int pipe, const LineBatch& batch);

 private:
  [[nodiscard]] int begin_anew();
  void find_unfinished();

  std::string directory_;
  UniqueFd fd_;
  std::uint64_t size_ = 0;  // of the file
  BootId boot_;
  std::optional<Unfinished> unfinished_;
};

}  // namespace roost::daemon
