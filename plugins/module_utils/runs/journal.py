# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal of a run on its target: JSON lines, appended and flushed, and its readable twin for ``tail -f``.

What is not in it did not happen, as far as a later run, the report and the key figures are concerned.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from ..engine.process_name import uptime
from ..stack_args import StackArgs
from .journal_lines import parse, readable

FOLDER = ".recovery/journal"
LOGS = "logs/rollbacks"
END = ".jsonl"


def wall() -> str:
    """Return the time of day (UTC) as the journal writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Journal:
    """The journal of one run; each module of the run opens it again and appends."""

    def __init__(self, stack: StackArgs, run: str) -> None:
        self.run = run
        self.path = stack.path(os.path.join(FOLDER, run + END))
        self.log = stack.path(os.path.join(LOGS, run + ".log"))

    def append(self, event: str, **fields: Any) -> None:
        """Write one event and flush it to the disk; then say it in the readable log."""
        line = {"wall": wall(), "mono": round(uptime(), 3), "event": event, **fields}
        self._add(self.path, 0o600, json.dumps(line, sort_keys=True, default=str))
        text = readable(line)
        if text:
            self._add(self.log, 0o640, f"{line['wall'][11:19]} {text}")

    @staticmethod
    def _add(path: str, mode: int, text: str) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "r+b", buffering=0) as handle:
            size = handle.seek(0, os.SEEK_END)
            # A line that was cut short by a kill stays by itself.
            torn = size > 0 and os.pread(handle.fileno(), 1, size - 1) != b"\n"
            handle.write((b"\n" if torn else b"") + text.encode("utf-8", "backslashreplace") + b"\n")
            os.fsync(handle.fileno())

    def prepare(self) -> None:
        """Make the folders of journal and log."""
        for path, mode in ((self.path, 0o700), (self.log, 0o750)):
            os.makedirs(os.path.dirname(path), mode=mode, exist_ok=True)

    def events(self) -> list[dict[str, Any]]:
        """Return all events so far; empty when there is no such journal."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as handle:
                return parse(handle.read())
        except FileNotFoundError:
            return []


def names(stack: StackArgs) -> list[str]:
    """Return the ids of all runs with a journal, the newest first by the time in their names."""
    folder = stack.path(FOLDER)
    found = [name[: -len(END)] for name in os.listdir(folder) if name.endswith(END)] if os.path.isdir(folder) else []
    return sorted(found, key=lambda name: (name[-15:], name), reverse=True)


def beginnings(stack: StackArgs) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (run, the event that began it), the newest run first; only first lines are read."""
    for name in names(stack):
        with contextlib.suppress(FileNotFoundError):  # pruned meanwhile
            with open(Journal(stack, name).path, encoding="utf-8", errors="replace") as handle:
                line = handle.readline()
            yield name, beginning(parse(line))


def beginning(events: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Return the event that began a run; empty where the journal was cut before it."""
    return next((item for item in events if item["event"] == "begin"), {})
