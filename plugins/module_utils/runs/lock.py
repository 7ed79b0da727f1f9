# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one lock of a stack, on its host: a lease in a file, changed only while that file's guard is held.

The guard is a lock of the kernel and dies with its process; the lease is what survives a module. It stays after its
release, because its fencing number must go on growing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..engine.process_name import alive, machine_id, uptime
from ..errors import RecoveryError
from ..runner import Runner
from ..stack_args import StackArgs
from . import lease as leases
from .journal import beginnings

FOLDER, LEASE, GUARD = ".recovery", "lock.json", "lock"
PAUSE = 0.05
END_SECONDS = 5.0


class LockHeld(RecoveryError):
    """Somebody else works on this stack."""


class Fenced(RecoveryError):
    """The lease was taken over meanwhile; whatever we were about to write must not be written."""


class StackLock:
    """The lock of one stack; told receives lines for people about waiting and taking over."""

    def __init__(self, stack: StackArgs, runner: Runner, told: Callable[[str], None] = lambda _text: None) -> None:
        self.stack = stack
        self.folder = stack.path(FOLDER)
        self.path = os.path.join(self.folder, LEASE)
        self.runner, self.told = runner, told
        self.machine = machine_id()

    def read(self) -> dict[str, Any]:
        """Return the lease; empty when nobody ever held it. One that cannot be read counts as none."""
        try:
            found = json.loads(self.runner.read(self.path))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def held(self) -> dict[str, Any]:
        """Return the lease of whoever works on the stack now; empty when nobody does."""
        found = self.read()
        return {} if leases.judge(found, self.machine, uptime(), alive).do == leases.TAKE else found

    def holder(self) -> str:
        """Return who works on the stack now, in words; empty when nobody does."""
        found = self.held()
        return leases.described(found, uptime()) if found else ""

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[dict[str, Any]]:
        """Hold the guard and yield the lease as it is now."""
        self.runner.make_dir(self.folder, 0o700)
        with open(os.path.join(self.folder, GUARD), "a", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield self.read()

    def _write(self, lease: Mapping[str, Any]) -> None:
        self.runner.write(self.path, json.dumps(lease, sort_keys=True).encode() + b"\n")

    def acquire(self, run: Mapping[str, Any], owner: Mapping[str, Any], since: str, force: bool = False) -> int:
        """Take the lease for a run and return its fencing number; raise LockHeld where somebody works.

        A holder that is silent is waited for until its lease is over, never longer: one that lives renews it before.
        """
        first: dict[str, Any] = {}
        while True:
            with self._guarded() as now:
                verdict = leases.judge(now, self.machine, uptime(), alive, force)
                if first and leases.renewed(first, now) and verdict.do != leases.TAKE and not verdict.lost:
                    verdict = leases.Verdict(leases.HELD, "it renewed its lease while we waited")
                if verdict.do == leases.TAKE:
                    self._end(verdict.ends)
                    if verdict.why:
                        self.told(f"Took the lock over from {now['run']}: {verdict.why}.")
                    lease = leases.taken(now or self._known(), run, owner, self.machine, uptime(), since)
                    self._write(lease)
                    return int(lease["fence"])
            if verdict.do == leases.HELD:
                raise LockHeld(
                    f"Another run works on this stack: {leases.described(now, uptime())} ({verdict.why}).",
                    "Let it finish, then look: ansible-playbook playbooks/status.yml. Nothing was changed.",
                    holder=now["run"],
                    owner=now["owner"],
                    phase=now["phase"],
                    since=now["since"],
                )
            if not first:
                first = now
                self.told(f"Waiting up to {verdict.seconds:.0f} s for {now['run']}: {verdict.why}.")
            self.runner.sleep(PAUSE)

    def _known(self) -> dict[str, Any]:
        """Return the highest number that journals have: where the lease was lost, its numbers go on above it."""
        return {"fence": max((int(first.get("fence") or 0) for _run, first in beginnings(self.stack)), default=0)}

    def _end(self, process: str) -> None:
        """End the module of a lost run: it must not write while its successor does."""
        if not process or not alive(process):
            return
        self.told(f"Ending process {process.partition(':')[0]} of the lost run.")
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process.partition(":")[0]), number)
            end = self.runner.clock() + END_SECONDS
            while alive(process) and self.runner.clock() < end:
                self.runner.sleep(PAUSE)

    def renew(self, run: str, fence: int, seconds: float, module: str, phase: str = "") -> None:
        """Renew for a number of seconds from now; raise Fenced where the lease is not ours any more."""
        with self._guarded() as now:
            if now.get("released") or (now.get("run"), now.get("fence")) != (run, fence):
                by = leases.described(now, uptime()) if now.get("run") and not now.get("released") else "nobody"
                raise Fenced(
                    f"The lock of {run} was taken over meanwhile; it is held by {by}. Nothing more is written.",
                    "Look what was done: ansible-playbook playbooks/status.yml",
                )
            expires = uptime() + seconds + leases.GRACE
            self._write({**now, "expires": expires, "module": module, "phase": phase or now["phase"]})

    def release(self, run: str, fence: int) -> bool:
        """Give the lease back; False where it is not ours any more."""
        with self._guarded() as now:
            if (now.get("run"), now.get("fence")) != (run, fence):
                return False
            self._write({**now, "released": True, "module": ""})
            return True
