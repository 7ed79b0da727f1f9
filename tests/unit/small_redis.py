"""A Redis inside a test: it answers words as given and notes what it was asked."""

from __future__ import annotations

import contextlib
import fnmatch
import re
import socketserver
import threading

OK, NIL, PONG = b"+OK\r\n", b"$-1\r\n", b"+PONG\r\n"
WRONG = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


def bulk(data):
    return b"$%d\r\n%b\r\n" % (len(data), data)


def listed(*items):
    return b"*%d\r\n" % len(items) + b"".join(items)


class Keys:
    """A Redis of string keys; answers: words → what is answered to them instead."""

    INFO = "role:master\r\nrdb_last_bgsave_status:ok\r\nused_memory:1048576\r\n"

    def __init__(self, keys=None, answers=None, info=INFO):
        self.keys, self.answers, self.info = dict(keys or {}), answers or {}, info

    def get(self, text, unknown):
        command, *words = text.split(" ")
        if text in self.answers:
            return self.answers[text]
        known = {
            "PING": lambda: PONG,
            "AUTH": lambda: OK,
            "SELECT": lambda: OK,
            "INFO": lambda: bulk(f"# All\r\n{self.info}db0:keys={len(self.keys)},expires=0\r\n".encode()),
            "CONFIG": lambda: listed(bulk(words[1].encode()), bulk(b"yes" if "stop" in words[1] else b"3600 1")),
            "DBSIZE": lambda: b":%d\r\n" % len(self.keys),
            "GET": lambda: self._value(words[0]),
            "MGET": lambda: listed(*map(self._value, words)),
            "SET": lambda: self.keys.update({words[0]: words[1]}) or OK,
            "DEL": lambda: b":%d\r\n" % sum(self.keys.pop(word, None) is not None for word in words),
            "SCAN": lambda: listed(bulk(b"0"), listed(*(bulk(key.encode()) for key in self._fitting(words)))),
        }
        return known[command]() if command in known else unknown

    def _value(self, key):
        return bulk(self.keys[key].encode()) if key in self.keys else NIL

    def _fitting(self, words):
        pattern = words[words.index("MATCH") + 1]
        pattern = re.sub(r"\\(.)", r"[\1]", pattern)
        return [key for key in self.keys if fnmatch.fnmatchcase(key, pattern)]


@contextlib.contextmanager
def serving_redis(answers, path=None, broken=(), tls=None):
    """Answer as given; yield (where as options of a client, what was asked); close the first broken connections.

    tls: the context of a server that speaks nothing else.
    """
    asked, closing = [], list(broken)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            if closing and closing.pop():
                return
            while True:
                head = self.rfile.readline()
                if not head:
                    return
                words = []
                for _number in range(int(head[1:])):
                    size = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(size + 2)[:-2].decode())
                if words[0] != "CLIENT":  # the library introduces itself
                    asked.append(" ".join(words))
                unknown = b"-ERR unknown command\r\n"
                self.wfile.write(OK if words[0] == "CLIENT" else answers.get(" ".join(words), unknown))

    base = socketserver.UnixStreamServer if path else socketserver.TCPServer
    kind = type("Server", (socketserver.ThreadingMixIn, base), {"daemon_threads": True, "block_on_close": False})
    made = kind(str(path) if path else ("127.0.0.1", 0), Handler)
    if tls is not None:
        made.socket = tls.wrap_socket(made.socket, server_side=True)
        made.handle_error = lambda *_about: None  # a client that does not trust it hangs up
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield {"unix_socket_path": str(path)} if path else {"host": "127.0.0.1", "port": made.server_address[1]}, asked
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def place(where, inside=6379):
    """Return a server's place as a container publishes it; inside: its port in the container."""
    return {f"{inside}/tcp": (where["host"], where["port"])}
