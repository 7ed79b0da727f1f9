# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compose command lines and the reading of what Compose prints. Nothing here starts a process."""

from __future__ import annotations

import json
import math
import os
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..errors import RecoveryError
from ..stack_args import StackArgs
from .container import Container

CLIENTS = (("docker", "compose"), ("docker-compose",))
# Where Compose puts what a service is given beside its volumes, unless the definition says another place.
INJECTED = {"secrets": "/run/secrets", "configs": "/"}
# What no definition names: the engine's own variables, and proxies of the Docker client's settings that Compose adds.
_ADDED = re.compile(r"PATH|HOSTNAME|HOME|(?i:(?:http|https|ftp|no|all)_proxy)")
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30}


def command(stack: StackArgs, client: Iterable[str], *words: str, names: Collection[str] | None = None) -> list[str]:
    """Return a Compose call with everything explicit, so that nothing of the caller's shell or directory counts.

    names: the files that will be there, relative to the stack; None for those on the disk now. A stack may have no
    environment file at all, and Compose ends where one is named that is not there.
    """
    folder = stack.deployed_from or stack.dir
    cmd = [*client, "--project-name", stack.project, "--project-directory", folder]
    for name in stack.definition(names):
        cmd += ["--file", os.path.normpath(os.path.join(folder, name))]
    if stack.env_file and stack.has(stack.env_file, names):
        cmd += ["--env-file", os.path.normpath(os.path.join(folder, stack.env_file))]
    return [*cmd, *words]


def recreate(stack: StackArgs, client: Iterable[str], service: str, grace: int | None = None) -> list[str]:
    """Return the call that replaces one service's container, no other, without building or pulling.

    grace: seconds before the old one is killed; None for the service's own.
    """
    words = ["up", "--detach", "--no-deps", "--no-build", "--pull", "never", "--force-recreate"]
    words += [] if grace is None else ["--timeout", str(grace)]
    return command(stack, client, *words, service)


def resolved(stack: StackArgs, client: Iterable[str], every_profile: bool = False) -> list[str]:
    """Return the call that prints what the files on disk mean; every_profile: with services that are not active too."""
    profiles = ("--profile", "*") if every_profile else ()
    return command(stack, client, *profiles, "config", "--format", "json")


def parse_resolved(output: str, doubled: bool = True) -> dict[str, Any]:
    """Return service → definition from ``config --format json``.

    doubled: filled in output doubles every dollar sign, output of ``--no-interpolate`` is as the file has it. The files
    of secrets and configs, which stand outside the services, are added to the volumes: Compose mounts them like those.
    """
    try:
        document = json.loads(output.replace("$$", "$") if doubled else output)
        services = document["services"] or {}
        return {name: _with_given_files(document, definition) for name, definition in services.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise RecoveryError(
            "`docker compose config` printed no services.", "Run it by hand in the stack's directory and mend the file."
        ) from exc


def _with_given_files(document: Mapping[str, Any], definition: Any) -> Any:
    """Return a service definition with the files of its secrets and configs among its volumes.

    What comes from no file is not mounted.
    """
    found = []
    for kind, place in INJECTED.items():
        for given in (definition or {}).get(kind) or []:
            item = {"source": given} if isinstance(given, str) else given
            path = ((document.get(kind) or {}).get(item["source"]) or {}).get("file")
            if path:
                target = posixpath.join(place, item.get("target") or item["source"])
                found.append({"type": "bind", "source": path, "target": target, "read_only": True})
    return {**definition, "volumes": [*(definition.get("volumes") or []), *found]} if found else definition


def environment(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return variable → value of a service definition, None where it has none; templates may still have a list."""
    given = definition.get("environment") or {}
    if isinstance(given, Mapping):
        return dict(given)
    rows = [str(item).partition("=") for item in given]
    return {name: value if sign else None for name, sign, value in rows}


def parse_networks(output: str) -> dict[str, Any]:
    """Return network → definition from ``config --format json``; empty where there is none to be read."""
    try:
        return dict(json.loads(output).get("networks") or {})
    except (ValueError, AttributeError):
        return {}


def memory_bytes(value: Any) -> int:
    """Return a Compose memory size (``512m``, ``1g``, ``536870912``) in bytes; 0 when there is no limit."""
    if value in (None, "", 0, "0"):
        return 0
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", str(value).strip().lower().replace("ib", "b"))
    if not match or match.group(2) not in _UNITS:
        raise RecoveryError(f"{value!r} is no memory size that Compose understands.", "Write it like 512m or 1g.")
    return int(float(match.group(1)) * _UNITS[match.group(2)])


def memory_template(definition: Mapping[str, Any]) -> str:
    """Return the memory limit of a service definition as written, from either of the two places it may stand."""
    limits = ((definition.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    return str(definition.get("mem_limit") or limits.get("memory") or "")


def drift(
    definition: Mapping[str, Any], running: Container, image_env: Mapping[str, str]
) -> dict[str, tuple[Any, Any]]:
    """Return what would change if Compose deployed this definition now: field → (running, on disk).

    Compose's own hash cannot tell: it lies where a service uses env_file. Environment is compared variable by variable
    (``env.NAME``); what the image itself sets is no difference. One that is passed through and not set is not there,
    whatever the image says.
    """
    found: dict[str, tuple[Any, Any]] = {}
    wanted_env = {name: value if value is None else str(value) for name, value in environment(definition).items()}
    for name in sorted(set(wanted_env) | set(running.env)):
        now = running.env.get(name)
        then = wanted_env.get(name, image_env.get(name))
        if name not in wanted_env and name not in image_env and _ADDED.fullmatch(name):
            continue
        if now != then:
            found[f"env.{name}"] = (now, then)
    if definition.get("image") and definition["image"] != running.image_ref:
        found["image"] = (running.image_ref, definition["image"])
    if memory_bytes(memory_template(definition)) != running.settings["memory"]:
        found["memory"] = (running.settings["memory"], memory_bytes(memory_template(definition)))
    found.update(_other_settings(definition, running.settings))
    ports = sorted(
        f"{item.get('published')}:{item['target']}" for item in definition.get("ports") or [] if item.get("published")
    )
    bound = sorted(
        f"{item['HostPort']}:{inside.split('/')[0]}"
        for inside, items in running.settings["ports"].items()
        for item in items or []
        if item.get("HostPort")
    )
    if ports != bound:
        found["ports"] = (bound, ports)
    wanted = [
        (item.get("source"), item["target"]) for item in definition.get("volumes") or [] if item["type"] == "bind"
    ]
    mounts, held = (
        _binds(wanted),
        _binds((item.source, item.destination) for item in running.mounts if item.type == "bind"),
    )
    if mounts != held:
        found["mounts"] = (held, mounts)
    return found


def _other_settings(definition: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the plain settings that differ; what a definition leaves to its image is no difference."""
    wanted = {name: definition[name] for name in ("command", "entrypoint", "user") if definition.get(name) is not None}
    limits = ((definition.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    found = {name: (now[name], value) for name, value in wanted.items() if now[name] != value}
    cpus = float(definition.get("cpus") or limits.get("cpus") or 0)
    # Compose counts with numbers of seven digits.
    if not math.isclose(now["cpus"], cpus, rel_tol=1e-6):
        found["cpus"] = (now["cpus"], cpus)
    policy = str(definition.get("restart") or "").partition(":")[0]
    # What is kept off for a while has the weaker of the two.
    alike = {"": "no", "always": "unless-stopped"}
    beaten = (definition.get("deploy") or {}).get("restart_policy")
    if policy and not beaten and alike.get(policy, policy) != alike.get(now["restart"], now["restart"]):
        found["restart"] = (now["restart"], policy)
    return found


def _binds(pairs: Iterable[tuple[Any, str]]) -> list[str]:
    """Return bind mounts as text; the stack's directory may be reached by a link, and is the same then."""
    return sorted(f"{os.path.realpath(str(source))}:{target}" for source, target in pairs)


def start_order(depends_on: Mapping[str, Iterable[str]]) -> list[str]:
    """Return every service after those it depends on; names break ties, and a circle is walked once."""
    order: list[str] = []

    def visit(service: str, above: frozenset[str]) -> None:
        if service in order or service in above:
            return
        for other in sorted(depends_on.get(service, ())):
            visit(other, above | {service})
        order.append(service)

    for name in sorted(depends_on):
        visit(name, frozenset())
    return order


def needed_by(depends_on: Mapping[str, Iterable[str]], services: Iterable[str]) -> set[str]:
    """Return the given services and everything they depend on, at any distance."""
    found: set[str] = set()
    waiting = list(services)
    while waiting:
        service = waiting.pop()
        if service not in found:
            found.add(service)
            waiting += list(depends_on.get(service, ()))
    return found
