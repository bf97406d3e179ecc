// relay_uv DIRECTORY COUNT PROGRAM [ARGS…]: COUNT children started with libuv; what each writes to stdout goes to DIRECTORY/<i>.log. The least
// a log-keeping manager on this library can do. Says "done" when all are started, ends with its standard input, and all children with it.
#include <signal.h>
#include <uv.h>
#include "common.h"

struct child {
  uv_process_t process;
  uv_pipe_t out;
  int log;
};

static struct child *children;
static int count;
static char block[65536];

static void give_block(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
  (void)handle;
  (void)size;
  *buffer = uv_buf_init(block, sizeof block);
}

static void on_output(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
  if (got > 0) write_all(((struct child *)stream->data)->log, buffer->base, (size_t)got);
  else if (got < 0) uv_read_stop(stream);
}

static void on_input(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
  (void)stream;
  (void)buffer;
  if (got >= 0) return;
  for (int i = 0; i < count; i++)
    uv_process_kill(&children[i].process, SIGKILL);
  exit(0);
}

static void start(struct child *child, int index, char **argv) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%d.log", argv[1], index);
  child->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (child->log < 0) fail(path);
  uv_pipe_init(uv_default_loop(), &child->out, 0);
  child->out.data = child;
  uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                   {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->out},
                                   {.flags = UV_IGNORE}};
  uv_process_options_t options = {.file = argv[3], .args = argv + 3, .stdio = stdio, .stdio_count = 3, .flags = UV_PROCESS_DETACHED};
  int error = uv_spawn(uv_default_loop(), &child->process, &options);
  if (error != 0) {
    fprintf(stderr, "uv_spawn: %s\n", uv_strerror(error));
    exit(100);
  }
  uv_read_start((uv_stream_t *)&child->out, give_block, on_output);
}

int main(int argc, char **argv) {
  if (argc < 4) return 100;
  count = atoi(argv[2]);
  children = calloc((size_t)count, sizeof *children);
  for (int i = 0; i < count; i++)
    start(&children[i], i, argv);
  uv_pipe_t input;
  uv_pipe_init(uv_default_loop(), &input, 0);
  uv_pipe_open(&input, 0);
  uv_read_start((uv_stream_t *)&input, give_block, on_input);
  write_all(1, "done\n", 5);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
