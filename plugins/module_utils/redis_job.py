# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring the live data where a mode asks for it: by a delta while Redis runs, by its files where it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from . import counter_record, endpoints, kong_pause, live_state, readiness, redis_delta, redis_files, redis_scratch
from . import redis_families as families
from . import redis_method as how
from .backup_store import BackupStore
from .container import Container
from .docker_stack import DockerStack
from .errors import RecoveryError
from .libraries import redis
from .private_folder import private_folder
from .redis_data import RedisData
from .runner import Runner
from .stack_args import StackArgs

STARTED_SECONDS = 120.0


@dataclass
class Preview:
    """What a restore would do, counted by reads only: mappings before and after, keys restored and removed."""

    mode: str
    method: str
    why: str
    before: int | None = None
    after: int | None = None
    restored: int = 0
    removed: int = 0
    size: int = 0
    conflicts: list[str] = field(default_factory=list)
    counters: int = 0

    @property
    def changes(self) -> bool:
        """Whether anything would change."""
        return bool(self.restored or self.removed or self.counters) or self.method == how.FILE


@dataclass(frozen=True)
class Sources:
    """Scratch servers: wanted holds what shall return, brought what an undo takes away."""

    wanted: redis.Redis | None
    brought: redis.Redis | None


class RedisJob:
    """One change of the live data.

    mode: restore, merge, empty or undo; dump: path of the backup's RDB on this host (empty only for empty); settings:
    method, scope and delta_limit, each with a default. For undo, dump is the snapshot's and settings["brought"] the
    dump that the change to take back had applied (empty where that change emptied).
    """

    def __init__(
        self, stack: StackArgs, engine: DockerStack, runner: Runner, mode: str, dump: str, settings: Mapping[str, Any]
    ) -> None:
        self.stack, self.engine, self.runner, self.mode, self.dump = stack, engine, runner, mode, dump
        self.method = str(settings.get("method") or how.AUTO)
        self.limit = int(settings.get("delta_limit") or how.DELTA_KEYS)
        self.brought = str(settings.get("brought") or "")
        self.floor: dict[bytes, int] = {}
        prefixes = tuple(prefix.encode() for prefix in stack.mapping_prefixes)
        self.selection = redis_delta.Selection(mode, prefixes, str(settings.get("scope") or "mappings"))
        self.container = self._container()
        self.replacing = False

    def _container(self) -> Container:
        container = self.engine.container(self.stack.redis_service)
        if container is None:
            raise RecoveryError(f"{self.stack.redis_service} has no container.", "Roll back first: it is then created.")
        return container

    @contextmanager
    def _source(self) -> Iterator[Sources]:
        """Yield the loaded dumps; None where the mode needs none."""
        with ExitStack() as opened:
            clients = [
                opened.enter_context(redis_scratch.loaded(self.engine, self.runner, self.container.image_id, dump))
                if dump
                else None
                for dump in (
                    "" if self.mode == how.EMPTY else self.dump,
                    self.brought if self.mode == how.UNDO else "",
                )
            ]
            yield Sources(*clients)

    def _live(self) -> tuple[RedisData | None, str]:
        """Return (client of the live server, "") or (None, why there is none)."""
        containers = {self.stack.redis_service: self.container}
        try:
            client = live_state.redis_client(self.stack, containers, live_state.environment(self.stack, self.runner))
        except RecoveryError as exc:
            return None, exc.msg
        about = client.info()
        if about.get("role") == "slave":
            raise RecoveryError("Redis is a replica and takes no writes.", "Restore on its master.")
        return client, ""

    def preview(self) -> Preview:
        """Return what would be done; the dump is loaded in a scratch server, the live one is only read."""
        live, problem = self._live()
        method, why = how.choose(self.method, live is not None, problem)
        found = Preview(self.mode, method, why)
        with self._source() as sources:
            source = sources.wanted
            wanted = redis_delta.mapping_count(source, self.selection) if source is not None else 0
            found.after = wanted
            if live is None:
                return found
            found.before = redis_delta.mapping_count(live.client, self.selection)
            differences = self._compare(live.client, sources)
            found.restored = sum(len(item.writes) for item in differences)
            found.removed = sum(len(item.removals) for item in differences)
            found.size = sum(item.size for item in differences)
            found.conflicts = [redis_delta.shown(key, self.selection) for item in differences for key in item.conflicts]
            found.counters = sum(len(steps) for _number, steps in self._missing(live.client, source))
            if self.mode in (how.MERGE, how.UNDO):
                found.after = found.before + sum(item.balance(self.selection) for item in differences)
            live.close()
        return found

    def _numbers(self, *clients: redis.Redis | None) -> list[int]:
        """Return the databases that any of the servers uses; 0 always, the floor of the counters belongs there."""
        used = (number for client in clients if client is not None for number in redis_delta.databases(client))
        return sorted({0, *used})

    def _counters(self, source: redis.Redis | None, number: int) -> dict[bytes, int]:
        """Return the least that each counter of a database must be."""
        floor = self.floor if number == 0 else {}
        found: dict[bytes, int] = {}
        if source is not None:
            found = redis_delta.counters(redis_delta.select(source, number), self.selection.prefixes)
        return {key: max(found.get(key, 0), floor.get(key, 0)) for key in set(found) | set(floor)}

    def _missing(self, live: redis.Redis, source: redis.Redis | None) -> list[tuple[int, dict[bytes, int]]]:
        """Return (database, increments) by which live counters lag behind."""
        found = []
        for number in self._numbers(live, source):
            now = redis_delta.counters(redis_delta.select(live, number), self.selection.prefixes)
            found.append((number, families.increments(now, self._counters(source, number))))
        return found

    def _compare(self, live: redis.Redis, sources: Sources) -> list[redis_delta.Difference]:
        found = []
        for number in self._numbers(live, sources.wanted):
            wanted, brought = (
                redis_delta.select(client, number) if client is not None else None
                for client in (sources.wanted, sources.brought)
            )
            now = redis_delta.select(live, number)
            found.append(redis_delta.compare(now, wanted, self.selection, number, brought))
        return found

    def run(self) -> dict[str, Any]:
        """Change the live data; return the result of redis_restore."""
        redis_scratch.sweep(self.engine)
        live, problem = self._live()
        method, why = how.choose(self.method, live is not None, problem)
        if method == how.DELTA and live is None:
            raise RecoveryError(f"The delta needs a running Redis: {problem}", "Leave method out.")
        with self._source() as sources:
            by_delta = live if method == how.DELTA else None
            result = self._delta(by_delta, sources) if by_delta is not None else self._file(live, sources)
        return {**result, "method": method, "why": why}

    def _delta(self, live: RedisData, sources: Sources) -> dict[str, Any]:
        """Raise the counters, compare, apply in one transaction; Kong goes on serving below the limit."""
        before = redis_delta.key_count(live.client, self.selection)
        raised = 0
        for number, steps in self._missing(live.client, sources.wanted):
            redis_delta.raise_counters(redis_delta.select(live.client, number), steps)
            raised += len(steps)
        differences = self._compare(live.client, sources)
        keys, size = sum(item.keys for item in differences), sum(item.size for item in differences)
        self._need_room(live, size)
        off = how.kong_must_be_off(how.DELTA, keys, size, self.limit)
        with self._kong_off() if off else nullcontext():
            pause = redis_delta.apply(live.client, differences)
        after = redis_delta.key_count(live.client, self.selection)
        live.close()
        return {
            "changed": bool(keys or raised),
            "keys_before": before,
            "keys_after": after,
            "keys_restored": sum(len(item.writes) for item in differences),
            "keys_removed": sum(len(item.removals) for item in differences),
            "counters_raised": raised,
            "conflicts": [redis_delta.shown(key, self.selection) for item in differences for key in item.conflicts],
            "write_pause_ms": round(pause, 1),
            "kong_off": off,
        }

    def _need_room(self, live: RedisData, size: int) -> None:
        about = live.info()
        limit = int(about.get("maxmemory", 0))
        if limit and int(about.get("used_memory", 0)) + 2 * size > limit:
            raise RecoveryError(
                f"Redis may use {limit >> 20} MiB; {2 * size >> 20} more than now do not fit.",
                "Raise maxmemory: keys would be evicted.",
            )

    def _kong_off(self) -> AbstractContextManager[None]:
        """Return a context in which Kong is off; afterwards it comes back where Redis still serves whole data."""
        return kong_pause.kong_off(
            self.stack, self.engine, self.runner, lambda: not self.replacing and not self._live()[1]
        )

    def _file(self, live: RedisData | None, sources: Sources) -> dict[str, Any]:
        """Build the whole data set in a scratch server, then put its dump where Redis will load it."""
        before = redis_delta.key_count(live.client, self.selection) if live is not None else None
        with private_folder() as folder:
            layout = self._layout(live)
            self._remember_counters(live, sources.wanted)
            with self._kong_off():
                began = self.runner.clock()
                dump, after = self._build(live, sources, folder)
                counter_record.record(
                    self.stack, self.runner, {key.decode(): value for key, value in self.floor.items()}
                )
                self.replacing = True
                self._stopped()
                redis_files.rewrite(self.engine, self.container, layout, dump)
                self._started()
                pause = (self.runner.clock() - began) * 1000
        return {
            "changed": True,
            "keys_before": before,
            "keys_after": after,
            "keys_restored": after,
            "keys_removed": before or 0,
            "counters_raised": 0,
            "conflicts": [],
            "write_pause_ms": round(pause, 1),
            "kong_off": True,
        }

    def _remember_counters(self, live: RedisData | None, source: redis.Redis | None) -> None:
        """Write the counters down before the data goes away: killed in between, the next run cannot read them.

        Where they cannot be read already, begin well above every known one.
        """
        if live is not None:
            held = redis_delta.counters(live.client, self.selection.prefixes)
            counter_record.record(self.stack, self.runner, {key.decode(): value for key, value in held.items()})
            return
        known = counter_record.recorded(self.stack, self.runner)
        for key, value in self._counters(source, 0).items():
            known[key.decode()] = max(known.get(key.decode(), 0), value)
        manifests = BackupStore(self.stack.backup_dir, self.runner).manifests()
        floor = counter_record.floor(manifests, known, self.stack)
        counter_record.record(self.stack, self.runner, floor)
        self.floor = {key.encode(): value for key, value in floor.items()}

    def _layout(self, live: RedisData | None) -> redis_files.Layout:
        """Ask where the data lies: the server itself, else a copy of its container."""
        if live is None:
            passwords = endpoints.redis_passwords(self.container, live_state.environment(self.stack, self.runner))
            return redis_files.ask_layout(self.engine, self.runner, self.container, passwords)
        try:
            settings = {name: str(live.client.config_get(name).get(name, "")) for name in redis_files.SETTINGS}
        except redis.exceptions.ResponseError as exc:
            raise RecoveryError(
                "Redis does not tell its settings: CONFIG is renamed or forbidden.", "Use method delta."
            ) from exc
        return redis_files.Layout.from_settings(settings)

    def _build(self, live: RedisData | None, sources: Sources, folder: str) -> tuple[str, int]:
        """Return (path of the dump to place, keys of the scope in it).

        It holds the backup's keys, the live ones that the scope leaves alone, and counters that never fall. Where the
        live data cannot be read, all of the backup returns: there is nothing else.
        """
        path = os.path.join(folder, redis_scratch.DUMP)
        source = sources.wanted
        readable = live.client if live is not None else None
        everything = redis_delta.Selection(how.RESTORE, self.selection.prefixes, "all")
        with redis_scratch.loaded(self.engine, self.runner, self.container.image_id, "") as target:
            for number in self._numbers(readable, source):
                into = redis_delta.select(target, number)
                wanted = self._counters(source, number)
                if source is not None:
                    chosen = everything if readable is None else self.selection
                    redis_delta.copy(redis_delta.select(source, number), into, chosen)
                if readable is not None:
                    now = redis_delta.select(readable, number)
                    skip = None if self.mode in (how.MERGE, how.UNDO) else self.selection
                    redis_delta.copy(now, into, everything, skip)
                    held = redis_delta.counters(now, self.selection.prefixes)
                    wanted = {key: max(wanted.get(key, 0), held.get(key, 0)) for key in set(wanted) | set(held)}
                if readable is not None and source is not None and self.mode == how.UNDO:
                    # Kong is off and the target holds the live data: the same comparison, applied to the copy.
                    back, away = redis_delta.select(source, number), sources.brought
                    taken = redis_delta.select(away, number) if away is not None else None
                    redis_delta.apply(target, [redis_delta.compare(into, back, self.selection, number, taken)])
                redis_delta.raise_counters(into, wanted)
            count = redis_delta.key_count(target, self.selection)
            redis_scratch.save(target, path)
        return path, count

    def _stopped(self) -> None:
        self.container = self._container()
        if self.container.state not in ("exited", "created", "dead"):
            self.engine.stop(self.container)

    def _started(self) -> None:
        self.engine.start(self._container())
        passwords = endpoints.redis_passwords(self._container(), live_state.environment(self.stack, self.runner))

        def look() -> Container | None:
            return self.engine.container(self.stack.redis_service)

        def ask() -> str:
            return readiness.redis_problem(look(), passwords)

        readiness.wait_ready(ask, look, STARTED_SECONDS, self.runner.clock, self.runner.sleep)
        self.container = self._container()
