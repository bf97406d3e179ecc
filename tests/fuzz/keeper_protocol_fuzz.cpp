// The keeper's session fed with datagrams from a hostile daemon: nothing may crash, leak a
// descriptor or exceed the table.
#include <cstdlib>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/session.h"

using namespace roost::keeper;

namespace {

void clear(Shelf& shelf) {
  std::uint32_t at = 0;
  while (TableRecord* record = shelf.at_or_after(at))
    shelf.remove(record);
}

void clear(Table& table) {
  clear(table.runs);
  clear(table.entries);
  if (table.header.specs_fd >= 0) ::close(table.header.specs_fd);
  table.header = TableHeader{};
}

int lowest_free(int any) {
  const int fd = ::dup(any);
  ::close(fd);
  return fd;
}

// One message: a type, then as much of a Message as the input has.
void send_one(int socket, const std::uint8_t*& data, std::size_t& size, int null) {
  Message message;
  const std::size_t take = size < 48 ? size : 48;
  std::memcpy(reinterpret_cast<char*>(&message) + sizeof message.magic, data, take);
  data += take;
  size -= take;
  message.key %= 8;
  message.value %= 4;  // pids of strangers
  const int fds[kMaxRunFds] = {null, null, null, null, null};
  (void)send_message(socket, message, fds);  // may be full: the session does not read then
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Table table;
  static const bool opened = table.open(6, 6);
  static const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int before = lowest_free(null);
  int ends[2];
  if (!opened || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  auto session = std::make_unique<Session>(table, -1, Pace{});
  Millis now = 1;
  session->open(ends[0], now);
  Packet out;
  while (size > 0) {
    now += *data * 16U;
    if (*data % 4 == 0) {
      std::uint32_t at = *data % 6;
      TableRecord* run = table.runs.at_or_after(at);
      if (run != nullptr && run->exit_seq == 0) table.record_exit(run, {1, 0});
    }
    send_one(ends[1], data, size, null);
    session->receive(Session::Depth::polite, now);
    session->pump(now);
    (void)session->overdue(now);
    (void)session->take_upgrade_request();
    if (session->next_deadline() < now && !session->overdue(now)) session->pump(now);
    while (receive_message(ends[1], out) == Got::message) {
    }
    if (table.runs.used() > 6 || table.entries.used() > 6) std::abort();
  }
  session->close(now);
  ::close(ends[1]);
  out.clear();
  clear(table);
  if (lowest_free(null) != before) std::abort();  // a descriptor was left open
  return 0;
}
