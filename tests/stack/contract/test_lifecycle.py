"""Reload, stop, freeze, propagation: the sides of the real gateway that a rollback trips over."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_processes import Double, eventually, running
from gateway_recordings import declarative

GOOD = b'_format_version: "3.0"\nservices:\n- name: a\n  url: http://127.0.0.1:9\n  routes:\n  - paths: [/a]\n'
OTHER = GOOD.replace(b"/a]", b"/b]")
BROKEN = declarative("invalid-yaml")
MINIMAL = b'_format_version: "3.0"\n'
YAML = {"Content-Type": "text/yaml"}


def md5(content: bytes) -> str:
    """The hash that the gateway must show for a file."""
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    """A running double of its own."""
    with running(Double(tmp_path, GOOD)) as started:
        yield started.ready()


def pids(double: Double) -> list[int]:
    """The workers."""
    found: list[int] = double.ask("admin", "GET", "/").json()["pids"]["workers"]
    return found


def test_reload_shows_the_new_hash_later(double: Double) -> None:
    """The command returns before anything happened; then there are new workers under the same master."""
    before = pids(double)
    double.file.write_bytes(OTHER)
    found = double.command("reload")
    assert (found.returncode, found.stdout) == (0, "Kong reloaded\n")
    eventually(lambda: double.hash() == md5(OTHER), "the new hash")
    eventually(lambda: not set(before) & set(pids(double)), "new workers")
    assert double.ask("admin", "GET", "/").json()["pids"]["master"] == double.popen.pid


def test_reload_loses_no_request(double: Double) -> None:
    """The sockets belong to the master."""
    double.file.write_bytes(OTHER)
    double.command("reload")
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        assert double.ask("proxy", "GET", "/none").status == 404
    assert double.hash() == md5(OTHER)


def test_a_client_that_asks_late_is_answered_by_the_worker_that_took_it(double: Double) -> None:
    """Between its connection and its request lies the whole reload."""
    old = set(pids(double))
    with socket.create_connection(("127.0.0.1", double.proxy)) as late:
        time.sleep(0.2)
        double.command("reload")
        eventually(lambda: not old & set(pids(double)), "new workers")
        time.sleep(1)
        late.sendall(b"GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert late.recv(100).startswith(b"HTTP/1.1 404 ")


def test_reload_with_a_broken_file_is_called_a_success(double: Double) -> None:
    """Exit 0, healthy, the old configuration goes on; the next start fails."""
    double.file.write_bytes(BROKEN)
    found = double.command("reload")
    assert (found.returncode, found.stdout) == (0, "Kong reloaded\n")
    eventually(lambda: "did not find expected" in double.output(), "the error in the log")
    assert double.hash() == md5(GOOD)
    assert double.command("health").returncode == 0
    assert double.ask("proxy", "GET", "/a").status == 502
    double.stop()
    with running(Double(double.directory, None)) as again:
        assert again.popen.wait(10) == 1


def test_posted_configuration_is_lost_at_the_reload(double: Double) -> None:
    """So who posts must also write the file."""
    assert double.ask("admin", "POST", "/config", OTHER, headers=YAML).status == 201
    assert double.hash() == md5(OTHER)
    double.command("reload")
    eventually(lambda: double.hash() == md5(GOOD), "the file's hash")


def test_posted_configuration_survives_a_restart_without_a_file(tmp_path: Path) -> None:
    """Only where no file is set."""
    with running(Double(tmp_path, None, KONG_DECLARATIVE_CONFIG="")) as first:
        assert first.ready().ask("admin", "POST", "/config", GOOD, headers=YAML).status == 201
    with running(Double(tmp_path, None, KONG_DECLARATIVE_CONFIG="")) as second:
        assert second.ready().hash() == md5(GOOD)


def test_posted_configuration_holds_in_every_worker_at_once(double: Double) -> None:
    """A stale answer is allowed for a few milliseconds, and none is given later."""
    for content, status in ((MINIMAL, 404), (GOOD, 502), (OTHER, 404), (GOOD, 502)):
        assert double.ask("admin", "POST", "/config", content, headers=YAML).status == 201
        time.sleep(0.01)
        assert {double.ask("proxy", "GET", "/a").status for _unused in range(20)} == {status}


def test_multipart_form(double: Double) -> None:
    """``curl -F config=@file``; the hash is that of the file."""
    body = b'--B\r\nContent-Disposition: form-data; name="config"; filename="k.yml"\r\n\r\n' + OTHER + b"\r\n--B--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    assert double.ask("admin", "POST", "/config", body, headers=headers).status == 201
    assert double.hash() == md5(OTHER)


def test_frozen_workers_look_healthy(double: Double) -> None:
    """The command looks at the master only."""
    workers = pids(double)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        double.ask("admin", "GET", "/status", timeout=1)
    assert double.command("health").returncode == 0
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    assert eventually(double.hash, "thawed workers") == md5(GOOD)


def test_a_killed_worker_is_replaced(double: Double) -> None:
    """By the master, as nginx does it."""
    victim = pids(double)[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in pids(double) and len(pids(double)) == 2, "another worker")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_stop_is_quick_and_clean(double: Double, number: int) -> None:
    """Under a second, exit 0, nobody left listening."""
    workers = pids(double)
    started = time.monotonic()
    assert double.stop(number) == 0
    assert time.monotonic() - started < 1
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", double.admin), 1)


def test_frozen_workers_do_not_hold_up_the_stop(double: Double) -> None:
    """SIGTERM kills them after a second."""
    for pid in pids(double):
        os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    assert double.stop() == 0
    assert time.monotonic() - started < 2


def test_nothing_listens_while_it_starts(tmp_path: Path) -> None:
    """Neither port, for as long as the knob says; a stop then is immediate."""
    with running(Double(tmp_path, GOOD, GATEWAY_DOUBLE_BOOT_SECONDS="60")) as started:
        time.sleep(0.5)
        for port in (started.admin, started.proxy):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 1)
        assert started.stop() in (0, -signal.SIGTERM)


def plugin_version(double: Double) -> str:
    """The masking plugin's version as the gateway shows it."""
    plugins = double.ask("admin", "GET", "/").json()["plugins"]["available_on_server"]
    return str(plugins["aws-masker"]["version"])


def test_plugin_version_is_that_of_the_start(double: Double) -> None:
    """Code that changed on disk is not loaded code."""
    double.handler.write_text(double.handler.read_text().replace("1.0.0", "2.0.0"))
    assert plugin_version(double) == "1.0.0"
    double.stop()
    with running(Double(double.directory, GOOD, plugin="2.0.0")) as again:
        assert plugin_version(again.ready()) == "2.0.0"


def test_without_the_plugin_s_code_its_use_is_refused(tmp_path: Path) -> None:
    """Files missing from the plugin directory: the start fails with the words for an unknown plugin."""
    with running(Double(tmp_path, declarative("valid-yaml"), GATEWAY_DOUBLE_PLUGIN_DIR=str(tmp_path / "no"))) as double:
        assert double.popen.wait(10) == 1
        assert "plugin 'aws-masker' not enabled; add it to the 'plugins' configuration property" in double.output()
