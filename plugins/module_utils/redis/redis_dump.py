# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy the live data set into a backup: as a replication stream, else, where Redis cannot answer, as its files."""

from __future__ import annotations

import io
import os
import posixpath
import re
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..libraries import docker
from ..runner import Runner
from . import redis_delta, redis_functions, redis_scratch, redis_values
from .redis_data import RedisData
from .redis_header import MAGIC
from .redis_keys import Selection, databases

MARK_BYTES = 40
NAME = "redis-backup.rdb"
SETTINGS_ENDINGS = (".conf", ".acl")
USUAL_DIRECTORY, USUAL_ENDINGS = "/data", (".rdb", ".aof", ".manifest")
# A backup by timer ends before the next one begins.
STREAM_SECONDS = 600
NOT_POINT_IN_TIME = "not point-in-time: copied key by key"


class NoStreamError(RecoveryError):
    """The server's stream cannot be had; its keys can still be copied one by one."""


def stream(engine: DockerStack, container: Container, client: RedisData, path: str) -> int:
    """Write a point-in-time copy of the data set to path; return its size. Raise NoStreamError where there is none.

    The stream goes straight into the file: no BGSAVE on the server, because one that fails makes it refuse writes. The
    password travels in the environment of redis-cli, never in its arguments.
    """
    ask, secret = client.access.words_inside(container, client.password), _secret(client)
    _need_same_server(client, container, _said_inside(engine, container, [*ask, "INFO", "server"], secret))
    before = client.prompt_stream()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            size = _receive(handle, container, engine.stream(container, [*ask, "--rdb", "-"], secret))
            handle.truncate(size)
            handle.flush()
            os.fsync(handle.fileno())
    except NoStreamError:
        os.unlink(path)
        raise
    finally:
        client.restore_settings(before)
    return size


def _receive(handle: IO[bytes], container: Container, chunks: Iterator[tuple[bytes, bytes]]) -> int:
    """Write what redis-cli sends; return how much of it is the data.

    A stream that never began is one that the server does not give: SYNC is forbidden or renamed, or redis-cli is not
    there. One that breaks off is a failure.
    """
    size, said, began, end = 0, b"", b"", time.monotonic() + STREAM_SECONDS
    try:
        for out, err in chunks:
            handle.write(out)
            size, said, began = size + len(out), said + err, (began + out[: len(MAGIC)])[: len(MAGIC)]
            if time.monotonic() > end:
                raise RecoveryError(
                    f"{container.name} did not send its data within {STREAM_SECONDS} s.",
                    "Look at its load and at the disk: docker stats; the live data were only read.",
                )
    except RecoveryError as exc:
        if began == MAGIC or time.monotonic() > end:
            raise
        words = said.decode("utf-8", "replace").strip().splitlines()
        raise NoStreamError(f"{container.name} gives no stream of its data: {words[-1] if words else exc.msg}") from exc
    if began != MAGIC:
        raise NoStreamError(f"The copy that {container.name} sent does not begin like a Redis dump.")
    return size - _mark_bytes(said, size)


def _secret(client: RedisData) -> dict[str, str]:
    return {"REDISCLI_AUTH": client.password}


def _said_inside(engine: DockerStack, container: Container, cmd: list[str], secret: dict[str, str]) -> bytes:
    """Return what a command says inside; of a container that has just started the engine at times passes on nothing."""
    said = b""
    for pause in (0.1, 0.3, 0.0):
        said = engine.execute(container, cmd, secret)[1]
        if said:
            break
        time.sleep(pause)
    return said


def _need_same_server(client: RedisData, container: Container, said: bytes) -> None:
    """Raise where redis-cli inside the container did not reach the server that the client speaks to.

    In the host's network a neighbour answers at every port but the server's own, and its data look like any other.
    """
    wanted = str(client.info().get("run_id"))
    told = re.search(rb"^run_id:(\w+)", said, re.MULTILINE)
    found = told.group(1).decode() if told else "no answer"
    if found != wanted:
        raise NoStreamError(
            f"redis-cli inside {container.name} does not reach the Redis at {client.place[0]}:{client.place[1]}: "
            f"run_id expected {wanted}, found {found}."
        )


def _mark_bytes(said: bytes, size: int) -> int:
    """Return how many bytes at the end are the mark of the stream's end, which redis-cli cannot take off its output.

    As a dump they would do no harm; as the base of append-only files Redis refuses them.
    """
    told = re.search(rb"with success after (\d+) bytes", said)
    if told:
        return MARK_BYTES if size - int(told.group(1)) == MARK_BYTES else 0
    return MARK_BYTES if b"until EOF marker" in said else 0


def by_keys(engine: DockerStack, runner: Runner, image_id: str, client: RedisData, path: str) -> str:
    """Write a copy of a server that gives no stream: every key by DUMP into a scratch server, which saves them.

    Clients write meanwhile, so it is no point in time: each key is as it was when it was read. Return what the copy
    lacks, empty for nothing.
    """
    everything = Selection("", (), "all", keep_counters=False)
    with redis_scratch.loaded(engine, runner, image_id, "") as target:
        about = client.info()
        # The copy stands in memory beside the live data, and may stand on the same host.
        redis_scratch.need_memory(runner, int(about.get("used_memory") or 0) // redis_scratch.MEMORY_FACTOR)
        theirs = str(about["redis_version"])
        redis_values.need_readable(theirs, target.info("server")["redis_version"])
        for number in databases(client.client, everything):
            redis_delta.copy(client.client, target, number, everything)
        lacking = redis_functions.carry(client.client, target)
        redis_scratch.save(target, path)
    os.chmod(path, 0o600)
    return lacking


def copy_files(engine: DockerStack, container: Container, directory: str, names: Sequence[str]) -> dict[str, bytes]:
    """Return the files of a Redis that cannot answer: path relative to its data directory → content.

    names: its dump and its append-only file or folder; empty where nobody knows them. Then everything in the directory
    counts that is named as Redis names its files by itself.
    """
    found: dict[str, bytes] = {}
    for name in names or [""]:
        place = posixpath.join(directory, name)
        try:
            parts, _about = engine.api.get_archive(container.id, place.rstrip("/"))
        except docker.errors.NotFound:
            continue
        except docker.errors.APIError as exc:
            raise RecoveryError(f"The files of {container.name} in {place} cannot be copied: {exc}.") from exc
        with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as archive:
            for member in archive.getmembers():
                # The archive's names begin with the last part of the path that was asked for.
                _first, _slash, below = member.name.partition("/")
                path = posixpath.join(name, below) if below else name
                handle = archive.extractfile(member) if member.isfile() else None
                if handle is not None and (names or path.endswith(USUAL_ENDINGS)):
                    found[path] = handle.read()
    return found


def holds_files(engine: DockerStack, container: Container, directory: str) -> bool:
    """Say whether any file but settings lies in a place of a container; one that nobody can look into may hold some."""
    try:
        parts, _about = engine.api.get_archive(container.id, directory)
        with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as archive:
            return any(member.isfile() and not member.name.endswith(SETTINGS_ENDINGS) for member in archive)
    except docker.errors.NotFound:
        return False
    except docker.errors.APIError:
        return True


def places(container: Container) -> list[str]:
    """Return the directories that a server may have written data to."""
    return [*dict.fromkeys([USUAL_DIRECTORY, *(mount.destination for mount in container.mounts if mount.writable)])]


def usual_directory(container: Container) -> str:
    """Return where the data of a server that nobody could ask most likely lie: /data, else what it may write to."""
    places = [mount.destination for mount in container.mounts if mount.writable]
    ours = [place for place in places if place == USUAL_DIRECTORY or place.startswith(f"{USUAL_DIRECTORY}/")]
    named = [place for place in places if "redis" in place and not place.endswith(SETTINGS_ENDINGS)]
    return next(iter([*ours, *named]), USUAL_DIRECTORY)


def absent(reason: str, nothing: bool = False) -> dict[str, Any]:
    """Return the manifest's line about data that could not be copied; nothing: there were none that could be lost."""
    return {"status": "absent", "reason": reason, **({"nothing": True} if nothing else {})}


def unsaved(data: Mapping[str, Any], undo_data: str) -> str:
    """Return why a run must not change the data: they could not be saved; empty where it may, or does not want to.

    undo_data: what taking the run back does to the data; ``keep`` where the run leaves them alone.
    """
    if undo_data == "keep" or data["status"] != "absent" or data.get("nothing"):
        return ""
    return str(data["reason"])
