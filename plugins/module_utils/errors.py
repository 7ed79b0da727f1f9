# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one exception family: what went wrong, what to do next, and the facts as data."""

from __future__ import annotations

from typing import Any


class RecoveryError(Exception):
    """A failure that an operator can act on.

    msg says what, where, expected and found; hint is the next command or step; details carries the same facts as
    data (JSON types only, never a secret).
    """

    def __init__(self, msg: str, hint: str = "", **details: Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.hint = hint
        self.details = details

    def as_result(self) -> dict[str, Any]:
        """Return the keyword arguments for fail_json: msg, hint, details."""
        return {"msg": f"{self.msg} {self.hint}".strip(), "hint": self.hint, "details": self.details}


class CommandError(RecoveryError):
    """A process ended with a status that its caller does not accept."""

    def __init__(self, cmd: list[str], rc: int, stdout: str, stderr: str, hint: str = "") -> None:
        tail = (stderr.strip() or stdout.strip() or "no output").splitlines()[-3:]
        super().__init__(f"{' '.join(cmd[:3])} … ended with status {rc}: {' | '.join(tail)}", hint)
        self.cmd, self.rc, self.stdout, self.stderr = cmd, rc, stdout, stderr

    def as_result(self) -> dict[str, Any]:
        """Return msg, hint, details plus cmd, rc, stdout and stderr."""
        return {**super().as_result(), "cmd": self.cmd, "rc": self.rc, "stdout": self.stdout, "stderr": self.stderr}


class RejectedError(RecoveryError):
    """What was examined did not pass; result: what was found, with the module's own names."""

    def __init__(self, msg: str, hint: str, result: dict[str, Any]) -> None:
        super().__init__(msg, hint)
        self.result = result

    def as_result(self) -> dict[str, Any]:
        """Return what was found beside msg, hint and details."""
        return {**self.result, **super().as_result()}


class NotReadyError(RecoveryError):
    """A service did not become ready within its budget."""


class NoAnswerError(RecoveryError):
    """A server took the question and did not answer in time; it may itself be waiting for another one."""


class DamagedBackupError(RecoveryError):
    """A backup's content is not what its manifest says; never waived."""
