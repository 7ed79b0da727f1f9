"""What can be wrong with the proxy, networks, ports, directories and limits."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lab import Lab
from outside import run
from releases import reload_proxy, up

import tools
from tools import proxy_says


@contextlib.contextmanager
def proxy_at_the_old_address(lab: Lab) -> Iterator[None]:
    """Kong comes back under another address, and nobody tells nginx."""
    network = f"{lab.project}_masking"
    before = lab.stack.containers()["kong"]["NetworkSettings"]["Networks"][network]["IPAddress"]
    lab.stack.compose("stop", "-t", "1", "kong")
    # Somebody else takes the address that became free.
    holder = run(["docker", "run", "-d", "--network", network, "kong-masking-ref/client:1"]).stdout.strip()
    try:
        lab.stack.compose("start", "kong")
        assert lab.stack.containers()["kong"]["NetworkSettings"]["Networks"][network]["IPAddress"] != before
        tools.wait_until(lab.stack.kong_configured, 30)
        yield
    finally:
        run(["docker", "rm", "-f", holder])
        reload_proxy(lab)


def proxy_passes_kong_by(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return proxy_says(lab, "proxy_pass http://kong:8000;", "proxy_pass http://upstream:8080;")


def proxy_is_not_well(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return proxy_says(lab, '{"status":"healthy"}', '{"status":"degraded"}')


def proxy_file_broken(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return proxy_says(lab, "proxy_http_version 1.1;", "proxy_http_version;", reload=False)


def replies_cut_short(lab: Lab) -> contextlib.AbstractContextManager[None]:
    """Without HTTP/1.1 towards Kong the masked reply's length stays in the header, and the longer text is cut there."""
    return proxy_says(lab, "proxy_http_version 1.1;", "proxy_http_version 1.0;")


def proxy_down(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return tools.stopped(lab, "nginx")


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status":"healthy"}')

    def log_message(self, *_args: object) -> None:
        """Nothing on stderr."""


@contextlib.contextmanager
def port_answered_by_a_program(lab: Lab) -> Iterator[None]:
    with tools.stopped(lab, "nginx"):
        server = ThreadingHTTPServer(("127.0.0.1", lab.stack.ports.proxy), _Stranger)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@contextlib.contextmanager
def port_answered_by_another_container(lab: Lab) -> Iterator[None]:
    with tools.stopped(lab, "nginx"):
        port = f"127.0.0.1:{lab.stack.ports.proxy}:8080"
        name = f"{lab.project}-squatter"
        run(["docker", "run", "-d", "--name", name, "-p", port, "kong-masking-ref/upstream:1"])
        try:
            yield
        finally:
            run(["docker", "rm", "-f", name])


@contextlib.contextmanager
def client_gone(lab: Lab) -> Iterator[None]:
    lab.stack.compose("rm", "-sf", "client")
    yield
    up(lab.stack, "client")


@contextlib.contextmanager
def kong_on_the_wrong_network(lab: Lab) -> Iterator[None]:
    network, other, kong = f"{lab.project}_masking", f"{lab.project}-elsewhere", tools.name_of(lab, "kong")
    run(["docker", "network", "create", other])
    run(["docker", "network", "disconnect", network, kong])
    run(["docker", "network", "connect", "--alias", "kong", other, kong])
    try:
        yield
    finally:
        run(["docker", "network", "disconnect", other, kong])
        run(["docker", "network", "connect", "--alias", "kong", network, kong])
        run(["docker", "network", "rm", other])
        reload_proxy(lab)


@contextlib.contextmanager
def log_directory_not_writable(lab: Lab) -> Iterator[None]:
    """As Docker makes a directory that is not there: root's own."""
    logs = lab.stack.directory / "kong" / "logs"
    about = logs.stat()
    os.chown(logs, 0, 0)
    yield
    os.chown(logs, about.st_uid, about.st_gid)


@contextlib.contextmanager
def nearly_out_of_memory(lab: Lab) -> Iterator[None]:
    command = "(head -c 116m /dev/zero; sleep 60) | tail >/dev/null"
    hog = subprocess.Popen(["docker", "exec", tools.name_of(lab, "nginx"), "sh", "-c", command])
    tools.wait_until(lambda: _used(lab, "nginx") > 0.92, 20)
    try:
        yield
    finally:
        tools.restarted(lab, "nginx")
        hog.wait(20)


def _used(lab: Lab, service: str) -> float:
    shown = run(["docker", "stats", "--no-stream", "--format", "{{.MemPerc}}", tools.name_of(lab, service)]).stdout
    return float(shown.strip().rstrip("%")) / 100
