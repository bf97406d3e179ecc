// Writer: the database end of the store thread. Writes batches as one transaction, answers
// questions, and replaces a database that is damaged or was removed by a fresh one. Knows no queue,
// thread or clock.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "store/state_file.h"
#include "store/write_queue.h"

namespace roost::store {

class Writer {
 public:
  Writer(FileOptions options, OpenedFile file);

  struct Refused {  // a batch that can never be written, for example by a broken constraint
    Store::Done done;
    Error error;
  };

  // All of `batches`, or nothing: on failure they are left for another time, without those that can
  // never be written, which are moved to `refused` in either case.
  [[nodiscard]] Status write(std::deque<PendingBatch>& batches, std::vector<Refused>& refused);

  // `query` gets an open database and a code to set.
  template <class Query>
  [[nodiscard]] auto read(const Query& query)
      -> Result<decltype(query(std::declval<StateDb&>(), std::declval<int&>()))> {
    if (db_ == nullptr) return not_open();
    int code = SQLITE_OK;
    auto rows = query(*db_, code);
    if (code == SQLITE_OK) return rows;
    return on_read_failed(code);
  }

  // Opens the file if it is not open, makes it if it is not there.
  [[nodiscard]] Status ensure_open();
  // The check that was too long for the start of the program.
  void check_late();

  [[nodiscard]] bool is_open() const { return db_ != nullptr; }

  [[nodiscard]] const std::string& why_not_open() const { return lost_; }

  // Why a fresh database took the place of the old one since the last call: its content is gone.
  [[nodiscard]] std::optional<std::string> take_recreated();

 private:
  int write_once(const std::deque<PendingBatch>& batches, std::optional<std::size_t>& culprit);
  void drop_damaged(const std::string& why);
  [[nodiscard]] Error not_open() const;
  [[nodiscard]] Error on_read_failed(int code);

  FileOptions options_;
  std::unique_ptr<StateDb> db_;
  bool check_later_ = false;
  std::string lost_;  // why there is no db_, or what was in it is gone
  std::optional<std::string> recreated_;
};

}  // namespace roost::store
