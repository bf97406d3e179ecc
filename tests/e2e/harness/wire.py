"""The protocol once more, in Python, so that both sides cannot be wrong together. See docs/protocol.md."""
import json
import os
import socket
import struct

REQUEST, RESULT, ERROR, DOCUMENT, EVENT = 1, 2, 3, 4, 5
HEADER = struct.Struct("<IBBHI")
MORE = 1


def frame(kind, number, payload, flags=0):
    if isinstance(payload, str):
        payload = payload.encode()
    return HEADER.pack(len(payload), kind, flags, 0, number) + payload


def request(number, method, params=None):
    return frame(REQUEST, number, json.dumps({"method": method, "params": params or {}}))


class Closed(Exception):
    pass


class Connection:
    """A raw client. Everything it can receive is checked against the format."""

    def __init__(self, path, timeout=10.0, hello=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.socket.settimeout(timeout)
        self.buffer = b""
        directory, name = os.path.split(path)
        fd = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        try:  # homes deeper than sun_path allows
            self.socket.connect(f"/proc/self/fd/{fd}/{name}")
        finally:
            os.close(fd)
        self.number = 0
        if hello:
            self.hello = self.call("hello", {"protocol": 1, "version": "test", "pid": os.getpid()})

    def send(self, data):
        self.socket.sendall(data)

    def _read(self, size):
        while len(self.buffer) < size:
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError as error:
                raise Closed() from error
            if not data:
                raise Closed()
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def read_frame(self):
        size, kind, flags, zero, number = HEADER.unpack(self._read(HEADER.size))
        assert zero == 0 and kind in (RESULT, ERROR, DOCUMENT, EVENT) and flags & ~MORE == 0 and size <= 65536
        return kind, flags, number, self._read(size)

    def read_message(self, number):
        """(type, payload) of the next message with this id; keep-alive events are skipped."""
        whole = b""
        while True:
            kind, flags, got, payload = self.read_frame()
            if kind == EVENT and got == 0:
                continue
            assert got == number, f"an answer to request {got}, not {number}"
            whole += payload
            if not flags & MORE:
                return kind, whole

    def call_raw(self, method, params=None):
        self.number += 1
        self.send(request(self.number, method, params))
        return self.read_message(self.number)

    def call(self, method, params=None):
        kind, payload = self.call_raw(method, params)
        answer = json.loads(payload)
        if kind == ERROR:
            raise WireError(answer)
        return answer

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class WireError(Exception):
    def __init__(self, answer):
        super().__init__(f"{answer.get('code')}: {answer.get('message')}")
        self.code = answer.get("code")
        self.message = answer.get("message", "")
        self.hint = answer.get("hint", "")
