"""What can be wrong with Kong, its configuration and its plugin."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import releases
from lab import Lab

import tools
from tools import changed, deployed, loaded, written

EMPTY = b'_format_version: "3.0"\n'
ROUTE = "claude-proxy-route"


def without_masker(document: tools.Document) -> None:
    document["plugins"] = [item for item in document["plugins"] if item["name"] != "aws-masker"]


def masker(document: tools.Document) -> tools.Document:
    return next(item for item in document["plugins"] if item["name"] == "aws-masker")


def with_another_route(document: tools.Document) -> None:
    document["routes"].append({"name": "other-route", "service": "claude-api", "paths": ["/other"]})
    masker(document)["route"] = "other-route"


def plugin_missing(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return deployed(lab, changed(lab, without_masker))


def plugin_lost_in_memory_only(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return loaded(lab, changed(lab, without_masker))


def plugin_disabled(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return deployed(lab, changed(lab, lambda document: masker(document).update(enabled=False)))


def plugin_on_another_route(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return deployed(lab, changed(lab, with_another_route))


def hash_differs(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return loaded(lab, kong_text(lab).replace(b"retries: 3", b"retries: 4"))


@contextlib.contextmanager
def file_edited_and_not_deployed(lab: Lab) -> Iterator[None]:
    with written(releases.kong_file(lab), kong_text(lab).replace(b"retries: 3", b"retries: 4")):
        yield


def empty_configuration(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return loaded(lab, EMPTY)


def empty_configuration_deployed(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return deployed(lab, EMPTY)


def a_service_is_gone(lab: Lab) -> contextlib.AbstractContextManager[None]:
    def more(document: tools.Document) -> None:
        document["services"].append({"name": "second", "url": "http://upstream:8080"})

    return _file_only(lab, changed(lab, more))


@contextlib.contextmanager
def _file_only(lab: Lab, content: bytes) -> Iterator[None]:
    with written(releases.kong_file(lab), content):
        yield


@contextlib.contextmanager
def failed_reload(lab: Lab) -> Iterator[None]:
    """`kong reload` says "Kong reloaded" and the old configuration goes on serving."""
    with written(releases.kong_file(lab), releases.BROKEN_KONG_FILE):
        assert "Kong reloaded" in tools.execute(lab, "kong", "kong", "reload")
        yield


@contextlib.contextmanager
def reload_of_a_refused_file(lab: Lab) -> Iterator[None]:
    with written(
        releases.kong_file(lab), kong_text(lab).replace(b"name: request-transformer", b"name: no-such-plugin")
    ):
        assert "Kong reloaded" in tools.execute(lab, "kong", "kong", "reload")
        yield


@contextlib.contextmanager
def frozen_workers(lab: Lab) -> Iterator[None]:
    rows = tools.processes(lab, "kong")
    parents = {pid for pid, _parent in rows}
    with tools.frozen([pid for pid, parent in rows if parent in parents]):
        yield


@contextlib.contextmanager
def paused(lab: Lab) -> Iterator[None]:
    lab.stack.compose("pause", "kong")
    yield
    lab.stack.compose("unpause", "kong")


def kong_down(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return tools.stopped(lab, "kong")


@contextlib.contextmanager
def restart_loop(lab: Lab) -> Iterator[None]:
    with written(releases.kong_file(lab), releases.BROKEN_KONG_FILE):
        lab.stack.compose("restart", "-t", "1", "kong")
        tools.wait_until(lambda: lab.stack.containers()["kong"]["RestartCount"] > 0, 20)
        yield
    lab.stack.compose("restart", "-t", "1", "kong")


@contextlib.contextmanager
def unhealthy(lab: Lab) -> Iterator[None]:
    """The health check fails: it looks for the master's process id and nothing else."""
    place = "/usr/local/kong/pids/nginx.pid"
    tools.execute(lab, "kong", "mv", place, f"{place}.away")
    tools.wait_until(lambda: lab.stack.containers()["kong"]["State"]["Health"]["Status"] == "unhealthy", 30)
    yield
    tools.execute(lab, "kong", "mv", f"{place}.away", place)
    tools.wait_until(lambda: lab.stack.containers()["kong"]["State"]["Health"]["Status"] == "healthy", 30)


def code(lab: Lab) -> Path:
    return lab.stack.directory / "kong" / "plugins" / "aws-masker" / "handler.lua"


@contextlib.contextmanager
def older_plugin_code_lies_there(lab: Lab) -> Iterator[None]:
    with written(code(lab), code(lab).read_bytes().replace(b"1.0.0", b"0.9.0")):
        yield


@contextlib.contextmanager
def plugin_code_changed_under_kong(lab: Lab) -> Iterator[None]:
    with written(code(lab), code(lab).read_bytes() + b"-- changed\n"):
        yield


@contextlib.contextmanager
def killed_for_memory(lab: Lab) -> Iterator[None]:
    name = tools.name_of(lab, "kong")
    lab.stack.compose("stop", "-t", "1", "kong")
    tools.run(["docker", "update", "--memory", "12m", "--memory-swap", "12m", "--restart", "no", name])

    def starved() -> bool:
        """Whether it ran and was seen to be killed for its memory; a start that failed would be another fault."""
        tools.run(["docker", "start", name], check=False)
        tools.wait_until(lambda: not lab.stack.containers()["kong"]["State"]["Running"], 20)
        return bool(lab.stack.containers()["kong"]["State"]["OOMKilled"])

    tools.wait_until(starved, 60)
    yield
    tools.run(["docker", "update", "--memory", "1g", "--memory-swap", "2g", "--restart", "unless-stopped", name])
    tools.run(["docker", "start", name])
    tools.restarted(lab, "kong")
    releases.reload_proxy(lab)


def upstream_unresolvable(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return deployed(lab, kong_text(lab).replace(b"http://upstream:8080", b"http://no-such-host.invalid:8080"))


def upstream_refuses(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return deployed(lab, kong_text(lab).replace(b"http://upstream:8080", b"http://upstream:9"))


def kong_text(lab: Lab) -> bytes:
    return releases.kong_file(lab).read_bytes()
