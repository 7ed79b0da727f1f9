# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The highest alias counters that are known, for the day when Redis cannot be asked.

A counter that falls gives an old alias to another resource, so a restore without readable live data begins well above
the highest counter of any backup and of any restore like it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..backups.backup_store import BackupStore
from ..libraries import redis
from ..redis import redis_keys
from ..runner import Runner
from ..stack_args import StackArgs

MARGIN = 100_000
PATH = ".recovery/counters.json"


def floor(manifests: Iterable[Mapping[str, Any]], recorded: Mapping[str, int], stack: StackArgs) -> dict[str, int]:
    """Return the least that each counter may be: the highest known one and a margin."""
    highest = dict(recorded)
    for item in manifests:
        if (item.get("environment"), item.get("project")) == (stack.environment, stack.project):
            for key, value in ((item.get("redis") or {}).get("counters") or {}).items():
                highest[key] = max(highest.get(key, 0), int(value))
    return {key: value + MARGIN for key, value in sorted(highest.items())}


def recorded(stack: StackArgs, runner: Runner) -> dict[str, int]:
    """Return the counters that earlier restores without readable live data began with."""
    try:
        found = json.loads(runner.read(stack.path(PATH)))
    except (OSError, ValueError):
        return {}
    return {str(key): int(value) for key, value in found.items()} if isinstance(found, dict) else {}


def record(stack: StackArgs, runner: Runner, counters: Mapping[str, int]) -> None:
    """Remember the counters before they are used; they only grow."""
    before = recorded(stack, runner)
    highest = {key: max(before.get(key, 0), counters.get(key, 0)) for key in {*before, *counters}}
    runner.make_dir(os.path.dirname(stack.path(PATH)), 0o700)
    runner.write(stack.path(PATH), json.dumps(highest, sort_keys=True).encode() + b"\n")


class CounterFloor:
    """The least that each alias counter may be, in the database that the plugin uses.

    What was written down before an earlier change always counts: a run that was killed in the middle may have left a
    server whose counters are gone.
    """

    def __init__(self, stack: StackArgs, runner: Runner, prefixes: Sequence[bytes]) -> None:
        self.stack, self.runner, self.prefixes = stack, runner, tuple(prefixes)
        self.database = stack.redis_database
        self.least = self._ours(recorded(stack, runner))

    def _ours(self, counters: Mapping[str, int]) -> dict[bytes, int]:
        known = {key.encode(): value for key, value in counters.items()}
        return {key: value for key, value in known.items() if key.startswith(self.prefixes)}

    def of(self, number: int, source: redis.Redis | None) -> dict[bytes, int]:
        """Return the least of each counter of a database, the counters of a backup included."""
        found = redis_keys.counters(source, number, self.prefixes) if source is not None else {}
        floor = self.least if number == self.database else {}
        return {key: max(found.get(key, 0), floor.get(key, 0)) for key in {*found, *floor}}

    def remember(self, live: redis.Redis | None, source: redis.Redis | None) -> dict[bytes, int]:
        """Write the counters down before the data goes away: killed in between, the next run cannot read them.

        Where they cannot be read already, begin well above every known one. Return the live ones.
        """
        if live is None:
            self.doubt(None, source)
            return {}
        held = redis_keys.counters(live, self.database, self.prefixes)
        record(self.stack, self.runner, {key.decode(): value for key, value in held.items()})
        return held

    def doubt(self, live: redis.Redis | None, source: redis.Redis | None) -> None:
        """Begin well above every known counter: a server that went down may have lost the last ones that it gave out.

        One that comes back has the state of its last save, or none at all.
        """
        known = recorded(self.stack, self.runner)
        for client in (live, source):
            for key, value in self.of(self.database, client).items():
                known[key.decode()] = max(known.get(key.decode(), 0), value)
        manifests = BackupStore(self.stack.backup_dir, self.runner).manifests()
        highest = floor(manifests, known, self.stack)
        record(self.stack, self.runner, highest)
        self.least = self._ours(highest)

    def forget(self) -> None:
        """Forget what was written down, where somebody wants the numbering to begin anew."""
        self.least = {}
        if self.runner.exists(self.stack.path(PATH)):
            self.runner.remove(self.stack.path(PATH))
