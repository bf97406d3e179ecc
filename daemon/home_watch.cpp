#include "daemon/home_watch.h"

#include <array>
#include <utility>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loop/loop.h"
#include "daemon/log.h"

namespace roost::daemon {
namespace {

constexpr Duration kTryAgain = 250ms;
constexpr Duration kSettled = 500ms;  // after the last event: who deletes a directory does not want
                                      // files made in it meanwhile
constexpr std::uint32_t kEvents = IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

HomeWatch::HomeWatch(loop::Loop& loop, std::string file, std::function<bool()> restore)
    : loop_(loop),
      file_(std::move(file)),
      restore_(std::move(restore)),
      again_(loop, [this] { look(); }) {}

void HomeWatch::start() {
  struct stat st {};

  if (::lstat(file_.c_str(), &st) == 0) {
    device_ = st.st_dev;
    inode_ = st.st_ino;
  }
  if (watching_)
    watch();
  else
    again_.start(kTryAgain);
}

// Anew for each directory of that name.
void HomeWatch::watch() {
  poll_.reset();
  inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::string directory = file_.substr(0, file_.rfind('/'));
  if (inotify_) number_ = ::inotify_add_watch(inotify_.get(), directory.c_str(), kEvents);
  if (!inotify_ || number_ < 0)
    return log_warning("home", errno_error("watching '" + directory + "'", errno).message);
  poll_ = std::make_unique<loop::Poll>(loop_, inotify_.get(), [this](unsigned) { on_event(); });
  (void)poll_->start(loop::Poll::readable);  // an inotify can always be polled
}

void HomeWatch::unwatch() {
  if (!std::exchange(watching_, false)) return;
  poll_.reset();
  if (inotify_ && number_ >= 0) (void)::inotify_rm_watch(inotify_.get(), number_);
  again_.start(kTryAgain);
}

void HomeWatch::on_event() {
  std::array<char, 4096> events;  // NOLINT: only that there were some counts
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  again_.start(kSettled);
}

bool HomeWatch::is_in_place() const {
  struct stat st {};

  return ::lstat(file_.c_str(), &st) == 0 && st.st_dev == device_ && st.st_ino == inode_;
}

void HomeWatch::look() {
  if (is_in_place()) {
    if (!watching_) again_.start(kTryAgain);
    return;
  }
  if (!restore_()) return again_.start(kTryAgain);
  log_warning("home", "'" + file_ + "' was gone, and is made again");
  start();
}

}  // namespace roost::daemon
