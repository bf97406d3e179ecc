// The least a command and its daemon can be: one request and one answer over a Unix socket.
//   ask serve SOCKET       answers "SIZE\n" with SIZE bytes; several clients at once
//   ask get SOCKET SIZE    asks for SIZE bytes and writes them to standard output
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "common.h"

enum { kMaxReply = 1 << 20 };
static char buffer[kMaxReply];

static int make_socket(const char *path, struct sockaddr_un *address) {
  address->sun_family = AF_UNIX;
  strncpy(address->sun_path, path, sizeof address->sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  return fd;
}

static void answer(int fd) {
  char request[64];
  ssize_t got = read(fd, request, sizeof request - 1);
  if (got <= 0) {
    close(fd);
    return;
  }
  request[got] = '\0';
  size_t size = strtoull(request, NULL, 10);
  write_all(fd, buffer, size < kMaxReply ? size : kMaxReply);
}

static int serve(const char *path) {
  struct sockaddr_un address = {0};
  int listener = make_socket(path, &address);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0) fail(path);
  memset(buffer, 'x', sizeof buffer);
  int poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  while (epoll_wait(poller, &event, 1, -1) >= 0 || errno == EINTR) {
    if (event.data.fd != listener) {
      answer(event.data.fd);
      continue;
    }
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct epoll_event added = {.events = EPOLLIN, .data.fd = client};
    if (client >= 0) epoll_ctl(poller, EPOLL_CTL_ADD, client, &added);
  }
  return 1;
}

static int get(const char *path, const char *size_text) {
  struct sockaddr_un address = {0};
  int fd = make_socket(path, &address);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail(path);
  char request[64];
  int length = snprintf(request, sizeof request, "%s\n", size_text);
  write_all(fd, request, (size_t)length);
  for (size_t left = strtoull(size_text, NULL, 10); left > 0;) {
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got <= 0) fail("read");
    write_all(1, buffer, (size_t)got);
    left -= (size_t)got;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "serve") == 0) return serve(argv[2]);
  if (argc == 4 && strcmp(argv[1], "get") == 0) return get(argv[2], argv[3]);
  return 100;
}
