# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start a copy of a Redis container with empty data, and ask it where the server keeps its data."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable

from ..engine.container import Container, Mount, from_inspect
from ..engine.docker_stack import DockerStack
from ..engine.endpoints import redis_port
from ..errors import RecoveryError
from ..libraries import docker
from ..redis.redis_data import Access
from ..redis.redis_scratch import owner_labels
from ..runner import Runner
from .redis_layout import Layout, covers, parse_settings

ASK_SECONDS = 15.0

SILENT = "Redis does not tell where its data lie: CONFIG is renamed or forbidden, so its files cannot be replaced."
WHAT_STILL_WORKS = (
    "What still works: every backup, and every change of the data by method delta while Redis runs. Start Redis, and "
    "run the same command again."
)
USUAL = ("dump.rdb", "appendonly.aof", "appendonlydir/appendonly.aof.manifest")
# A copy that knows none of the passwords will not learn one later.
REFUSALS = ("NOAUTH", "WRONGPASS", "invalid username-password")
# What follows them in the command is written by the server, not read.
WRITTEN = ("--dir", "--pidfile", "--logfile", "--unixsocket")


def copy_mounts(container: Container, is_file: Callable[[str], bool]) -> tuple[list[str], dict[str, str]]:
    """Return (binds, tmpfs) of a copy: its configuration as it is and read-only, empty directories for its data.

    A directory is configuration where the command names a file in it; of one that holds data too, which the copy must
    neither load nor change, it gets the named files alone. is_file says so of a path on the host.
    """
    read = _words(container)
    binds: list[str] = []
    tmpfs: dict[str, str] = {}
    for mount in container.mounts:
        named = [word for word in read if covers(mount.destination, word) and word != mount.destination]
        configures = is_file(mount.source) or bool(named and not _holds_data(container, mount, is_file))
        if mount.source and (configures or not mount.writable):
            binds.append(_bind(mount.source, mount.destination))
        elif mount.writable:
            tmpfs[mount.destination] = ""
            places = [(mount.source + word[len(mount.destination.rstrip("/")) :], word) for word in named]
            binds += [_bind(source, word) for source, word in places if mount.source and is_file(source)]
    return binds, tmpfs


def _bind(source: str, inside: str) -> str:
    return f"{source}:{inside}:ro"


def _command(container: Container) -> list[str]:
    """Return the words of the command, those of a ``sh -c "..."`` too."""
    about = container.settings
    lines = [*(about.get("entrypoint") or []), *(about.get("command") or [])]
    return [word.strip("\"'") for line in lines for word in line.split()]


def _words(container: Container) -> list[str]:
    """Return the absolute paths that the command has the server read."""
    words = _command(container)
    return [
        posixpath.normpath(word)
        for before, word in zip(["", *words], words)
        if word.startswith("/") and before not in WRITTEN
    ]


def _holds_data(container: Container, mount: Mount, is_file: Callable[[str], bool]) -> bool:
    """Say whether the server works in a mount, by its working directory, by --dir, or by what lies there."""
    if any(is_file(posixpath.join(mount.source, name)) for name in USUAL):
        return True
    words = _command(container)
    places = [word for before, word in zip(words, words[1:]) if before == "--dir"]
    places = places or [str(container.settings.get("working_dir") or "")]
    return any(covers(mount.destination, place) for place in places)


def ask_layout(
    engine: DockerStack,
    runner: Runner,
    container: Container,
    passwords: list[str],
    access: Access,
    patience: float = ASK_SECONDS,
) -> Layout:
    """Find out where a Redis keeps its data once it is started.

    A copy of its container, with empty directories instead of its data and without network, is started and asked: the
    settings may come from a file, the command or the environment. patience: seconds for the copy to answer.
    """
    try:
        return _ask_copy(engine, runner, container, passwords, access, patience)
    except docker.errors.APIError as exc:
        raise RecoveryError(
            f"Where {container.name} keeps its data is not known: no copy of it can be started: {exc}. "
            "Nothing was changed.",
            f"Look: docker inspect {container.name}",
        ) from exc


def _ask_copy(
    engine: DockerStack,
    runner: Runner,
    container: Container,
    passwords: list[str],
    access: Access,
    patience: float,
) -> Layout:
    about = engine.api.inspect_container(container.id)
    binds, tmpfs = copy_mounts(container, os.path.isfile)
    created = engine.api.create_container(
        container.image_id,
        command=about["Config"].get("Cmd"),
        entrypoint=about["Config"].get("Entrypoint"),
        user=about["Config"].get("User") or None,
        working_dir=about["Config"].get("WorkingDir") or None,
        environment=about["Config"].get("Env"),
        labels=owner_labels(engine, container.image_id),
        host_config=engine.api.create_host_config(binds=binds, tmpfs=tmpfs, network_mode="none"),
    )
    try:
        engine.api.start(created["Id"])
        end = runner.clock() + patience
        while True:
            copy = from_inspect(engine.api.inspect_container(created["Id"]))
            refused = 0
            for password in passwords:
                ask = [*access.words_inside(container, password), "CONFIG", "GET", "*"]
                said = engine.execute(copy, ask, {"REDISCLI_AUTH": password})[1].decode("utf-8", "replace")
                settings = parse_settings(said)
                if "dbfilename" in settings:
                    return Layout.from_settings(settings)
                refused += any(word in said for word in REFUSALS)
                if "unknown command" in said or "NOPERM" in said:
                    raise RecoveryError(SILENT, WHAT_STILL_WORKS)
            if refused == len(passwords):
                raise RecoveryError(
                    f"Where {container.name} keeps its data is not known: a copy of it takes none of the known "
                    "passwords. Nothing was changed.",
                    "Give its password as stack_redis_password, and its user as stack_redis_user where it has one.",
                )
            # One that ends at once, as for an error in its configuration, will not answer later either.
            if runner.clock() > end or copy.state in ("exited", "dead"):
                raise RecoveryError(
                    f"Where {container.name} keeps its data is not known: a copy of it with empty data does not answer "
                    f"{'TLS ' if access.tls else ''}on port {redis_port(container, access.port, access.tls)} "
                    f"{'and has ended' if copy.state in ('exited', 'dead') else f'within {patience:.0f} s'}. "
                    "Nothing was changed.",
                    "Where it listens on another port, set stack_redis_port; where it speaks TLS only, "
                    f"stack_redis_tls. Otherwise look: docker logs {container.name}",
                )
            runner.sleep(0.1)
    finally:
        engine.api.remove_container(created["Id"], force=True, v=True)
