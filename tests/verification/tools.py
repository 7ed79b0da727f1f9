"""What mutations are made with: files written in place, configurations posted, containers and processes stopped."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
import requests
import yaml
from lab import Lab
from outside import StackError, run
from releases import kong_file, reload_proxy

Document = dict[str, Any]


def name_of(lab: Lab, service: str) -> str:
    """A service's container by its name."""
    return str(lab.stack.containers()[service]["Name"]).lstrip("/")


def execute(lab: Lab, service: str, *command: str, user: str = "") -> str:
    """Run something inside a container."""
    who = ["--user", user] if user else []
    return run(["docker", "exec", *who, name_of(lab, service), *command]).stdout


def post(lab: Lab, content: bytes) -> None:
    """Load a configuration into the running Kong."""
    answer = requests.post(
        f"{lab.stack.kong_admin}/config", data=content, headers={"Content-Type": "text/yaml"}, timeout=10
    )
    assert answer.status_code == 201, answer.text


@contextlib.contextmanager
def written(path: Path, content: bytes) -> Iterator[bytes]:
    """Other content of a file, behind the same inode, for as long as the block lasts."""
    before, about = path.read_bytes(), path.stat()
    path.write_bytes(content)
    try:
        yield before
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@contextlib.contextmanager
def loaded(lab: Lab, content: bytes) -> Iterator[None]:
    """Another configuration in the running Kong, its file left alone."""
    post(lab, content)
    try:
        yield
    finally:
        post(lab, kong_file(lab).read_bytes())


@contextlib.contextmanager
def deployed(lab: Lab, content: bytes) -> Iterator[None]:
    """Another configuration in Kong and in its file: hash and file agree."""
    with written(kong_file(lab), content) as before:
        post(lab, content)
        yield
    post(lab, before)


def changed(lab: Lab, change: Callable[[Document], Any]) -> bytes:
    """Kong's file with something changed."""
    document = yaml.safe_load(kong_file(lab).read_bytes())
    change(document)
    return yaml.safe_dump(document, sort_keys=False).encode()


@contextlib.contextmanager
def proxy_says(lab: Lab, old: str, new: str, reload: bool = True) -> Iterator[None]:
    """Another configuration of nginx."""
    path = lab.stack.directory / "nginx" / "conf.d" / "default.conf"
    text = path.read_text(encoding="utf-8")
    assert old in text
    with written(path, text.replace(old, new).encode()):
        if reload:
            reload_proxy(lab)
        yield
    reload_proxy(lab)


@contextlib.contextmanager
def stopped(lab: Lab, service: str) -> Iterator[None]:
    """A service that was stopped."""
    lab.stack.compose("stop", "-t", "1", service)
    try:
        yield
    finally:
        lab.stack.compose("start", service)


@contextlib.contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Processes that were stopped by a signal."""
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def processes(lab: Lab, service: str) -> list[tuple[int, int]]:
    """(pid, parent) of each process of a container, as the host sees them."""
    rows = run(["docker", "top", name_of(lab, service), "-eo", "pid,ppid"]).stdout.splitlines()[1:]
    return [(int(row.split()[0]), int(row.split()[1])) for row in rows]


@contextlib.contextmanager
def redis_setting(lab: Lab, name: str, value: str) -> Iterator[redis.Redis]:
    """Another setting of the live Redis."""
    with lab.redis() as client:
        before = client.config_get(name)[name]
        client.config_set(name, value)
        try:
            yield client
        finally:
            client.config_set(name, before)


@contextlib.contextmanager
def redis_value(lab: Lab, key: str, value: str | None) -> Iterator[None]:
    """Another value of a key, or none, with its time to live as it was."""
    with lab.redis() as client:
        dump, left = client.dump(key), max(0, client.pttl(key))
        if value is None:
            client.delete(key)
        else:
            client.set(key, value, keepttl=True)
        try:
            yield
        finally:
            client.restore(key, left, dump, replace=True)


def restarted(lab: Lab, service: str) -> None:
    """Start a service anew until the engine forgets that something in it was killed for memory."""
    wait_until(lambda: _forgotten(lab, service), 30)


def _forgotten(lab: Lab, service: str) -> bool:
    lab.stack.compose("restart", "-t", "1", service)
    return not lab.stack.containers()[service]["State"]["OOMKilled"]


@contextlib.contextmanager
def nothing() -> Iterator[None]:
    """Break nothing."""
    yield


def sha256(path: Path) -> str:
    """A file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def healthy(lab: Lab) -> None:
    """Wait until the stack serves as before."""
    wait_until(lab.stack.kong_configured, 30)
    wait_until(lab.stack.probe, 60)
    wait_until(lambda: not _unhealthy(lab), 40)


def _unhealthy(lab: Lab) -> list[str]:
    """The services whose health checks have not yet noticed that all is well again."""
    states = {name: found["State"].get("Health") or {} for name, found in lab.stack.containers().items()}
    return [name for name, health in states.items() if health.get("Status") == "unhealthy"]


def wait_until(question: Callable[[], bool], seconds: float) -> None:
    """Wait for something; raise where it does not come. Who does not answer has not done it yet."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, StackError):
            if question():
                return
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
