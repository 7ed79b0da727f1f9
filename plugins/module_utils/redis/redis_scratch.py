# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A throw-away Redis of the same image, without network, that proves a dump by loading it.

A checksum cannot tell whether this Redis can read a dump; only loading it can.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from ..engine import cgroup_memory
from ..engine.docker_stack import DockerStack
from ..engine.private_folder import private_folder
from ..engine.private_folder import sweep as sweep_folders
from ..engine.process_name import process_id
from ..errors import RecoveryError
from ..libraries import docker, redis
from ..runner import Runner
from . import redis_header

LABEL = "kong_masking.recovery.scratch"
OWNER = "kong_masking.recovery.owner"
INSIDE = "/scratch"
SOCKET, DUMP = "redis.sock", "dump.rdb"
# What it says must be readable whatever the engine does with logs by itself, and it works on files of this host's root.
ON_HOST = {"log_config": {"type": "json-file"}, "userns_mode": "host", "network_mode": "none"}
LIFETIME_SECONDS = 900
START_SECONDS = 120.0
PAUSE = 0.05
# A server has 16 by itself, and ends over a dump with data in a higher one.
DATABASES = 1024
# What a starting server says on the level of its errors without meaning one.
CHATTER = ("Redis version=", "WARNING", "Configuration loaded", "is starting", "oO0OoO0OoO0Oo")
# What a loaded data set needs, as a multiple of its dump: small keys take about three times their bytes.
MEMORY_FACTOR = 4
MEMORY_RESERVE = 128 << 20


class UnreadableDumpError(RecoveryError):
    """This Redis cannot load the dump; nothing was changed."""


def owner_labels(engine: DockerStack, image_id: str) -> dict[str, str]:
    """Return the labels of a throw-away container: whose it is, and nothing that Compose would take for its own."""
    return {**engine.foreign_labels(image_id), LABEL: engine.project, OWNER: process_id(os.getpid())}


def sweep(engine: DockerStack) -> int:
    """Remove the throw-away containers and folders of processes that are gone; return how many containers."""
    sweep_folders()
    removed = 0
    for summary in engine.api.containers(all=True, filters={"label": [f"{LABEL}={engine.project}"]}):
        owner = summary["Labels"].get(OWNER, "")
        pid = owner.split(":")[0]
        if not pid.isdigit() or process_id(int(pid)) != owner:
            with contextlib.suppress(docker.errors.NotFound):
                engine.api.remove_container(summary["Id"], force=True, v=True)
                removed += 1
    return removed


@dataclass(frozen=True)
class Scratch:
    """A scratch server; expired: how many keys of its dump had lived too long, None where it does not say."""

    client: redis.Redis
    expired: int | None


def need_memory(runner: Runner, size: int) -> None:
    """Raise when a dump of size bytes could drive the host out of memory, which would kill the live server.

    A control group, as of a virtual host, may allow less than the host has.
    """
    wanted = size * MEMORY_FACTOR + MEMORY_RESERVE
    room = cgroup_memory.room()
    free = min([runner.available_memory(), *([room] if room is not None else [])])
    if free < wanted:
        raise RecoveryError(
            f"Loading the dump in a scratch server may take {wanted >> 20} MiB, the host has {free >> 20} available.",
            "Free memory, or keep the live mappings: -e redis_data=keep",
            available_bytes=free,
            wanted_bytes=wanted,
        )


def need_whole_header(dump: str) -> None:
    """Raise where the dump at path has a header that would let Redis load it without looking at its checksum."""
    with open(dump, "rb") as handle:
        fault = redis_header.fault(handle.read(redis_header.HEADER_BYTES + 1))
    if fault:
        raise _unreadable(fault)


@contextlib.contextmanager
def loaded(engine: DockerStack, runner: Runner, image_id: str, dump: str) -> Iterator[redis.Redis]:
    """Yield a client for a scratch server that has loaded the dump at path; an empty path gives an empty server."""
    with scratch(engine, runner, image_id, dump) as server:
        yield server.client


@contextlib.contextmanager
def scratch(engine: DockerStack, runner: Runner, image_id: str, dump: str) -> Iterator[Scratch]:
    """Yield a scratch server that has loaded the dump at path; an empty path gives an empty server.

    The container has no network: it is reached through a socket in a private directory. Should we be killed, it ends by
    itself and is swept at the next run.
    """
    sweep(engine)
    with private_folder() as folder:
        if dump:
            need_whole_header(dump)
            need_memory(runner, os.path.getsize(dump))
            shutil.copyfile(dump, os.path.join(folder, DUMP))
        container = _create(engine, image_id, folder)
        try:
            engine.api.start(container)
            # By itself the library asks one that is gone ten times, for seconds, before it says so.
            once = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
            client = redis.Redis(unix_socket_path=os.path.join(folder, SOCKET), socket_timeout=60, retry=once)
            _wait(engine, runner, container, client)
            said = re.search(rb"keys expired: (\d+)", engine.api.logs(container, tail=50)) if dump else None
            yield Scratch(client, int(said.group(1)) if said else None)
            client.close()
        finally:
            with contextlib.suppress(docker.errors.APIError):
                engine.api.remove_container(container, force=True, v=True)


def _create(engine: DockerStack, image_id: str, folder: str) -> str:
    server = ["redis-server", "--port", "0", "--unixsocket", f"{INSIDE}/{SOCKET}", "--unixsocketperm", "777"]
    server += ["--dir", INSIDE, "--dbfilename", DUMP, "--save", "", "--appendonly", "no", "--maxmemory", "0"]
    server += ["--databases", str(DATABASES)]
    host = engine.api.create_host_config(binds=[f"{folder}:{INSIDE}"], **ON_HOST)
    created = engine.api.create_container(
        image_id,
        entrypoint=["timeout", str(LIFETIME_SECONDS)],
        command=server,
        user="0:0",
        labels=owner_labels(engine, image_id),
        host_config=host,
    )
    return str(created["Id"])


def save(client: redis.Redis, path: str) -> None:
    """Let a scratch server write its data set, and copy the file to path."""
    client.save()
    folder = os.path.dirname(client.connection_pool.connection_kwargs["path"])
    shutil.copyfile(os.path.join(folder, DUMP), path)


def _wait(engine: DockerStack, runner: Runner, container: str, client: redis.Redis) -> None:
    end = runner.clock() + START_SECONDS
    while True:
        try:
            client.ping()
        except redis.exceptions.RedisError:
            state = engine.api.inspect_container(container)["State"]
            if not state["Running"]:
                raise _unreadable(_reason(engine, container)) from None
            if runner.clock() > end:
                raise UnreadableDumpError(
                    f"The dump was not loaded within {START_SECONDS:.0f} s.", "Nothing was changed."
                ) from None
            runner.sleep(PAUSE)
        else:
            return


def _unreadable(reason: str) -> UnreadableDumpError:
    return UnreadableDumpError(
        f"This Redis cannot load the dump: {reason}.",
        "Nothing was changed. Choose another backup: ansible-playbook playbooks/list_backups.yml",
    )


def _reason(engine: DockerStack, container: str) -> str:
    """Return the server's own last words about the dump."""
    lines = engine.api.logs(container, tail=30).decode("utf-8", "replace").splitlines()
    said = [line.split("# ", 1)[-1].strip() for line in lines if "# " in line]
    telling = [line for line in said if not any(word in line for word in CHATTER)]
    return "; ".join(telling[-2:]) or (lines[-1] if lines else "no reason given")
