// Store: state.db behind a bounded queue on its own thread. Everything waiting is committed as one
// transaction per wake-up. The database is a durable copy, never the truth: what supervision needs
// is with the keeper, and a store that cannot write (disk full, I/O error) or has lost its file
// says so and keeps trying while supervision goes on.
//
// Failure, in short: who waits for a durable batch is told the error at once. What was to be
// written stays queued in either case and is tried again every `retry_every`, so that the file
// catches up with what the caller has in memory; a caller who takes the change back submits the
// opposite. When the queue reaches its cap, repeated puts of one key shrink to the newest, then the
// oldest exits are dropped (their `done` gets Errc::unavailable), then new batches are refused. A
// database that is corrupt, or whose file was removed, is replaced by a fresh one and reported as
// Problem::Kind::recreated: the caller submits its whole state again.
//
// One thread (the loop) calls all methods. Callbacks never run inside a call: they are handed to
// `post`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/model/ids.h"
#include "core/model/limits.h"
#include "store/records.h"

namespace roost::store {

enum class Durability : std::uint8_t {
  background,  // survives the death of the process once committed; a power cut may take the last
               // moments
  durable      // synced to the disk before `done` says success: the reply to a user's command
};

struct Problem {
  enum class Kind : std::uint8_t {
    recreated,  // the old file was corrupt (moved aside, see message) or gone: submit everything
                // again
    write_failing,   // first failure of a series
    write_resumed,   // the backlog is on disk again
    history_dropped  // the queue was full; `count` exits lost from the history so far
  };
  Kind kind = Kind::recreated;
  std::string message;  // ready for people
  std::uint64_t count = 0;
};

struct Options {
  std::string path;  // of state.db; its directory exists. Files are made 0600 whatever the umask
  // Runs a closure on the loop, in order; callable from the store thread until the Store is
  // destroyed.
  std::function<void(std::function<void()>)> post;
  // The same for answers that nobody waits for, those about background batches; empty: post.
  std::function<void(std::function<void()>)> post_later;
  std::function<void(Problem)> on_problem;  // on the loop; may be empty
  // Called by submit() when the first background batch begins to wait: the caller sees to it that
  // write_waiting() is called in a while. Empty: the thread wakes by itself, after `gather_for`.
  std::function<void()> on_waiting;
  Duration gather_for = 20ms;  // a background batch waits this long for company in its transaction
  Duration retry_every = 1s;   // after a failed write
  std::size_t queue_cap = model::limits::kStoreQueue;  // operations waiting; as many again may be
                                                       // on their way to the disk
  int exits_kept = model::limits::kExitsKeptPerInstance;
  std::string
      vfs;  // name of an SQLite VFS to go through; empty = the default one. The seam for faults
};

struct Stats {
  std::size_t queued = 0;  // operations waiting
  std::uint64_t commits = 0;
  std::uint64_t failed_commits = 0;
  std::uint64_t dropped_exits = 0;
  std::string last_error;   // empty while writing works
  Duration last_commit{0};  // how long the newest one took
  Duration slowest_commit{0};
};

class Store {
 public:
  using Done = std::function<void(Status)>;
  using ExitsDone = std::function<void(Result<std::vector<AddExit>>)>;
  using ChangesDone = std::function<void(Result<std::vector<AddChange>>)>;

  // Opens or makes the file, migrates it, checks it after an unclean end. A file of a newer schema
  // is refused with Errc::conflict; a corrupt one is moved aside to <path>.corrupt-<utc> (the
  // newest five are kept) and is not an error.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(Options options);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  // Commits what is queued (one attempt), posts the remaining callbacks, closes the file cleanly
  // and joins the thread.
  ~Store();

  // What open() found; handed over once, later calls give an empty one.
  [[nodiscard]] Snapshot load();
  // `done` may be empty. An empty batch succeeds when everything submitted before it is committed.
  void submit(Batch batch, Durability durability, Done done);
  // What waits is written now. From any thread.
  void write_waiting();
  // A background batch, from any thread. Unless `more_follow`, it is written now, with what waits.
  void record(Batch batch, bool more_follow);
  // Newest first, at most `limit`; sees everything committed before the call. Reads wait for the
  // store thread, not the loop.
  void recent_exits(model::InstanceId instance, std::uint32_t limit, ExitsDone done);
  void recent_exits(model::AppId app, std::uint32_t limit, ExitsDone done);
  // Newest first, at most `limit`: those from number `from` on with what they changed; where that
  // is 0, the newest without it.
  void changes(std::uint64_t from, std::uint32_t limit, ChangesDone done);
  // Gives back what SQLite keeps for the next time; `done` when that has happened.
  void release_memory(std::function<void()> done);
  [[nodiscard]] Stats stats() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost::store
