"""The exact state of a stack, and the differences between two states.

Tests compare states, not messages: every byte on disk, every container as the engine describes it, every key in Redis.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import redis
from leftovers import KEEP_LABEL
from outside import StackError, run
from reference_stack import ReferenceStack

OF_TESTS = "kmr-"
NOT_CONFIGURATION = ("redis/data", "logs", "backups", ".recovery")
# Of a container's fields, those that say which container it is and since when it runs.
IDENTITY = ("id", "started_at")


@dataclasses.dataclass
class State:
    """files: path → bytes, mode, uid, gid; services: service → facts; keys: Redis key → type, DUMP, absolute expiry."""

    files: dict[str, tuple[bytes, int, int, int]]
    services: dict[str, dict[str, Any]]
    kong_hash: str
    keys: dict[str, tuple[str, bytes, int]]
    images: dict[str, str]

    def identities(self) -> dict[str, tuple[str, str]]:
        """Which containers run, and since when: equal before and after means that nothing was restarted."""
        return {name: (facts["id"], facts["started_at"]) for name, facts in self.services.items()}


def capture(stack: ReferenceStack) -> State:
    """Look at everything."""
    services = {name: container_facts(found) for name, found in stack.containers().items()}
    try:
        kong_hash = stack.kong_hash()
    except Exception:  # noqa: BLE001  a Kong that does not answer is a state too
        kong_hash = "no answer"
    images = {facts["image_ref"]: image_id(facts["image_ref"]) for facts in services.values()}
    return State(files_below(stack.directory), services, kong_hash, redis_keys(stack), images)


def container_facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `docker inspect` that a release consists of."""
    return {
        "id": found["Id"],
        "started_at": found["State"]["StartedAt"],
        "status": found["State"]["Status"],
        "image_ref": found["Config"]["Image"],
        "image_id": found["Image"],
        "environment": sorted(found["Config"]["Env"]),
        "memory": found["HostConfig"]["Memory"],
        "command": found["Config"]["Cmd"],
        "networks": sorted(found["NetworkSettings"]["Networks"]),
        "ports": found["HostConfig"]["PortBindings"],
        "mounts": sorted((item.get("Source", ""), item["Destination"], item["RW"]) for item in found["Mounts"]),
        "config_hash": found["Config"]["Labels"].get("com.docker.compose.config-hash", ""),
    }


def environment_of(state: State, service: str) -> dict[str, str]:
    """A container's environment as a mapping; a name that was passed through and is not set stands there alone."""
    return dict(entry.split("=", 1) for entry in state.services[service]["environment"] if "=" in entry)


def image_id(reference: str) -> str:
    """The id that a reference names now; empty for none."""
    return run(["docker", "image", "inspect", "--format", "{{.Id}}", reference], check=False).stdout.strip()


def files_below(root: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """Every configuration file below the stack's directory: bytes (a link's target), mode, owner, group."""
    return {
        relative: (
            os.readlink(path).encode() if stat.S_ISLNK(about.st_mode) else path.read_bytes(),
            about.st_mode,
            about.st_uid,
            about.st_gid,
        )
        for relative, path in _walk(root)
        for about in [path.lstat()]
    }


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    for parent, folders, names in os.walk(root):
        here = os.path.relpath(parent, root)
        folders[:] = sorted(name for name in folders if os.path.normpath(f"{here}/{name}") not in NOT_CONFIGURATION)
        for name in sorted(names):
            yield os.path.normpath(f"{here}/{name}"), Path(parent) / name


def put_files(
    root: Path, wanted: Mapping[str, tuple[bytes, int, int, int]], now: Mapping[str, tuple[bytes, int, int, int]]
) -> set[str]:
    """Make the files below root those again; answer the paths that were not."""
    changed = {path for path in {*wanted, *now} if wanted.get(path) != now.get(path)}
    for path in changed:
        full = root / path
        if path not in wanted:
            full.unlink()
            continue
        content, mode, uid, gid = wanted[path]
        full.parent.mkdir(parents=True, exist_ok=True)
        if full.is_symlink() or full.is_dir():
            shutil.rmtree(full) if full.is_dir() and not full.is_symlink() else full.unlink()
        full.write_bytes(content)
        os.chown(full, uid, gid)
        full.chmod(stat.S_IMODE(mode))
    return changed


def connect(stack: ReferenceStack) -> redis.Redis:
    """A client of the live Redis."""
    return redis.Redis(host="127.0.0.1", port=stack.ports.redis, password=stack.redis_password, socket_timeout=10)


def redis_keys(stack: ReferenceStack) -> dict[str, tuple[str, bytes, int]]:
    """Every key with its type, its DUMP and its absolute time of expiry (ms); empty where Redis does not answer."""
    try:
        with connect(stack) as client:
            names = sorted(client.scan_iter(count=1000))
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.type(name).dump(name).execute_command("PEXPIRETIME", name)
            answers = pipe.execute()
    except redis.RedisError:
        return {}
    rows = zip(names, answers[0::3], answers[1::3], answers[2::3], strict=True)
    return {name.decode(): (kind.decode(), dump, expiry) for name, kind, dump, expiry in rows}


def mappings(stack: ReferenceStack) -> dict[str, bytes]:
    """The masking plugin's own keys but for its counters: key to serialised value."""
    return {
        name: dump
        for name, (_kind, dump, _expiry) in redis_keys(stack).items()
        if name.startswith("aws_masker:") and ":cnt:" not in name
    }


def put_keys(stack: ReferenceStack, keys: Mapping[str, tuple[str, bytes, int]]) -> None:
    """Make the live Redis hold exactly these keys."""
    with connect(stack) as client:
        pipe = client.pipeline().flushall()
        for name, (_kind, dump, expiry) in keys.items():
            pipe.restore(name, max(0, expiry), dump, absttl=expiry > 0)
        pipe.execute()


def differences(before: State, after: State, *, identity: bool = True, data: bool = True) -> list[str]:
    """What differs, a line each; empty when the states are equal. Without identity: the release, whoever carries it."""
    found = [*_compare("file", before.files, after.files), *_compare("image", before.images, after.images)]
    ignored = () if identity else IDENTITY
    for name in sorted({*before.services, *after.services}):
        old, new = (
            {field: value for field, value in state.services.get(name, {}).items() if field not in ignored}
            for state in (before, after)
        )
        found += _compare(f"service {name}", old, new)
    found += _compare("kong", {"hash": before.kong_hash}, {"hash": after.kong_hash})
    return found + (_compare("key", before.keys, after.keys) if data else [])


def lost(before: State, after: State) -> list[str]:
    """What became of the data in a run that keeps it: nothing may be missing or changed, and no counter may fall.

    A probe may use up a number: alias counters may rise, because a number must never be given out twice.
    """
    found = []
    for name, (kind, dump, expiry) in before.keys.items():
        now = after.keys.get(name)
        counter = ":cnt:" in name and now is not None
        if counter and _number(now[1]) >= _number(dump):
            continue
        if now != (kind, dump, expiry):
            found.append(f"key {name}: {(kind, dump, expiry)} → {now}")
    return found


def untouched(before: State, after: State) -> list[str]:
    """What a run that must change nothing changed: anything but the numbers that a probe used up."""
    new = sorted({*after.keys} - {*before.keys})
    added = [f"key {name} is new" for name in new if ":cnt:" not in name]
    return differences(before, after, data=False) + lost(before, after) + added


def _number(dump: bytes) -> int:
    """The integer in a DUMP of a string that holds one; small ones stand there as 1, 2 or 4 bytes, others as text."""
    size = {0xC0: 1, 0xC1: 2, 0xC2: 4}.get(dump[1])
    return int.from_bytes(dump[2 : 2 + size], "little", signed=True) if size else int(dump[2 : 2 + dump[1]])


def _compare(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [
        f"{what} {name}: {str(old.get(name))[:300]} → {str(new.get(name))[:300]}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def containers_outside(project: str) -> dict[str, Any]:
    """Every container that is not this project's, those aside that only hold an image for a backup."""
    rows = run(["docker", "ps", "-aq", "--no-trunc"]).stdout.split()
    ours = set(run(["docker", "ps", "-aq", "--no-trunc", "--filter", f"label={KEEP_LABEL}"]).stdout.split())
    label = f"label=com.docker.compose.project={project}"
    ours |= set(run(["docker", "ps", "-aq", "--no-trunc", "--filter", label]).stdout.split())
    others = [one for one in rows if one not in ours]
    found = json.loads(run(["docker", "inspect", *others], check=False).stdout) if others else []
    return {
        item["Name"]: {
            "id": item["Id"],
            "started_at": item["State"]["StartedAt"],
            "status": item["State"]["Status"],
            "networks": {name: one["IPAddress"] for name, one in item["NetworkSettings"]["Networks"].items()},
        }
        for item in found
    }


def names_of(kind: str, project: str) -> list[str]:
    """All networks, or all volumes, of the engine, those of stacks that are tested at the same time aside."""
    found = run(["docker", kind, "ls", "--format", "{{.Name}}"]).stdout.split()
    return sorted(name for name in found if not name.startswith(OF_TESTS) or name.startswith(project))


def network_id(name: str) -> str:
    """The id of a network; empty when there is none."""
    return run(["docker", "network", "inspect", "--format", "{{.Id}}", name], check=False).stdout.strip()


def wait_masked(stack: ReferenceStack, seconds: float = 30) -> None:
    """Wait until a masking request passes; raise where it does not within the time, or at once where it leaks."""
    end = time.monotonic() + seconds
    while True:
        try:
            if stack.probe():
                return
        except StackError:
            raise
        except Exception:  # noqa: BLE001  not yet
            pass
        if time.monotonic() > end:
            raise StackError("no masking request passed")
        time.sleep(0.1)
