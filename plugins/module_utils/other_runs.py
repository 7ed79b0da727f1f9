# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other runs are doing: the lock that one holds, and those that never came to their end. Reads only."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .errors import RecoveryError
from .runner import Runner
from .stack_args import StackArgs
from .times import parse_time

LOCK = ".recovery/lock.json"
JOURNALS = ".recovery/journal"
RUN_PATTERN = re.compile(r"(rollback|recover_data|drill)-[0-9]{8}-[0-9]{6}")
_BACKUP = re.compile(r"\b(?:deploy|rollback|data)-[0-9]{8}-[0-9]{6}\b")


@dataclass(frozen=True)
class Holder:
    """Who holds the stack's lock."""

    run: str
    kind: str
    expires: str

    def holds(self, now: datetime) -> bool:
        """Say whether the lease still runs; one whose end cannot be read counts as running."""
        end = parse_time(self.expires)
        return end is None or now < end


def holder(stack: StackArgs, runner: Runner) -> Holder | None:
    """Return what the lock file says; None where nobody holds it."""
    try:
        found = json.loads(runner.read_regular(stack.path(LOCK)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return Holder("a run whose lock cannot be read", "", "")
    if not isinstance(found, dict) or not found.get("run"):
        return None
    return Holder(str(found["run"]), str(found.get("kind", "")), str(found.get("expires", "")))


def rolling_back(stack: StackArgs, runner: Runner, now: datetime) -> str:
    """Return the run that changes this stack now; empty when none does."""
    found = holder(stack, runner)
    return found.run if found is not None and found.kind != "drill" and found.holds(now) else ""


@dataclass(frozen=True)
class Unfinished:
    """A run without an end: since when, the phase it was in, and the backups that it names."""

    run: str
    kind: str
    began: str
    phase: str
    backups: frozenset[str]


def unfinished(stack: StackArgs, runner: Runner) -> list[Unfinished]:
    """Return the runs whose journal has no end and that no later run took up, oldest first."""
    folder = stack.path(JOURNALS)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found, taken_up = [], set()
    for name in names:
        if not name.endswith(".jsonl"):
            continue
        try:
            text = runner.read_regular(os.path.join(folder, name)).decode("utf-8", "replace")
        except OSError as exc:
            raise RecoveryError(
                f"The journal {name} cannot be read, so nobody knows what its run uses.", f"Look: ls -l {folder}"
            ) from exc
        events = list(parse(text))
        taken_up |= {str(item.get("resumes")) for item in events if item.get("resumes")}
        if not any(item.get("event") == "end" for item in events):
            found.append(_unfinished(name[: -len(".jsonl")], events, text))
    return [item for item in found if item.run not in taken_up]


def parse(text: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a journal; a line that was torn off by a kill is left out."""
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _unfinished(run: str, events: Iterable[Mapping[str, Any]], text: str) -> Unfinished:
    kind, began, phase = run.rsplit("-", 2)[0], "", ""
    ids: set[str] = set()
    for event in events:
        if event.get("event") == "begin":
            kind, began = str(event.get("kind") or kind), str(event.get("wall") or "")
            ids.add(str((event.get("arguments") or {}).get("deployment") or ""))
        elif event.get("event") == "phase":
            phase = str(event.get("phase") or "")
            result = event.get("result") or {}
            ids.add(str((result.get("backup") or {}).get("id") or ""))
        ids |= {str(event.get(name) or "") for name in ("backup_id", "snapshot_id")}
    # What a torn line names is in use as well.
    torn = (line for line in text.splitlines() if not line.rstrip().endswith("}"))
    ids |= {name for line in torn for name in _BACKUP.findall(line)}
    return Unfinished(run, kind, began, phase, frozenset(name for name in ids if _BACKUP.fullmatch(name)))


def in_use(runs: Iterable[Unfinished]) -> dict[str, str]:
    """Return id → the unfinished run that needs it, the runs' own journals and logs included."""
    found: dict[str, str] = {}
    for item in runs:
        found[item.run] = item.run
        found.update(dict.fromkeys(item.backups, item.run))
    return found
