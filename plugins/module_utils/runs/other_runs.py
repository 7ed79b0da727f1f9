# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other runs are doing: the lock that one holds, and those that never came to their end. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import RecoveryError
from ..runner import Runner
from ..stack_args import StackArgs
from . import journal
from .journal_lines import ended, parse
from .lock import StackLock

RUN_PATTERN = re.compile(r"(rollback|recover_data)-[0-9]{8}-[0-9]{6}")
_BACKUP = re.compile(r"\b(?:deploy|rollback|data)-[0-9]{8}-[0-9]{6}\b")


def rolling_back(stack: StackArgs, runner: Runner) -> str:
    """Return the run that changes this stack now; empty when none does."""
    found = StackLock(stack, runner).held()
    return str(found["run"]) if found else ""


@dataclass(frozen=True)
class Unfinished:
    """A run without an end: since when, the phase it was in, the backups that it names, what it was asked for."""

    run: str
    kind: str
    began: str
    phase: str
    backups: frozenset[str]
    arguments: Mapping[str, Any] = field(default_factory=dict)


def unfinished(stack: StackArgs, runner: Runner) -> list[Unfinished]:
    """Return the runs that came to no end and that no later run took up, oldest first."""
    found, taken_up = [], set()
    for name in reversed(journal.names(stack)):
        path = journal.Journal(stack, name).path
        try:
            text = runner.read_regular(path).decode("utf-8", "replace")
        except OSError as exc:
            raise RecoveryError(
                f"The journal {name} cannot be read, so nobody knows what its run uses.", f"Look: ls -l {path}"
            ) from exc
        events = parse(text)
        taken_up |= {str(item.get("resumes")) for item in events if item.get("resumes")}
        if not ended(events):
            found.append(_unfinished(name, events, text))
    return [item for item in found if item.run not in taken_up]


def _unfinished(run: str, events: Iterable[Mapping[str, Any]], text: str) -> Unfinished:
    kind, began, phase = run.rsplit("-", 2)[0], "", ""
    ids: set[str] = set()
    arguments: dict[str, Any] = {}
    for event in events:
        if event.get("event") == "begin":
            kind, began = str(event.get("kind") or kind), str(event.get("wall") or "")
            arguments = dict(event.get("arguments") or {})
            ids.add(str(arguments.get("deployment") or ""))
            carried = event.get("carries") or {}
            ids |= {str(carried.get("deployment") or ""), str((carried.get("snapshot") or {}).get("id") or "")}
        elif event.get("event") == "phase":
            phase = str(event.get("phase") or "")
            result = event.get("result") or {}
            ids.add(str((result.get("backup") or {}).get("id") or ""))
        ids |= {str(event.get(name) or "") for name in ("backup_id", "snapshot_id")}
    # What a torn line names is in use as well.
    torn = (line for line in text.splitlines() if not line.rstrip().endswith("}"))
    ids |= {name for line in torn for name in _BACKUP.findall(line)}
    return Unfinished(run, kind, began, phase, frozenset(name for name in ids if _BACKUP.fullmatch(name)), arguments)


def in_use(runs: Iterable[Unfinished]) -> dict[str, str]:
    """Return id → the unfinished run that needs it, the runs' own journals and logs included."""
    found: dict[str, str] = {}
    for item in runs:
        found[item.run] = item.run
        found.update(dict.fromkeys(item.backups, item.run))
    return found
