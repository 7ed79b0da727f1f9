# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The highest alias counters that are known, for the day when Redis cannot be asked.

A counter that falls gives an old alias to another resource, so a restore without readable live data begins well above
the highest counter of any backup and of any restore like it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from .runner import Runner
from .stack_args import StackArgs

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
