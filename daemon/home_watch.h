// HomeWatch: sees that a file which others find us by is gone, with its directory or alone, and has
// it made again. Sleeps until something happens in the directory (inotify). Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/unique_fd.h"
#include "core/loop/poll.h"
#include "core/loop/timer.h"

namespace roost::daemon {

class HomeWatch {
 public:
  // `restore` makes the file again; false: not now, it is tried again while the file is missing.
  HomeWatch(loop::Loop& loop, std::string file, std::function<bool()> restore);

  // From now on; the file is there.
  void start();
  // From now on by looking, four times a second. To be called some time before the end: the kernel
  // takes 20 ms to forget a watch, and closing it, be it by the end of the process, waits for that.
  void unwatch();

 private:
  void on_event();
  void look();
  void watch();
  [[nodiscard]] bool is_in_place() const;

  loop::Loop& loop_;
  std::string file_;
  std::function<bool()> restore_;
  UniqueFd inotify_;
  int number_ = -1;  // of the watch
  bool watching_ = true;
  std::unique_ptr<loop::Poll> poll_;
  loop::Timer again_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

}  // namespace roost::daemon
