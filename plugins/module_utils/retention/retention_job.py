# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find what retention may remove, and remove it: backups, leftovers, journals, logs, and the images kept for them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ..backups import backup
from ..backups.backup_store import UNFINISHED, BackupStore
from ..engine.docker_stack import DockerStack
from ..errors import RecoveryError
from ..runner import Runner
from ..runs.journal import FOLDER as JOURNALS
from ..runs.journal import LOGS
from ..runs.other_runs import RUN_PATTERN
from ..stack_args import StackArgs
from ..times import parse_time
from . import retention
from .retention import Decision, Item

NEVER_FINISHED = "was never finished"
UNSIGNED_ORIGIN = "original layout: it does not say whose it is; remove it by hand"


def items_of(stack: StackArgs, rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Return everything that retention looks at; rows: the listing of the backups."""
    found = [_leftover(row) if _is_leftover(row) else _backup(row) for row in rows]
    for kind, folder in ((retention.JOURNAL, JOURNALS), (retention.LOG, LOGS)):
        found += _records(kind, stack.path(folder))
    return found


def _is_leftover(row: Mapping[str, Any]) -> bool:
    return bool(row["reason"] == NEVER_FINISHED and str(row["id"]).startswith(UNFINISHED))


def _leftover(row: Mapping[str, Any]) -> Item:
    """A backup that is being written has a fresh directory; one that was left behind has not."""
    changed = datetime.fromtimestamp(os.lstat(row["path"]).st_mtime, tz=timezone.utc)
    return Item(retention.LEFTOVER, row["id"], (row["path"],), changed)


def _backup(row: Mapping[str, Any]) -> Item:
    problem = str(row["reason"])
    if not problem and row["layout"] == "original":
        problem = UNSIGNED_ORIGIN
    return Item(
        row["kind"],
        row["id"],
        (row["path"],),
        parse_time(row["created"]),
        row["sequence"],
        row["verified"],
        row["critical"],
        problem,
        row["size"],
    )


def _records(kind: str, folder: str) -> list[Item]:
    """Return one item a run: its journal, or its log with whatever stands beside it under the same name."""
    paths: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        match = RUN_PATTERN.match(name)
        if match and re.fullmatch(r"(\.[a-z]+)+", name[match.end() :]):
            paths.setdefault(match.group(), []).append(os.path.join(folder, name))
    return [
        Item(kind, run, tuple(files), _time_in(run), size=sum(os.lstat(path).st_size for path in files))
        for run, files in paths.items()
    ]


def _time_in(run: str) -> datetime | None:
    """Return the time in a run's name: a file's own time changes when it is copied."""
    try:
        return datetime.strptime(run.split("-", 1)[1], "%Y%m%d-%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def remove(runner: Runner, decisions: Iterable[Decision]) -> int:
    """Remove what the decisions say, oldest first; return the bytes that this made free.

    A backup loses its name first, so that one that is removed by half is never listed as a backup.
    """
    freed = 0
    going = [item.item for item in decisions if item.remove]
    for item in sorted(going, key=lambda item: (item.created or datetime.max.replace(tzinfo=timezone.utc), item.id)):
        for path in item.paths:
            if item.kind in retention.BACKUPS:
                nameless = os.path.join(os.path.dirname(path), f"{UNFINISHED}{item.id}")
                runner.rename(path, nameless)
                path = nameless  # noqa: PLW2901  the same thing under its other name
            runner.remove(path)
        freed += item.size
    return freed


def images_named(store: BackupStore, rows: Sequence[Mapping[str, Any]]) -> set[str] | None:
    """Return the ids of all images that a backup here names, whoever it belongs to; None where one cannot be read.

    A backup that is being written names its images only at its end, so nothing is known while one is.
    """
    if any(_is_leftover(row) or "unreadable" in row["reason"] for row in rows):
        return None
    found: set[str] = set()
    for folder in backup.FOLDERS.values():
        parent = os.path.join(store.root, folder)
        for name in os.listdir(parent) if os.path.isdir(parent) else ():
            if not os.path.isdir(os.path.join(parent, name)):
                continue  # a stray file names nothing
            try:
                manifest = store.manifest(os.path.join(parent, name))
                found |= {str(item["image_id"]) for item in (manifest.get("services") or {}).values()}
                found |= set((manifest.get("tags") or {}).values())
            except (RecoveryError, OSError, KeyError, TypeError, AttributeError):
                return None
    return found


def free_images(engine: DockerStack, named: set[str] | None) -> list[str]:
    """Let go of the images that were kept for backups that are gone; return their ids."""
    freed = []
    for image_id in engine.kept_images() if named is not None else ():
        if image_id not in (named or ()):
            engine.free_image(image_id)
            freed.append(image_id)
    return freed
