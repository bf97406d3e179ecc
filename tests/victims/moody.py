"""An HTTP server with moods: moody.py PORT_FILE MOOD_FILE. The mood, read at each request: ok, bad (503), hang, private (401 for all but user:p@ss)."""
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT_FILE, MOOD_FILE = sys.argv[1:3]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            with open(MOOD_FILE, encoding="ascii") as file:
                mood = file.read().strip()
        except FileNotFoundError:
            mood = "ok"
        if mood == "hang":
            os.read(os.pipe()[0], 1)
        if mood == "private":
            known = self.headers["Authorization"] == "Basic dXNlcjpwQHNz"
            self.send_response(200 if known else 401)
        else:
            self.send_response(200 if mood == "ok" else 503, "OK" if mood == "ok" else "Sulking")
        self.end_headers()
        if mood == "bad":
            self.wfile.write(b"the database\nis slow")

    def log_message(self, *_):
        pass


port = int(open(PORT_FILE, encoding="ascii").read()) if os.path.exists(PORT_FILE) else 0
server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
if not port:
    with open(PORT_FILE, "w", encoding="ascii") as file:
        file.write(str(server.server_address[1]))
server.serve_forever()
