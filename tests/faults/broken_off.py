"""A playbook in the background that is broken off at a named point: the point is a line of its own journal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab import Lab, Run, user_environment
from reference_stack import ROOT

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.journal_lines import parse

PAUSE = 0.005
LONGEST = 120
Point = Callable[[Mapping[str, Any]], bool]


def phase(name: str, state: str = "begin") -> Point:
    """The beginning or the end of a phase."""
    return lambda event: (event["event"], event.get("phase"), event.get("state")) == ("phase", name, state)


def step(action: str, service: str = "", state: str = "begin") -> Point:
    """The beginning or the end of an action."""
    return lambda event: (
        (event["event"], event.get("action"), event.get("state")) == ("step", action, state)
        and (not service or event.get("service") == service)
    )


class BrokenOff:
    """One playbook that runs while the test looks on."""

    def __init__(self, lab: Lab, playbook: str, *args: str) -> None:
        self.lab = lab
        self.before = set(journals(lab))
        self.output = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed by end
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            lab.command(playbook, *args),
            cwd=ROOT,
            env=user_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def events(self) -> list[dict[str, Any]]:
        """This run's journal so far."""
        new = sorted(set(journals(self.lab)) - self.before)
        return parse(new[-1].read_text(encoding="utf-8")) if new else []

    def wait(self, point: Point) -> None:
        """Wait until the journal has this line."""
        end = time.monotonic() + LONGEST
        while not any(point(event) for event in self.events()):
            assert self.process.poll() is None, f"ended before that point: {self.end().output[-4000:]}"
            assert time.monotonic() < end, "that point was never reached"
            time.sleep(PAUSE)

    def kill_controller(self) -> None:
        """SIGKILL for ansible-playbook itself, as a lost laptop: its last module goes on working."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def kill_module(self) -> None:
        """SIGKILL for the module that holds the lease, or for the next one where a short one was quicker than this."""
        while self.process.poll() is None:
            number = lease(self.lab)["module"].partition(":")[0]
            try:
                if number:
                    os.kill(int(number), signal.SIGKILL)
                    return
            except ProcessLookupError:
                pass
            time.sleep(PAUSE)

    def kill_all(self) -> None:
        """SIGKILL for the controller and all that it started, as a power cut; workers are groups of their own."""
        for number in [self.process.pid, *descendants(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait()

    def end(self) -> Run:
        """Wait for its end and return how it went."""
        rc = self.process.wait(LONGEST)
        self.output.seek(0)
        return Run(rc, self.output.read(), "", time.monotonic() - self.started)


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()[1])
            parents.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def journals(lab: Lab) -> list[Path]:
    """The journals on the target."""
    return sorted((lab.stack.directory / ".recovery" / "journal").glob("*.jsonl"))


def lease(lab: Lab) -> dict[str, Any]:
    """The stack's lease as it stands."""
    return json.loads((lab.stack.directory / ".recovery" / "lock.json").read_text(encoding="utf-8"))
