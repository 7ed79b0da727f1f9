"""What can be wrong with Redis and with the mappings in it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from breaks_kong import masker
from lab import Lab
from outside import run
from releases import reload_proxy, up

import tools
from tools import changed, deployed, redis_setting, redis_value


def down(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return tools.stopped(lab, "redis")


@contextlib.contextmanager
def paused(lab: Lab) -> Iterator[None]:
    lab.stack.compose("pause", "redis")
    yield
    lab.stack.compose("unpause", "redis")


@contextlib.contextmanager
def hung(lab: Lab) -> Iterator[None]:
    """The server's process is stopped inside a running container: connections are accepted, nothing answers."""
    with tools.frozen([pid for pid, _parent in tools.processes(lab, "redis")]):
        yield


@contextlib.contextmanager
def read_only(lab: Lab) -> Iterator[None]:
    with lab.redis() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        yield
        client.execute_command("REPLICAOF", "NO", "ONE")


@contextlib.contextmanager
def refuses_writes(lab: Lab) -> Iterator[None]:
    with redis_setting(lab, "min-replicas-to-write", "1"):
        yield


@contextlib.contextmanager
def wrong_password(lab: Lab) -> Iterator[None]:
    with redis_setting(lab, "requirepass", "another-password-than-the-stacks"):
        yield


@contextlib.contextmanager
def no_password(lab: Lab) -> Iterator[None]:
    with redis_setting(lab, "requirepass", ""):
        yield


@contextlib.contextmanager
def kong_has_another_password(lab: Lab) -> Iterator[None]:
    """A Kong that never had a connection to Redis answers 500 to everything."""
    path = lab.stack.directory / "docker-compose.yml"
    text = path.read_text(encoding="utf-8")
    given = 'REDIS_PORT: "6379"\n      REDIS_PASSWORD: ${REDIS_PASSWORD}\n'
    assert given in text
    with tools.written(path, text.replace(given, given.replace("${REDIS_PASSWORD}", "not-the-password")).encode()):
        _kong_anew(lab)
        yield
    _kong_anew(lab)


def _kong_anew(lab: Lab) -> None:
    up(lab.stack, "kong")
    tools.wait_until(lab.stack.kong_configured, 30)
    reload_proxy(lab)


@contextlib.contextmanager
def other_instance(lab: Lab) -> Iterator[None]:
    """Kong masks well, with the mappings of a server that is not the stack's."""
    name = f"{lab.project}-stranger"
    run(["docker", "run", "-d", "--name", name, "--network", f"{lab.project}_masking", "--network-alias", "stranger",
         "kong-masking-ref/redis:7", "redis-server", "--protected-mode", "no"])  # fmt: skip
    try:
        elsewhere = {"redis_host": "stranger", "redis_password": ""}
        content = changed(lab, lambda document: masker(document)["config"].update(elsewhere))
        with redis_free_of_password(lab), deployed(lab, content):
            yield
    finally:
        run(["docker", "rm", "-f", name])


@contextlib.contextmanager
def redis_free_of_password(lab: Lab) -> Iterator[None]:
    """The stranger takes the stack's password, as a copy of the service would."""
    run(["docker", "exec", f"{lab.project}-stranger", "redis-cli", "config", "set", "requirepass",
         lab.stack.redis_password])  # fmt: skip
    yield


@contextlib.contextmanager
def lost_its_name(lab: Lab) -> Iterator[None]:
    network, name = f"{lab.project}_masking", tools.name_of(lab, "redis")
    run(["docker", "network", "disconnect", network, name])
    run(["docker", "network", "connect", network, name])
    yield
    run(["docker", "network", "disconnect", network, name])
    run(["docker", "network", "connect", "--alias", "redis", network, name])


def counters_rewound(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return redis_value(lab, "aws_masker:cnt:ec2", "5")


def counters_missing(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return redis_value(lab, "aws_masker:cnt:ec2", None)


def pairs_disagree(lab: Lab) -> contextlib.AbstractContextManager[None]:
    return redis_value(lab, "aws_masker:map:AWS_EC2_100", "i-0ffffffffffffffff")


@contextlib.contextmanager
def cannot_save(lab: Lab) -> Iterator[None]:
    """Its directory belongs to somebody else: the save fails, and then Redis takes no write."""
    data = lab.stack.directory / "redis" / "data"
    about = data.stat()
    os.chown(data, 0, 0)
    os.chmod(data, 0o755)
    with lab.redis() as client:
        client.bgsave()
        tools.wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", 10)
        yield
        os.chown(data, about.st_uid, about.st_gid)
        os.chmod(data, about.st_mode & 0o7777)
        client.bgsave()
        tools.wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", 10)


@contextlib.contextmanager
def nearly_full(lab: Lab) -> Iterator[None]:
    with lab.redis() as client:
        for number in range(16):
            client.set(f"filler:{number}", b"x" * (1 << 20))
        time.sleep(1)  # the append-only file's buffer is memory too
        used = int(client.info("memory")["used_memory"])
    with redis_setting(lab, "maxmemory", str(int(used * 1.06))) as client:
        yield
        client.delete(*(f"filler:{number}" for number in range(16)))
