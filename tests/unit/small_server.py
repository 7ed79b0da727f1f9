"""Servers inside a test: what a library and its stand-in ask them is noted, what they answer is given."""

from __future__ import annotations

import contextlib
import http.server
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Reply:
    """An answer: raw bytes stand in place of all of it, later ones follow after a moment."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] | None = None
    raw: bytes | None = None
    later: bytes = b""


def as_json(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


class Notes:
    """What was asked: (method, path, sorted query, body), and the connections that were made."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, list[tuple[str, str]], Any]] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0


class _Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Tcp(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextlib.contextmanager
def serve(answers: dict[str, Reply], path: Path | None = None) -> Iterator[tuple[str, Notes]]:
    """Answer ``METHOD /path`` as given, on a socket at path or on a port; yield (address, what was asked)."""
    notes = Notes()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            notes.connections += 1
            super().setup()

        def address_string(self) -> str:
            return "test"

        def log_message(self, *_about: Any) -> None:
            pass

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = self.headers.get("Content-Type", "")
            notes.asked.append(
                (self.command, parts.path, sorted(parse_qsl(parts.query)), json.loads(body) if "json" in kind else body)
            )
            notes.headers.append({name.lower(): value for name, value in self.headers.items()})
            reply = answers.get(f"{self.command} {parts.path}", as_json({"message": "no answer in this test"}, 500))
            if reply.raw is not None:
                self.wfile.write(reply.raw)
                time.sleep(0.05 if reply.later else 0)
                self.wfile.write(reply.later)
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.chunks is not None:
                self.send_header("Transfer-Encoding", "chunked")
            elif "Content-Length" not in reply.headers and reply.status not in (204, 304):
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if reply.chunks is None:
                self.wfile.write(reply.body)
                self.close_connection = self.close_connection or "Content-Length" in reply.headers
                return
            for chunk in [*reply.chunks, b""]:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # names of the standard library

    server: Any = _Unix(str(path), Handler) if path else _Tcp(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield (f"unix://{path}" if path else f"http://127.0.0.1:{server.server_address[1]}"), notes
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
