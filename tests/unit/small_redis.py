"""A Redis inside a test: it answers words as given and notes what it was asked."""

from __future__ import annotations

import contextlib
import socketserver
import threading

OK, NIL, PONG = b"+OK\r\n", b"$-1\r\n", b"+PONG\r\n"
WRONG = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


def bulk(data):
    return b"$%d\r\n%b\r\n" % (len(data), data)


def listed(*items):
    return b"*%d\r\n" % len(items) + b"".join(items)


@contextlib.contextmanager
def serving_redis(answers, path=None, broken=()):
    """Answer as given; yield (where as options of a client, what was asked); close the first broken connections."""
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
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield {"unix_socket_path": str(path)} if path else {"host": "127.0.0.1", "port": made.server_address[1]}, asked
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def place(where):
    """Return a server's place as a container publishes it."""
    return {"6379/tcp": (where["host"], where["port"])}
