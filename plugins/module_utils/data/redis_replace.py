# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build a whole data set in a scratch server and put it where Redis will load it, with Kong off meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..engine.private_folder import private_folder
from ..errors import RecoveryError
from ..libraries import redis
from ..live import redis_files
from ..live.redis_layout import Layout
from ..live.redis_live import LiveRedis
from ..redis import redis_compare, redis_delta, redis_functions, redis_keys, redis_pairs, redis_scratch
from ..redis import redis_families as families
from ..redis import redis_method as how
from ..redis.redis_data import RedisData
from ..redis.redis_loaded import Held, loaded_problem
from .counter_record import CounterFloor


class FileChange:
    """One replacement of the whole data set; floor holds the least that each counter may be."""

    def __init__(self, target: LiveRedis, selection: redis_keys.Selection, floor: CounterFloor) -> None:
        self.target, self.selection, self.floor = target, selection, floor
        self.engine, self.runner = target.engine, target.runner

    def run(self, live: RedisData | None, sources: redis_compare.Sources, layout: Layout) -> dict[str, Any]:
        """Replace the data; live is None where they cannot be read."""
        before = redis_keys.census(live.client, self.selection) if live is not None else None
        about = live.info() if live is not None else {}
        ahead = self._ahead(live.client, sources) if live is not None else None
        with private_folder() as folder, self.target.kong_off():
            began = self.runner.clock()
            counters = self.floor.remember(live.client if live is not None else None, sources.wanted)
            path = os.path.join(folder, redis_scratch.DUMP)
            with self._built(live.client if live is not None else None, sources, counters) as built:
                # What only the backup has comes back with it, as its keys do.
                keep = built is sources.wanted
                lacking = redis_functions.carry(live.client, built, keep) if live is not None else ""
                after, wrong = ahead or self._counted(built)
                size = int(built.info("memory")["used_memory"])
                problem = how.file_room_problem(about, self.target.memory_limit(), size)
                if problem:
                    raise RecoveryError(problem, "Raise the limit, or choose a smaller backup.")
                first = built.info()
                redis_scratch.save(built, path)
                held = Held.of(first, built.info())
            self._place(layout, path, held, Held.of(live.info()) if live is not None else None)
            pause = (self.runner.clock() - began) * 1000
        redis_files.forget(self.engine, self.target.container(), layout.directory)
        return {
            "changed": True,
            "keys_before": before.keys if before is not None else None,
            "keys_after": after.keys,
            "mappings_before": before.maps if before is not None else None,
            "mappings_after": after.maps,
            "keys_restored": after.keys,
            "keys_removed": before.keys if before is not None else 0,
            "counters_raised": 0,
            "conflicts": [],
            "wrong_pairs": wrong,
            "warnings": [text for text in (self.target.drift, lacking) if text],
            "write_pause_ms": round(pause, 1),
            "kong_off": True,
        }

    def _place(self, layout: Layout, path: str, held: Held, before: Held | None) -> None:
        """Stop Redis, replace its files, start it and count; held: what is put there, before: what lived, if known.

        Where nothing was replaced yet, or where the new data are not what it has loaded, the old files come back.
        """
        self.target.stop()
        self.target.replacing = True
        try:
            redis_files.rewrite(self.engine, self.target.container(), layout, path)
        except RecoveryError:
            if not redis_files.finish(self.engine, self.target.container(), layout):
                self.target.start()
                self.target.replacing = False
                raise
        problem = self._started(held)
        if problem:
            self._go_back(layout, problem, before)
        self.target.replacing = False

    def _started(self, held: Held) -> str:
        """Start Redis; return why it does not serve what it was to load, empty where it does."""
        try:
            self.target.start()
            live, problem = self.target.connect()
            about = live.info() if live is not None else {}
        except (RecoveryError, redis.exceptions.RedisError) as exc:
            live, problem = None, str(exc)
        if live is None:
            return f"The keys of Redis cannot be counted after its start: {problem}"
        live.close()
        return loaded_problem(held, about)

    def _go_back(self, layout: Layout, problem: str, before: Held | None) -> None:
        """Put the old files back, start Redis with them, and raise; Kong comes back only to the data of before."""
        self.target.stop()
        redis_files.go_back(self.engine, self.target.container(), layout)
        again = self._started(before) if before is not None else "with them it could not answer before"
        self.target.replacing = bool(again)
        outcome = f"Kong stays off: {again.rstrip('.')}" if again else "Redis serves them as before"
        raise RecoveryError(
            f"{problem.rstrip('.')}; the new data had been put into {layout.target}. The old files are back in "
            f"{layout.directory}. {outcome}.",
            "Compare CONFIG GET dir, dbfilename and appendonly with the configuration that Redis is started with; "
            "keep the live mappings meanwhile (-e redis_data=keep), a copy is in the snapshot: "
            "ansible-playbook playbooks/list_backups.yml",
        )

    def _ahead(self, live: redis.Redis, sources: redis_compare.Sources) -> tuple[redis_keys.Census, list[bytes]] | None:
        """Do before the standstill what does not need one: with restore, all that is chosen comes from the backup.

        Everything else of the backup goes, and what stays is counted. None with the other modes.
        """
        if sources.wanted is None or self.selection.mode != how.RESTORE:
            return None
        for number in self._numbers(live, sources.wanted):
            if self._chooses(number):
                redis_delta.remove_others(sources.wanted, number, self.selection)
            else:
                redis_delta.empty(sources.wanted, number)
        return self._counted(sources.wanted)

    def _counted(self, built: redis.Redis) -> tuple[redis_keys.Census, list[bytes]]:
        """Return how many chosen keys there are, and the reverse keys that disagree."""
        numbers = redis_keys.databases(built, self.selection)
        wrong = [key for number in numbers for key in redis_pairs.wrong_pairs(built, number, self.selection.prefixes)]
        return redis_keys.census(built, self.selection), wrong

    def _chooses(self, number: int) -> bool:
        return not self.selection.databases or number in self.selection.databases

    @contextmanager
    def _built(
        self, live: redis.Redis | None, sources: redis_compare.Sources, held: Mapping[bytes, int]
    ) -> Iterator[redis.Redis]:
        """Yield a scratch server that holds what is to be placed.

        It holds the backup's keys, the live ones that the change leaves alone, and counters that never fall. Where the
        live data cannot be read, all of the backup returns: there is nothing else. The backup is already loaded, so
        most of it is not moved at all.
        """
        if sources.wanted is not None and self.selection.mode in (how.RESTORE, how.MERGE):
            self._fill(sources.wanted, live, sources, held)
            yield sources.wanted
            return
        image = self.target.image_id
        with redis_scratch.loaded(self.engine, self.runner, image, "") as empty:
            self._fill(empty, live, sources, held)
            yield empty

    def _fill(
        self, into: redis.Redis, live: redis.Redis | None, sources: redis_compare.Sources, held: Mapping[bytes, int]
    ) -> None:
        """Bring a scratch server to what is to be placed; held: the live counters of the plugin's database."""
        everything = redis_keys.Selection(how.RESTORE, self.selection.prefixes, "all", keep_counters=False)
        for number in self._numbers(into, live, sources.wanted):
            chosen = self._chooses(number)
            if live is None:
                if into is not sources.wanted and sources.wanted is not None:
                    redis_delta.copy(sources.wanted, into, number, everything)
            elif not chosen:
                redis_delta.empty(into, number)
                redis_delta.copy(live, into, number, everything)
            else:
                self._fill_chosen(into, live, sources, number)
            if self.selection.keep_counters or not chosen:
                # A backup's counters are in the server that it was loaded into.
                source = sources.wanted if chosen and into is not sources.wanted else None
                known, floor = self._known(number, live, held), self.floor.of(number, source)
                least = {key: max(known.get(key, 0), floor.get(key, 0)) for key in {*known, *floor}}
                now = redis_keys.numbers(into, number, list(least))
                redis_delta.raise_counters(into, number, families.increments(now, least))

    def _known(self, number: int, live: redis.Redis | None, held: Mapping[bytes, int]) -> Mapping[bytes, int]:
        """Return the live counters of a database; those of the plugin's own were read when Kong was off already."""
        if number == self.floor.database:
            return held
        return redis_keys.counters(live, number, self.selection.prefixes) if live is not None else {}

    def _fill_chosen(self, into: redis.Redis, live: redis.Redis, sources: redis_compare.Sources, number: int) -> None:
        """Bring one database of the scratch server to what the mode asks for."""
        if self.selection.mode in (how.RESTORE, how.EMPTY):
            redis_delta.copy(live, into, number, self.selection, others=True)
            return
        # Merge and undo begin with what lives; what it lacks is found as for a delta, and stays or comes.
        found = redis_compare.compare(live, sources, self.selection, number)
        if self.selection.mode == how.MERGE:
            redis_delta.remove_others(into, number, self.selection)
            redis_delta.remove(into, number, found.conflicts)
        everything = redis_keys.Selection(how.RESTORE, self.selection.prefixes, "all")
        redis_delta.copy(live, into, number, everything)
        if self.selection.mode == how.UNDO:
            redis_delta.apply(into, sources.wanted, [found])

    def _numbers(self, *clients: redis.Redis | None) -> list[int]:
        """Return the databases that any of the servers uses; the plugin's always, for the floor of its counters."""
        everywhere = redis_keys.Selection(how.RESTORE, (), "all")
        used = (n for client in clients if client is not None for n in redis_keys.databases(client, everywhere))
        return sorted({self.floor.database, *used})
