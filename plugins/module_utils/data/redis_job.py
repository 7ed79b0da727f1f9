# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring the live data where a mode asks for it: by a delta while Redis runs, by its files where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from ..checks import FAILED, PASSED, Check
from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..live import redis_live
from ..live.redis_layout import Layout
from ..live.redis_live import LiveRedis
from ..redis import redis_compare, redis_delta, redis_keys, redis_pairs, redis_scratch, redis_values
from ..redis import redis_families as families
from ..redis import redis_method as how
from ..redis.redis_data import RedisData
from ..runner import Runner
from ..stack_args import StackArgs
from .counter_record import CounterFloor
from .redis_preview import Preview
from .redis_replace import FileChange

SHOWN = 20


@dataclass(frozen=True)
class Opened:
    """The scratch servers of a run, and how many keys of the backup had lived too long."""

    sources: redis_compare.Sources
    expired: int | None


class RedisJob:
    """One change of the live data.

    mode: restore, merge, empty or undo; dump: path of the backup's RDB on this host (empty only for empty); settings:
    method, scope, databases, keep_counters, delta_limit and revives_kong (whether a Kong that an interrupted change had
    left off comes back with this one), each with a default. For undo, dump is the snapshot's and
    settings["brought"] the dump that the change to take back had applied (empty where that change emptied).
    """

    def __init__(
        self, stack: StackArgs, engine: DockerStack, runner: Runner, mode: str, dump: str, settings: Mapping[str, Any]
    ) -> None:
        self.stack, self.engine, self.runner, self.mode, self.dump = stack, engine, runner, mode, dump
        self.method = str(settings.get("method") or how.AUTO)
        self.limit = int(settings.get("delta_limit") or how.DELTA_KEYS)
        self.brought = str(settings.get("brought") or "")
        self.selection = redis_keys.Selection(
            mode,
            tuple(prefix.encode() for prefix in stack.mapping_prefixes),
            str(settings.get("scope") or "mappings"),
            tuple(int(number) for number in settings.get("databases") or ()),
            bool(settings.get("keep_counters", True)),
        )
        self.target = LiveRedis(stack, engine, runner, bool(settings.get("revives_kong")))
        self.floor = CounterFloor(stack, runner, self.selection.prefixes)

    @contextmanager
    def _opened(self) -> Iterator[Opened]:
        """Yield the loaded dumps; None where the mode needs none."""
        image = self.target.image_id if self.dump or self.brought else ""
        with ExitStack() as opened:

            def load(dump: str) -> redis_scratch.Scratch:
                return opened.enter_context(redis_scratch.scratch(self.engine, self.runner, image, dump))

            wanted = load(self.dump) if self.mode != how.EMPTY else None
            brought = load(self.brought) if self.mode == how.UNDO and self.brought else None
            sources = redis_compare.Sources(wanted.client if wanted else None, brought.client if brought else None)
            yield Opened(sources, wanted.expired if wanted is not None else None)

    def _choose(self, live: RedisData | None, problem: str) -> tuple[str, str]:
        method, why = how.choose(self.method, live is not None, problem, self.target.managed)
        if method == how.DELTA and live is None:
            raise RecoveryError(f"The delta needs a running Redis: {problem}", "Leave method out.")
        return method, why

    def _replaceable(self, problem: str, restarts: bool = False) -> Layout:
        """Return where a Redis that cannot answer keeps its data; raise where it only listens elsewhere than expected.

        A rollback restarts it first, which may bring it back to us: only one whose copy is not found either is refused.
        """
        if not restarts:
            self.target.need_silent(problem)
        layout = self.target.layout(None)
        if self.method == how.FILE:
            self.target.need_place(layout)
        return layout

    def preview(self, restarts: bool = False) -> Preview:
        """Return what would be done; the dump is loaded in a scratch server, the live one is only read.

        restarts: whether whoever asks starts a Redis that cannot answer before the data are changed.
        """
        live, problem = self.target.connect()
        found = Preview(self.mode, *self._choose(live, problem))
        if live is None and (self.target.container().running or not restarts):
            self._replaceable(problem, restarts)
        with self._opened() as opened:
            wanted = opened.sources.wanted
            held = redis_keys.census(wanted, self.selection) if wanted is not None else redis_keys.Census()
            found.after, found.keys_after = held.maps, held.keys
            if wanted is not None:
                found.alive = redis_keys.census(wanted, redis_keys.Selection(self.mode, (), "all")).keys
                found.expired = opened.expired
            if live is None:
                return found
            differences = self._compare(live, opened.sources)
            now = sum((item.live for item in differences), redis_keys.Census())
            found.before, found.keys_before = now.maps, now.keys
            found.restored = sum(item.restored for item in differences)
            found.removed = sum(item.removed for item in differences)
            found.size = sum(item.size for item in differences)
            found.conflicts = self._shown(key for item in differences for key in item.conflicts)
            found.counters = sum(len(steps) for _number, steps in self._missing(live, opened.sources))
            found.after = now.maps + sum(item.balance for item in differences)
            found.keys_after = now.keys + sum(item.growth for item in differences)
            found.warnings = self._warnings(live, differences)
            why_not = self._too_much(live, opened.sources, differences) if found.method == how.DELTA else ""
            found.method, found.why = (how.FILE, why_not) if why_not else (found.method, found.why)
            if found.method == how.FILE:
                self.target.need_place(self.target.layout(live))
                found.warnings += [self.target.drift] if self.target.drift else []
            live.close()
        return found

    def _shown(self, keys: Any) -> list[str]:
        return [redis_keys.shown(key, self.selection) for key in keys]

    def _warnings(self, live: RedisData, differences: list[redis_compare.Difference]) -> list[str]:
        """Return what an operator must know beside the numbers."""
        found = redis_live.warnings(live.info())
        collided = [key for item in differences for key in item.collisions]
        if collided:
            named = ", ".join(self._shown(collided[:3]))
            found.append(
                f"{len(collided)} aliases mean another resource in the backup: an answer under way would be unmasked "
                f"to it ({named}{', …' if len(collided) > 3 else ''})"
            )
        if not self.selection.keep_counters:
            found.append("alias counters are set back: aliases of before may be given to other resources")
        return found

    def _numbers(self, live: RedisData, sources: redis_compare.Sources) -> list[int]:
        """Return the databases that any of the servers uses; the plugin's always, unless it is left out."""
        clients = [client for client in (live.client, sources.wanted, sources.brought) if client is not None]
        used = {number for client in clients for number in redis_keys.databases(client, self.selection)}
        own = self.floor.database
        return sorted(used | ({own} if not self.selection.databases or own in self.selection.databases else set()))

    def _missing(self, live: RedisData, sources: redis_compare.Sources) -> list[tuple[int, dict[bytes, int]]]:
        """Return (database, increments) by which live counters lag behind."""
        if not self.selection.keep_counters:
            return []
        found = []
        for number in self._numbers(live, sources):
            now = redis_keys.counters(live.client, number, self.selection.prefixes)
            found.append((number, families.increments(now, self.floor.of(number, sources.wanted))))
        return found

    def _compare(self, live: RedisData, sources: redis_compare.Sources) -> list[redis_compare.Difference]:
        if sources.wanted is not None:
            redis_values.need_readable(sources.wanted.info("server")["redis_version"], live.info()["redis_version"])
        numbers = self._numbers(live, sources)
        # Where files cannot be replaced, everything is changed by the delta, however much it is.
        limit = how.FILE_KEYS if self.method == how.AUTO and self.target.replaceable(live) else None
        return [redis_compare.compare(live.client, sources, self.selection, number, limit) for number in numbers]

    def run(self) -> dict[str, Any]:
        """Change the live data; return the result of redis_restore."""
        redis_scratch.sweep(self.engine)
        live, problem = self.target.connect()
        method, why = self._choose(live, problem)
        with ExitStack() as held:
            # The dump first: one that cannot be read must not take Kong off.
            opened = held.enter_context(self._opened())
            layout: Layout | None = None
            came_back = self.target.revives_kong and self.target.kong_left_off()
            if came_back:
                held.enter_context(self.target.kong_off())
            if live is None:
                # Before Kong goes: where this fails, Redis may be healthy and merely listen elsewhere, and nobody could
                # tell that Kong may come back.
                layout = self._replaceable(problem)
                held.enter_context(self.target.kong_off())
                live, problem = self.target.wake(layout)
                if live is not None:
                    self.floor.doubt(live.client, opened.sources.wanted)
                if live is not None and self.method == how.AUTO:
                    method, why = how.DELTA, "Redis was merely stopped"
            result = None
            if live is not None and method == how.DELTA:
                self.target.forget_old(live)
                result, why_not = self._delta(live, opened.sources)
                method, why = (method, why) if result is not None else (how.FILE, why_not)
            if result is None:
                change = FileChange(self.target, self.selection, self.floor)
                layout = layout or self.target.layout(live)
                self.target.need_place(layout)
                result = change.run(live, opened.sources, layout)
        if not self.selection.keep_counters:
            self.floor.forget()
        result["changed"] = result["changed"] or came_back
        return self._finished({**result, "method": method, "why": why, "expired": opened.expired})

    def _raised(self, live: RedisData, sources: redis_compare.Sources) -> int:
        """Raise the counters; return how many lagged behind."""
        missing = self._missing(live, sources)
        for number, steps in missing:
            redis_delta.raise_counters(live.client, number, steps)
        return sum(len(steps) for _number, steps in missing)

    def _delta(self, live: RedisData, sources: redis_compare.Sources) -> tuple[dict[str, Any] | None, str]:
        """Compare, raise the counters, apply in one transaction; Kong goes on serving below the limit.

        Return (result, ""), or (None, why the files are replaced instead); no key was changed then.
        """
        differences = self._compare(live, sources)
        why_not = self._too_much(live, sources, differences)
        raised = 0 if why_not else self._raised(live, sources)
        if raised:
            # An alias that was given out meanwhile may be one that the backup brings; from now on none is.
            differences = self._compare(live, sources)
            why_not = self._too_much(live, sources, differences)
        if why_not:
            return None, why_not
        keys, size = sum(item.keys for item in differences), sum(item.size for item in differences)
        off = how.kong_must_be_off(how.DELTA, keys, size, self.limit)
        with self.target.kong_off() if off else nullcontext():
            pause = redis_delta.apply(live.client, sources.wanted, differences)
        wrong = [
            key
            for item in differences
            for key in redis_pairs.wrong_among(live.client, item.database, self.selection.prefixes, item.writes)
        ]
        before = sum((item.live for item in differences), redis_keys.Census())
        after = redis_keys.census(live.client, self.selection)
        found = {
            "changed": bool(keys or raised),
            "keys_before": before.keys,
            "keys_after": after.keys,
            "mappings_before": before.maps,
            "mappings_after": after.maps,
            "keys_restored": sum(item.restored for item in differences),
            "keys_removed": sum(item.removed for item in differences),
            "counters_raised": raised,
            "conflicts": self._shown(key for item in differences for key in item.conflicts),
            "wrong_pairs": wrong,
            "warnings": self._warnings(live, differences),
            "write_pause_ms": round(pause, 1),
            "kong_off": off,
        }
        live.close()
        return found, ""

    def _too_much(
        self, live: RedisData, sources: redis_compare.Sources, differences: list[redis_compare.Difference]
    ) -> str:
        """Return why the files are replaced instead of a delta; empty where it can be applied."""
        return how.MANY if any(item.over for item in differences) else self._no_room(live, sources, differences)

    def _no_room(
        self, live: RedisData, sources: redis_compare.Sources, differences: list[redis_compare.Difference]
    ) -> str:
        """Return why a delta finds no room, where replacing the files does; empty where it finds some.

        A full server refuses even a transaction that only removes. Raise where neither way has room.
        """
        if not any(item.keys for item in differences):
            return ""
        writes, size = sum(item.restored for item in differences), sum(item.size for item in differences)
        limit = self.target.memory_limit()
        problem = how.room_problem(live.info(), limit, writes, size)
        if problem and not self._files_fit(live, sources, limit):
            raise RecoveryError(problem, "Raise maxmemory or the container's limit, or keep: -e redis_data=keep")
        return problem

    def _files_fit(self, live: RedisData, sources: redis_compare.Sources, limit: int) -> bool:
        """Say whether the files may be replaced, and the data that the mode wants have room in the live server."""
        if self.method != how.AUTO or not self.target.replaceable(live):
            return False
        if self.mode in (how.RESTORE, how.UNDO) and sources.wanted is not None:
            size = int(sources.wanted.info("memory")["used_memory"])
            return not how.file_room_problem(live.info(), limit, size)
        return self.mode == how.EMPTY

    def _finished(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the result with the check of the pairs; keys are shown without what identifies a customer."""
        wrong = self._shown(result["wrong_pairs"])
        found = f"{len(wrong)} pairs disagree: {', '.join(wrong[:SHOWN])}" if wrong else "they agree"
        check = Check("redis_pairs", FAILED if wrong else PASSED, "map and reverse entries agree", found)
        result.setdefault("warnings", [])
        return {**result, "wrong_pairs": wrong[:SHOWN], "checks": [check.as_dict()]}
