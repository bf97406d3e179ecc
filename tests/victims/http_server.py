"""PORT from the environment (0: any); appends "PID PORT" to the file in argv[1]."""
import http.server
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"python %d\n" % os.getpid()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 511
    daemon_threads = True


server = Server(("127.0.0.1", int(os.environ.get("PORT", "0"))), Handler)
with open(sys.argv[1], "a", encoding="ascii") as record:
    record.write(f"{os.getpid()} {server.server_address[1]}\n")
print("listening", flush=True)
server.serve_forever()
