// http_load PORT KEPT FRESH RATE: KEPT threads on kept connections and FRESH threads with a
// connection for each request, RATE requests a second each, to 127.0.0.1. Ends when stdin ends, and
// prints one JSON object that tells failures apart.
#include "counter.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

enum outcome { good, no_connection, reset, timed_out, bad_answer, kinds };

static const char* const names[kinds] = {"ok", "no_connection", "reset", "timed_out", "bad_answer"};
static volatile uint64_t counts[kinds];
static volatile int stopping;
static uint16_t port;
static uint64_t gap_ns;

static int connect_to(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval limit = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// Reads one answer with a Content-Length.
static enum outcome read_answer(int fd) {
  char buffer[4096];
  size_t used = 0;
  for (;;) {
    ssize_t n = recv(fd, buffer + used, sizeof buffer - 1 - used, 0);
    if (n < 0) return errno == EAGAIN ? timed_out : reset;
    if (n == 0) return reset;
    used += (size_t)n;
    buffer[used] = '\0';
    const char* body = strstr(buffer, "\r\n\r\n");
    if (body == NULL) continue;
    const char* length = strcasestr(buffer, "content-length:");
    if (strncmp(buffer, "HTTP/1.1 200", 12) != 0 || length == NULL) return bad_answer;
    if (used >= (size_t)(body + 4 - buffer) + strtoul(length + 15, NULL, 10)) return good;
    if (used == sizeof buffer - 1) return bad_answer;
  }
}

static enum outcome request(int fd, int keep) {
  char text[128];
  int size =
      snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n",
               keep ? "keep-alive" : "close");
  if (send(fd, text, (size_t)size, MSG_NOSIGNAL) != size) return reset;
  return read_answer(fd);
}

static void* run(void* argument) {
  int keep = argument != NULL, fd = -1;
  for (uint64_t due = now_ns(); !stopping; due += gap_ns) {
    for (uint64_t now; (now = now_ns()) < due && !stopping;) {
      struct timespec pause = {.tv_nsec = (long)(due - now < 50000000U ? due - now : 50000000U)};
      nanosleep(&pause, NULL);
    }
    if (stopping) break;
    if (fd < 0) fd = connect_to();
    enum outcome result = fd < 0 ? no_connection : request(fd, keep);
    __sync_fetch_and_add(&counts[result], 1);
    if (fd >= 0 && (!keep || result != good)) {
      close(fd);
      fd = -1;
    }
  }
  if (fd >= 0) close(fd);
  return NULL;
}

int main(int argc, char** argv) {
  if (argc < 5) return 100;
  port = (uint16_t)atoi(argv[1]);
  int kept = atoi(argv[2]), fresh = atoi(argv[3]), all = kept + fresh;
  gap_ns = 1000000000U / strtoull(argv[4], NULL, 10);
  pthread_t threads[64];
  if (all > 64) return 100;
  for (int i = 0; i < all; i++)
    pthread_create(&threads[i], NULL, run, i < kept ? (void*)1 : NULL);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  stopping = 1;
  for (int i = 0; i < all; i++)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < kinds; i++)
    printf("%s\"%s\": %llu", i ? ", " : "{", names[i], (unsigned long long)counts[i]);
  printf("}\n");
  return 0;
}
