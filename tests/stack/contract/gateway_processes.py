"""Starts what the contract tests talk to: the double, the upstream, a Redis; each on a free port, without Docker."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway_recordings import Recording, Response
from ports import free_port

STACK = Path(__file__).resolve().parent.parent
PASSWORD = "contract-password"
PATIENCE = 15.0


def eventually(check: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Ask until the answer is true."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if answer := check():
                return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    version: str = "1.1",
    timeout: float = 20,
) -> Response:
    """One request on its own connection; HTTP/1.0 is what an nginx in front speaks by default."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection._http_vsn_str = f"HTTP/{version}"  # type: ignore[attr-defined]
    connection._http_vsn = int(version.replace(".", ""))  # type: ignore[attr-defined]
    started = time.monotonic()
    try:
        connection.request(method, path, body=body or None, headers=dict(headers or {}) | {"Connection": "close"})
        reply = connection.getresponse()
        try:
            content = reply.read()
        except http.client.IncompleteRead as exc:
            content = exc.partial
        took = (time.monotonic() - started) * 1000
        return Response(reply.status, reply.reason, dict(reply.getheaders()), content, took)
    finally:
        connection.close()


class Process:
    """A child process whose end is certain."""

    def __init__(self, arguments: list[str], env: Mapping[str, str] | None = None, log: Path | None = None) -> None:
        self.log = log
        with open(log or os.devnull, "ab") as output:
            self.popen = subprocess.Popen(arguments, env=env, stdout=output, stderr=subprocess.STDOUT)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it, wait for it, and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
            self.popen.send_signal(signal.SIGCONT)
        try:
            return self.popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait()


class Redis(Process):
    """A real Redis."""

    def __init__(self, port: int, password: str = PASSWORD) -> None:
        binary = shutil.which("redis-server")
        assert binary, "redis-server is not on the PATH: install it (apt-get install redis-server), these tests need it"
        self.port, self.password = port, password
        super().__init__([binary, "--port", str(port), "--bind", "127.0.0.1", "--requirepass", password, "--save", "",
                          "--appendonly", "no"])  # fmt: skip
        eventually(self._answers, "Redis")

    def _answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))


class Double(Process):
    """The gateway double."""

    def __init__(
        self, directory: Path, declarative: bytes | None, *, plugin: str = "1.0.0", **environment: str
    ) -> None:
        self.directory, self.prefix, self.file = directory, directory / "prefix", directory / "kong.yml"
        self.admin, self.proxy, self.status = free_port(), free_port(), free_port()
        self.handler = directory / "aws-masker" / "handler.lua"
        self.handler.parent.mkdir(parents=True, exist_ok=True)
        self.prefix.mkdir(exist_ok=True)
        self.handler.write_text(f'local M = {{\n  PRIORITY = 700,\n  VERSION = "{plugin}",\n}}\nreturn M\n')
        if declarative is not None:
            self.file.write_bytes(declarative)
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(STACK),
            "PYTHONDONTWRITEBYTECODE": "1",
            "KONG_DATABASE": "off",
            "KONG_DECLARATIVE_CONFIG": str(self.file),
            "KONG_ADMIN_LISTEN": f"127.0.0.1:{self.admin}",
            "KONG_PROXY_LISTEN": f"127.0.0.1:{self.proxy}",
            "KONG_STATUS_LISTEN": f"127.0.0.1:{self.status}",
            "KONG_PLUGINS": "bundled,aws-masker",
            "KONG_PREFIX": str(self.prefix),
            "GATEWAY_DOUBLE_PLUGIN_DIR": str(self.handler.parent),
            "GATEWAY_DOUBLE_BOOT_SECONDS": "0.1",
            "GATEWAY_DOUBLE_RELOAD_SECONDS": "0.3",
            "GATEWAY_DOUBLE_REDIS_TIMEOUT": "1.2",
            "GATEWAY_DOUBLE_REDIS_RECOVERY_SECONDS": "1.0",
        } | environment
        self.env = {name: value for name, value in self.env.items() if value != ""}
        super().__init__([sys.executable, "-m", "gateway_double"], self.env, directory / "log")

    def ready(self) -> Double:
        """Wait until it serves."""
        eventually(lambda: self.popen.poll() is not None or self.ask("admin", "GET", "/status").status == 200, "start")
        assert self.popen.poll() is None, self.output()
        return self

    def output(self) -> str:
        """What it wrote."""
        return (self.directory / "log").read_text()

    def ask(self, listener: str, method: str, path: str, body: bytes = b"", **options: Any) -> Response:
        """A request to one of its listeners."""
        return ask(getattr(self, listener), method, path, body, **options)

    def replay(self, wanted: Recording) -> Response:
        """Send a recorded request again; what went through the nginx in front is sent as an nginx would."""
        listener = {38001: "admin", 38010: "proxy", 38100: "status", 38082: "proxy"}[wanted.port]
        version = "1.0" if wanted.port == 38082 else "1.1"
        headers = {name: value for name, value in wanted.headers if name.lower() not in ("host", "content-length")}
        return self.ask(listener, wanted.method, wanted.path, wanted.body, headers=headers, version=version)

    def hash(self) -> str:
        """The hash of the loaded configuration."""
        return str(self.ask("admin", "GET", "/status").json()["configuration_hash"])

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the double's command beside it."""
        return subprocess.run([sys.executable, "-m", "gateway_double.command", *arguments], env=self.env | environment,
                              capture_output=True, text=True, timeout=30, check=False)  # fmt: skip


@contextlib.contextmanager
def upstream() -> Iterator[int]:
    """The echoing upstream, on the port that it yields."""
    port = free_port()
    process = Process(
        [sys.executable, str(STACK / "upstream" / "echo.py")], dict(os.environ) | {"ECHO_PORT": str(port)}
    )
    try:
        eventually(lambda: ask(port, "GET", "/__health").status == 200, "upstream")
        yield port
    finally:
        process.stop()


@contextlib.contextmanager
def running(process: Any) -> Iterator[Any]:
    """Stop a process at the end, whatever happened."""
    try:
        yield process
    finally:
        process.stop()
