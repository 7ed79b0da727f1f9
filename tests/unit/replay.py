"""A tiny HTTP server on loopback that answers as recorded, and the reading of the recordings."""

from __future__ import annotations

import contextlib
import functools
import ssl
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

UNIT = Path(__file__).resolve().parent
STACK_FIXTURES = UNIT.parent / "stack" / "contract" / "fixtures"
UNSENT = ("date", "connection", "content-length", "transfer-encoding")


class Answer:
    """One answer: status, headers, body."""

    def __init__(self, status=200, body=b"", headers=()):
        self.status, self.body, self.headers = status, body, list(headers)


def recorded(version, name):
    """Return the answer of a recording of a real Kong, ``3.9.1`` and ``003-GET-status`` for instance."""
    folder = STACK_FIXTURES if version == "3.9.1" else UNIT / "recordings"
    text = (folder / version / f"{name}.http").read_text(encoding="utf-8")
    head, _unused, body = text.split("\n# response  (", 1)[1].partition("\n\n")
    lines = head.splitlines()[1:]
    pairs = [(key, value.strip()) for key, _unused, value in (line.partition(":") for line in lines[1:])]
    headers = [(key, value) for key, value in pairs if key.lower() not in UNSENT]
    return Answer(int(lines[0].split()[1]), body.strip().encode(), headers)


def masking_chain(name):
    """Return the answer of a recording through nginx and Kong with the masking plugin, with every header.

    Whole JSON was laid out for reading when it was recorded; what was cut is there byte for byte.
    """
    text = (STACK_FIXTURES / "e2e-masking" / "3.9.1" / f"{name}.http").read_text(encoding="utf-8")
    head, _unused, body = text.split("\n# response  (", 1)[1].partition("\n\n")
    lines = head.splitlines()[1:]
    pairs = [(key, value.strip()) for key, _unused, value in (line.partition(":") for line in lines[1:])]
    return Answer(int(lines[0].split()[1]), body.removesuffix("\n").encode(), pairs)


def waits(*_request):
    """Answer as a Kong whose provider drops packets: the request is taken, and nothing comes for a long time."""
    time.sleep(1.5)


class _Handler(BaseHTTPRequestHandler):
    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        answer = self.server.answers.get((self.command, self.path.split("?")[0]))
        if callable(answer):
            answer = answer(self.path, body)
        if answer is None:
            self.close_connection = True  # closed without a word
            return
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _answer  # noqa: N815  # the names that http.server calls

    def log_message(self, *_args):
        """Nothing on stderr."""


class _Server(ThreadingHTTPServer):
    """Takes as many connections at once as checks are made."""

    request_queue_size = 64


@functools.cache
def _server_context():
    """Return a context with a certificate that nobody signed, for a name that nobody asks for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    pem = serialization.Encoding.PEM
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(made.sign(key, hashes.SHA256()).public_bytes(pem))
        file.write(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        file.flush()
        context.load_cert_chain(file.name)
    return context


@contextlib.contextmanager
def serving(answers, tls=False):
    """Serve (method, path) → Answer, or a function of path and body; what is not there closes the connection.

    Yields the server, with ``url`` and ``requests`` (method, path, headers, body). tls: with a certificate of nobody's.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls:
        server.socket = _server_context().wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.answers, server.requests = answers, []
    server.place = server.server_address[:2]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.place[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
