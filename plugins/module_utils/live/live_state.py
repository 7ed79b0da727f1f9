# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at what runs now, by reads only: containers, mounted files as containers see them, Kong, Redis."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..configuration import config_files, mounted_tree
from ..engine import endpoints, env_file
from ..engine.container import Container
from ..engine.docker_stack import DockerStack
from ..engine.first_process import need_awake, stopped
from ..errors import RecoveryError
from ..gateway import kong_inside
from ..gateway.kong_admin import KongAdmin
from ..libraries import redis
from ..redis.redis_data import Access, RedisData
from ..runner import Runner
from ..stack_args import StackArgs

ADMIN_SECONDS = 3.0
NO_SUCH_COMMAND = (126, 127)


def seen_inside(engine: DockerStack, container: Container, paths: Iterable[str]) -> dict[str, str]:
    """Return path inside → SHA-256 as the container sees it; an unreadable path is left out.

    The host's view is no evidence: a file replaced by rename stays the old one in the container.
    """
    wanted = list(paths)
    if not wanted or not container.running:
        return {}
    status, out, _err = engine.execute(container, ["sha256sum", "--", *wanted])
    found = {}
    if status in NO_SUCH_COMMAND:
        for path in wanted:
            status, content, _err = engine.execute(container, ["cat", path])
            if status == 0:
                found[path] = hashlib.sha256(content).hexdigest()
        return found
    for line in out.decode("utf-8", "replace").splitlines():
        digest, _space, name = line.partition("  ")
        if len(digest) == 64:
            found[name] = digest
    return found


def inside_paths(stack: StackArgs, mounts: Iterable[config_files.MountedPath]) -> dict[str, str]:
    """Return path relative to the stack → path inside the container, for every file of the mounts.

    A link inside a mounted directory has no content of its own, and is the same on both sides. A file in whose place
    the container sees another mount is not there for it.
    """
    found = {}
    for mount in mounts:
        files = mounted_tree.look(stack, [mount.path], mount.spared).files if mount.directory else {mount.path}
        for path in sorted(files):
            if mount.shows(path):
                found[path] = mount.place(path)
    return found


def stale_files(
    stack: StackArgs, engine: DockerStack, runner: Runner, containers: Mapping[str, Container]
) -> dict[str, dict[str, str]]:
    """Return service → {path: SHA-256 inside} of the files that a container sees otherwise than the host."""
    mounts = config_files.mounted(stack, containers)

    def one(service: str) -> dict[str, str]:
        paths = inside_paths(stack, mounts[service])
        seen = seen_inside(engine, containers[service], paths.values())
        return {
            path: seen[inside]
            for path, inside in paths.items()
            if inside in seen
            and (not runner.exists(stack.path(path)) or seen[inside] != runner.sha256(stack.path(path)))
        }

    services = [name for name in containers if mounts[name]]
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(services)))) as pool:
        return {name: found for name, found in zip(services, pool.map(one, services)) if found}


def _awake(kong: Container | None) -> Container | None:
    return kong if kong is not None and kong.running and not stopped(kong) else None


def admin_client(engine: DockerStack, containers: Mapping[str, Container], service: str) -> KongAdmin | None:
    """Return a client that reads the running Kong's Admin API; None where nothing accepts a connection.

    By default Kong listens inside its container only, and is then asked there.
    """
    kong = _awake(containers.get(service))
    return kong_inside.client(engine, kong, ADMIN_SECONDS) if kong else None


def loading_client(engine: DockerStack, containers: Mapping[str, Container], service: str) -> KongAdmin | None:
    """Return a client that can load a configuration into the running Kong; None where it takes none from outside.

    Several containers of Kong would each have to take it: they read their file when they start.
    """
    kong = _awake(containers.get(service))
    if kong is None or len(engine.replicas(service)) > 1:
        return None
    return kong_inside.over_network(kong, ADMIN_SECONDS)


def kong_hash(engine: DockerStack, containers: Mapping[str, Container], service: str) -> str | None:
    """Return the hash of the configuration that Kong serves, empty for none; None when it cannot be known.

    Older Kongs show no hash before the first POST /config, whatever they serve.
    """
    admin = admin_client(engine, containers, service)
    try:
        if admin is None:
            return None
        loaded = admin.loaded_hash()
        return loaded if loaded or admin.facts().hash_at_start else None
    except RecoveryError:
        return None


def identities(containers: Mapping[str, Container]) -> dict[str, dict[str, str]]:
    """Return service → what tells one container of it from another, in the terms in which backups record theirs."""
    return {name: {"image_id": item.image_id, "config_hash": item.config_hash} for name, item in containers.items()}


def environment(stack: StackArgs, runner: Runner) -> dict[str, str]:
    """Return the variables of the stack's environment file on disk; empty when there is none."""
    path = stack.path(stack.env_file)
    return env_file.parse(runner.read(path)) if os.path.isfile(path) else {}


def redis_access(stack: StackArgs) -> Access:
    """Return how the stack's Redis is spoken to."""
    return Access(
        stack.redis_user,
        stack.redis_tls,
        stack.redis_ca or "",
        stack.redis_port,
        named=bool(stack.redis_host),
        database=stack.redis_database,
    )


def redis_passwords(stack: StackArgs, container: Container | None, env: dict[str, str]) -> list[str]:
    """Return the passwords to try: the given one, the container's, the file's, none."""
    known = endpoints.redis_passwords(container, env) if container is not None else [env.get("REDIS_PASSWORD", ""), ""]
    return list(dict.fromkeys([stack.redis_password, *known] if stack.redis_password else known))


def redis_client(stack: StackArgs, containers: Mapping[str, Container], env: dict[str, str]) -> RedisData:
    """Return a client for the running Redis; raise when it is not there or does not let us in."""
    if stack.redis_host:
        place = (stack.redis_host, stack.redis_port)
        return RedisData(place, redis_passwords(stack, None, env), access=redis_access(stack))
    container = containers.get(stack.redis_service)
    if container is None or not container.running:
        state = container.state if container else "absent"
        raise RecoveryError(f"Redis ({stack.redis_service}) is {state}, expected running.")
    need_awake(container)
    access = redis_access(stack)
    found = endpoints.reachable(endpoints.redis(container, access.port, access.tls))
    if found is None:
        port = endpoints.redis_port(container, access.port, access.tls)
        raise RecoveryError(
            f"Redis ({container.name}) runs but accepts no connection on port {port}.",
            "Where it listens on another one, set stack_redis_port; where it speaks TLS only, stack_redis_tls.",
            unreachable=True,
        )
    return RedisData(found, redis_passwords(stack, container, env), access=access)


def data_facts(
    stack: StackArgs, containers: Mapping[str, Container], env: dict[str, str]
) -> tuple[dict[str, Any], str]:
    """Return (facts of the live data set, "") or ({}, why they cannot be read)."""
    try:
        client = redis_client(stack, containers, env)
    except RecoveryError as exc:
        return {}, exc.msg
    try:
        return client.facts(stack.mapping_prefixes), ""
    except RecoveryError as exc:
        return {}, f"not measured: {exc.msg}"
    except redis.exceptions.RedisError as exc:
        return {}, f"not measured: Redis broke off: {type(exc).__name__}."
    finally:
        client.close()
