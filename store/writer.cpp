#include "store/writer.h"

#include <algorithm>
#include <utility>

namespace roost::store {
namespace {

Durability strongest(const std::deque<PendingBatch>& batches) {
  const bool durable = std::any_of(batches.begin(), batches.end(), [](const PendingBatch& batch) {
    return batch.durability == Durability::durable;
  });
  return durable ? Durability::durable : Durability::background;
}

}  // namespace

Writer::Writer(FileOptions options, OpenedFile file)
    : options_(std::move(options)),
      db_(std::move(file.db)),
      check_later_(file.check_later),
      lost_(file.why) {
  if (!file.recreated.empty()) recreated_ = std::move(file.recreated);
}

Status Writer::ensure_open() {
  if (db_ != nullptr && db_->is_in_place()) return ok();
  if (db_ != nullptr) {
    db_.reset();
    lost_ = "'" + options_.path + "' was removed or replaced; made again";
  }
  Result<OpenedFile> file = open_state_file(options_);
  if (!file) return std::move(file).error();
  if (file->db == nullptr) return Error{Errc::io, "'" + options_.path + "': " + file->why, {}};
  db_ = std::move(file->db);
  recreated_ = file->recreated.empty() ? std::exchange(lost_, {}) : std::move(file->recreated);
  return ok();
}

std::optional<std::string> Writer::take_recreated() {
  return std::exchange(recreated_, std::nullopt);
}

void Writer::check_late() {
  if (!std::exchange(check_later_, false) || db_ == nullptr) return;
  if (classify(db_->quick_check()) == SqlFault::corrupt) drop_damaged("found by a check");
}

// The next ensure_open() makes a fresh one. When the file cannot be moved, it fails again there and
// is reported.
void Writer::drop_damaged(const std::string& why) {
  db_.reset();
  const Result<std::string> aside = move_aside(options_.path);
  lost_ = "'" + options_.path + "' was damaged (" + why + ")";
  lost_ += aside ? "; moved to '" + *aside + "'" : "; " + aside.error().message;
}

Status Writer::write(std::deque<PendingBatch>& batches, std::vector<Refused>& refused) {
  for (;;) {
    if (Status open = ensure_open(); !open) return open;
    std::optional<std::size_t> culprit;
    const int code = write_once(batches, culprit);
    if (code == SQLITE_OK) return ok();
    Error error = db_->error(code);
    db_->rollback();
    if (culprit && classify(code) == SqlFault::refused) {
      const auto at = batches.begin() + static_cast<std::ptrdiff_t>(*culprit);
      refused.push_back({std::move(at->done), std::move(error)});
      batches.erase(at);
      continue;
    }
    if (classify(code) == SqlFault::corrupt) drop_damaged(error.message);
    return error;
  }
}

int Writer::write_once(const std::deque<PendingBatch>& batches,
                       std::optional<std::size_t>& culprit) {
  int code = db_->begin(strongest(batches));
  if (code != SQLITE_OK) return code;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    for (const Op& op : batches[i].ops) {
      code = db_->apply(op);
      if (code == SQLITE_OK) continue;
      culprit = i;
      return code;
    }
  }
  return db_->commit();
}

Error Writer::not_open() const {
  return Error{Errc::unavailable, "'" + options_.path + "' is not open: " + lost_, {}};
}

Error Writer::on_read_failed(int code) {
  Error error = db_->error(code);
  if (classify(code) == SqlFault::corrupt) drop_damaged(error.message);
  return error;
}

}  // namespace roost::store
