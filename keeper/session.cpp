#include "keeper/session.h"

#include <cstring>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/kill_point.h"

namespace roost::keeper {
namespace {

constexpr Millis kRetry = 20;

Message make(Type type, std::uint64_t key = 0, std::uint64_t seq = 0) {
  Message message;
  message.type = type;
  message.key = key;
  message.seq = seq;
  return message;
}

Message make(Type type, const TableRecord& record) {
  Message message = make(type, record.key);
  message.flags = record.flags & (kFdMask | kRunForeign | kRunExited);
  std::memcpy(message.label, record.label, kLabelBytes);
  return message;
}

}  // namespace

void Session::open(int socket, Millis now) {
  socket_ = socket;
  s_ = State{};
  s_.watchdog = pace_.watchdog;
  first_reply_ = replies_ = 0;
  table_.header.sent_seq = 0;
  ++table_.header.serial;
  opened_at_ = now;
  progress(now);
}

void Session::resume(int socket, Millis now) {
  socket_ = socket;
  s_ = State{};
  s_.watchdog = pace_.watchdog;
  s_.phase = Phase::ready;
  s_.greeted = true;
  s_.ping_at = now + pace_.ping;
  opened_at_ = now;
  progress(now);
  answer_upgrade(0, now);
}

void Session::close(Millis now) {
  ::shutdown(socket_, SHUT_RD);
  receive(Depth::all, now);
  ::close(socket_);
  if (s_.bell >= 0) ::close(s_.bell);
  socket_ = -1;
  const bool quit = s_.quit;
  s_ = State{};
  s_.quit = quit;
  replies_ = 0;
}

void Session::receive(Depth depth, Millis now) {
  Packet packet;
  if (now >= s_.look_at) s_.look_at = kNever;
  while (socket_ >= 0) {
    s_.unread = depth == Depth::polite && replies_ > kPoliteReplies;
    if (s_.unread) return;
    switch (receive_message(socket_, packet)) {
      case Got::message:
        handle(packet, now);
        break;
      case Got::ignored:
        break;
      case Got::nothing:
        return;
      case Got::end:
        return hang_up(now);
    }
  }
}

void Session::handle(Packet& packet, Millis now) {
  const Message& m = packet.message;
  switch (m.type) {
    case Type::register_run:
    case Type::adopt_run: {
      TableRecord* run = nullptr;
      const Verdict verdict = table_.put_run(packet, run);
      if (run != nullptr && (run->flags & kRunForeign) != 0) watch_foreign(run);
      kill_point("keeper.registered");
      return answer(m.key, verdict);
    }
    case Type::store:
      return answer(m.key, table_.put_entry(packet));
    case Type::ack_exit:
      table_.ack_exit(m.key, m.seq);
      return kill_point("keeper.acknowledged");
    case Type::drop:
      return table_.drop_entry(m.key);
    case Type::drop_fds:
      return table_.drop_run_fds(m.key, m.flags);
    case Type::put_specs:
      return table_.put_specs(packet);
    case Type::watchdog:
      s_.watchdog = m.value != 0;
      return;
    case Type::quit:
      s_.quit = true;
      return;
    case Type::upgrade:
      s_.upgrade = true;
      return;
    case Type::daemon_hello:
      take_bell(packet);
      return handle_answer(m, now);
    case Type::pong:
    case Type::window_ack:
      return handle_answer(m, now);
    case Type::hello:
    case Type::specs:
    case Type::entry:
    case Type::run:
    case Type::exit:
    case Type::window:
    case Type::ready:
    case Type::ping:
    case Type::not_kept:
    case Type::upgraded:
      return;
  }
}

void Session::take_bell(Packet& packet) {
  if ((packet.message.flags & kFdPidfd) == 0 || s_.bell >= 0 || epoll_ < 0) return;
  const int bell = packet.take();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // each ring is an edge: it need not be read
  event.data.u64 = kBellTag;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, bell, &event) == 0)
    s_.bell = bell;
  else
    ::close(bell);
}

void Session::handle_answer(const Message& m, Millis now) {
  if (m.type == Type::daemon_hello) s_.greeted = true;
  if (m.type == Type::window_ack && m.seq == s_.window) s_.window_out = false;
  if (m.type == Type::pong && m.seq == s_.ping) {
    s_.ping_out = false;
    s_.ping_at = s_.pinged_at + pace_.ping;
    s_.look_at = kNever;
    if (now - opened_at_ >= pace_.longest) kills_ = 0;
  }
  progress(now);
}

// Its death will be reported; a daemon that only closed the socket is useless and gets overdue.
void Session::hang_up(Millis now) {
  if (s_.hung_up) return;
  s_.hung_up = true;
  s_.answer_since = now;
}

// An answer came, or a part of the hand-over was sent: whatever is still owed counts from now.
void Session::progress(Millis now) {
  const bool owes = !ready() || s_.window_out || s_.ping_out || s_.hung_up;
  s_.answer_since = owes ? now : kNever;
}

void Session::answer(std::uint64_t key, Verdict verdict) {
  if (verdict != Verdict::stored) reply(Type::not_kept, key, static_cast<int>(verdict));
}

void Session::reply(Type type, std::uint64_t key, int value) {
  if (replies_ == kMaxReplies) {
    s_.overrun = true;
    return;
  }
  queue_[(first_reply_ + replies_++) % kMaxReplies] = Reply{key, value, type};
}

bool Session::take_upgrade_request() {
  const bool asked = s_.upgrade && idle() && !s_.quit;
  if (asked) s_.upgrade = false;
  return asked;
}

void Session::answer_upgrade(int value, Millis now) {
  reply(Type::upgraded, 0, value);
  pump(now);
}

void Session::watch_foreign(TableRecord* run) {
  if (epoll_ < 0) return;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kFirstRunTag + table_.runs.position_of(run);
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, run->fds[0], &event);
}

void Session::pump(Millis now) {
  s_.full = false;
  s_.retry_at = kNever;
  while (socket_ >= 0 && !s_.hung_up && step(now)) {
  }
}

// One message at most; false when there is nothing to send or it cannot be sent now.
bool Session::step(Millis now) {
  if (replies_ > 0) return step_replies(now);
  if (s_.phase < Phase::exits) return !s_.window_out && step_hand_over(now);
  if (step_exits(now)) return true;
  if (s_.full || s_.retry_at != kNever || s_.hung_up) return false;
  if (s_.phase == Phase::ready) return step_ping(now);
  if (!send(make(Type::ready, 0, table_.header.reaped), nullptr, now)) return false;
  s_.phase = Phase::ready;
  s_.ping_at = now + pace_.ping;
  progress(now);
  return true;
}

bool Session::step_replies(Millis now) {
  const Reply& next = queue_[first_reply_];
  Message message = make(next.type, next.key);
  message.value = next.value;
  message.status = kProtocolVersion;
  if (!send(message, nullptr, now)) return false;
  --replies_;
  first_reply_ = replies_ == 0 ? 0 : (first_reply_ + 1) % kMaxReplies;  // stay in the first page
  return true;
}

bool Session::step_hand_over(Millis now) {
  if (s_.in_window >= kWindow) {
    if (!send(make(Type::window, 0, s_.window + 1), nullptr, now)) return false;
    ++s_.window;
    s_.in_window = 0;
    s_.window_out = true;
    progress(now);
    kill_point("keeper.hand-over");
    return true;
  }
  if (s_.phase == Phase::entries) return hand_over(table_.entries, Type::entry, Phase::runs, now);
  if (s_.phase == Phase::runs) return hand_over(table_.runs, Type::run, Phase::exits, now);
  Message message = make(Type::hello, table_.header.epoch, table_.header.serial);
  message.value = kProtocolVersion;
  message.status = static_cast<std::int32_t>(table_.runs.capacity());
  message.flags = pace_.descriptors;
  const int* fd = nullptr;
  if (s_.phase == Phase::specs) {
    message = make(Type::specs);
    message.flags = 1;
    fd = &table_.header.specs_fd;
  }
  const bool needed = fd == nullptr || *fd >= 0;
  const int fds[kMaxRunFds] = {fd != nullptr ? *fd : -1, -1, -1, -1, -1};
  if (needed && !send(message, fds, now)) return false;
  s_.phase = s_.phase == Phase::hello ? Phase::specs : Phase::entries;
  return true;
}

bool Session::hand_over(const Shelf& shelf, Type type, Phase next, Millis now) {
  const TableRecord* record = shelf.at_or_after(s_.cursor);
  if (record == nullptr) {
    s_.phase = next;
    s_.cursor = 0;
    return true;
  }
  if (!send(make(type, *record), record->fds, now)) return false;
  ++s_.cursor;
  ++s_.in_window;
  progress(now);
  return true;
}

bool Session::step_exits(Millis now) {
  std::uint64_t& sent = table_.header.sent_seq;
  if (sent + 1 >= table_.header.next_seq) return false;
  const TableRecord* run = table_.runs.find_exit_after(sent);
  if (run == nullptr) {
    sent = table_.header.next_seq - 1;
    return false;
  }
  Message message = make(Type::exit, *run);
  message.seq = run->exit_seq;
  message.value = run->code;
  message.status = run->status;
  if (!send(message, nullptr, now)) return false;
  sent = run->exit_seq;
  if (!ready()) progress(now);
  return true;
}

bool Session::step_ping(Millis now) {
  if (!s_.ping_out && s_.watchdog && table_.runs.used() > 0 && now >= s_.ping_at) {
    ++s_.ping;
    s_.ping_out = true;
    s_.ping_sent = false;
    s_.pinged_at = now;
    progress(now);  // from now on, even if it cannot be sent: the daemon does not read then
  }
  if (!s_.ping_out || s_.ping_sent) return false;
  s_.ping_sent = send(make(Type::ping, 0, s_.ping), nullptr, now);
  if (s_.ping_sent && s_.bell >= 0) s_.look_at = now + pace_.ping;
  return s_.ping_sent;
}

bool Session::send(const Message& message, const int* fds, Millis now) {
  switch (send_message(socket_, message, fds)) {
    case Sent::done:
      return true;
    case Sent::full:
      s_.full = true;
      return false;
    case Sent::later:
      s_.retry_at = now + kRetry;
      return false;
    case Sent::broken:
      hang_up(now);
      return false;
  }
  return false;
}

bool Session::overdue(Millis now) const {
  return socket_ >= 0 && (s_.overrun || now >= answer_deadline());
}

void Session::was_killed(Millis now) {
  ++kills_;
  s_.overrun = false;
  s_.answer_since = now;
}

Millis Session::answer_deadline() const {
  if (s_.answer_since == kNever || (!s_.watchdog && !s_.hung_up)) return kNever;
  Millis limit = pace_.answer << (kills_ < 8 ? kills_ : 8);
  if (limit > pace_.longest) limit = pace_.longest;
  if (!ready()) limit += limit / 4;
  return s_.answer_since + limit;
}

Millis Session::next_deadline() const {
  if (socket_ < 0) return kNever;
  Millis next = answer_deadline();
  if (s_.retry_at < next) next = s_.retry_at;
  if (s_.look_at < next) next = s_.look_at;
  const bool pings = s_.phase == Phase::ready && s_.watchdog && !s_.ping_out;
  if (pings && table_.runs.used() > 0 && s_.ping_at < next) next = s_.ping_at;
  return next;
}

std::uint32_t Session::interest() const {
  if (s_.hung_up) return 0;
  const bool watched = s_.bell < 0 && replies_ <= kPoliteReplies;
  return (watched ? EPOLLIN : 0U) | (s_.full ? EPOLLOUT : 0U);
}

}  // namespace roost::keeper
