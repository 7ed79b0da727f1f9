# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a terminal shows of a playbook: what tasks say to a person, and nothing of Ansible's frame."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: recovery_screen
type: stdout
short_description: Show what the tasks say to a person, on 80 columns
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
description:
  - Prints the progress lines of tasks, the plan and the last screen as plain lines, leaves quiet tasks out, and says of
    an unreachable host whether anything can have been changed there. The very last line is the truth about the service.
  - The exit status is 3 where the service is back and a critical check was not measured.
  - Nothing else depends on it, as the lines are in the tasks' own results; a job runner with a screen of its own shows
    them too.
  - With C(-v) and more, it is Ansible's default output.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - Set as C(stdout_callback) in the configuration.
"""

import contextlib
import os
from typing import Any

from ansible import constants as C  # noqa: N812  # its name everywhere
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

from ..module_utils.runs.screen import FLEET_WIDTH, changes, failure_lines, lost_lines, said, wrapped

SERVICE = "SERVICE: "
BACK = "SERVICE: BACK"
NOT_MEASURED = "not measured"
NOT_ALL_MEASURED = 3


class CallbackModule(DefaultCallback):
    """The screen."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "kong_masking.recovery.recovery_screen"

    def __init__(self) -> None:
        super().__init__()
        self._hosts: set[str] = set()
        # Hosts on which a task that changes something was begun.
        self._touched: set[str] = set()
        # Host → its last failure: two hosts may well fail with the same words.
        self._last_failure: dict[str, str] = {}
        # Host → what its last screen said about the service.
        self._verdicts: dict[str, str] = {}

    @property
    def _plain(self) -> bool:
        """Whether Ansible's own output was asked for."""
        return bool(self._display.verbosity)

    def _say(self, host: str, lines: list[str], color: str | None = None) -> None:
        """Print lines; in a fleet, each begins with its host."""
        several = len(self._hosts) > 1
        for line in lines:
            for part in wrapped(line, FLEET_WIDTH - len(host) if several else FLEET_WIDTH):
                self._display.display(f"{host}: {part}" if several else part, color=color)

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        if self._plain:
            super()._task_start(task, prefix)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Say what is about to happen."""
        if self._plain:
            super().v2_playbook_on_play_start(play)
            return
        self._play = play
        self._display.display(play.get_name().strip() + (" (check mode)" if play.check_mode else ""))

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Remember where something may be changed from now on."""
        self._hosts.add(host.get_name())
        if changes(task.action) and not task.check_mode:
            self._touched.add(host.get_name())
        super().v2_runner_on_start(host, task)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print what the task says to a person."""
        lines = said(result.task.action, result.task.args, result.result)
        self._verdicts.update({result.host.get_name(): line for line in lines if line.startswith(SERVICE)})
        if self._plain:
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings_and_exception(result)
        self._say(result.host.get_name(), lines)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print which task failed, and why; a failure that is only passed on is not said twice."""
        if self._plain:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._handle_warnings(result.result)
        host = result.host.get_name()
        self._say(host, [str(line) for line in result.result.get("progress") or []])
        message = str(result.result.get("msg") or "")
        last = self._last_failure.get(host)
        if ignore_errors or (last and last in message):
            return
        self._last_failure[host] = message
        self._say(host, failure_lines(result.task.get_name(), message), C.COLOR_ERROR)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Say what can have happened on a host that cannot be reached, and where its runbook lies."""
        if self._plain:
            super().v2_runner_on_unreachable(result)
        host = result.host.get_name()
        task, why = result.task.get_name(), str(result.result.get("msg") or "")
        lines = lost_lines(host, host in self._touched, task, why, self._runbook(result))
        self._say(host, lines, C.COLOR_UNREACHABLE)

    def _runbook(self, result: Any) -> str:
        """Return where the host's runbook lies on this controller; empty when it does not."""
        with contextlib.suppress(Exception):
            known = self._play.get_variable_manager().get_vars(play=self._play, host=result.host)
            folder = str(known.get("recovery_runbook_dir") or "~/.kong_masking.recovery/runbooks")
            path = os.path.join(os.path.expanduser(folder), str(known["env"]), result.host.get_name(), "RUNBOOK.md")
            return path if os.path.isfile(path) else ""
        return ""

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Suppress skipped tasks."""
        if self._plain:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Suppress a loop's items: the task's result repeats them."""
        if self._plain:
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Suppress skipped items."""
        if self._plain:
            super().v2_runner_item_on_skipped(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Print which item failed."""
        if self._plain:
            super().v2_runner_item_on_failed(result)
            return
        message = str(result.result.get("msg") or "")
        self._say(result.host.get_name(), failure_lines(result.task.get_name(), message), C.COLOR_ERROR)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Suppress the names of included files."""
        if self._plain:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_async_poll(self, result: Any) -> None:
        """Suppress the waiting for a webhook."""
        if self._plain:
            super().v2_runner_on_async_poll(result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        """Suppress the end of a webhook's call."""
        if self._plain:
            super().v2_runner_on_async_ok(result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        """Suppress the failure of a webhook's call: a later task tells it."""
        if self._plain:
            super().v2_runner_on_async_failed(result)

    def v2_on_file_diff(self, result: Any) -> None:
        """Print differences without a task's banner."""
        if self._plain:
            super().v2_on_file_diff(result)
            return
        found = result.result.get("diff")
        text = self._get_diff(found) if found and result.result.get("changed") else ""
        if text:
            self._display.display(text)

    def _recap(self, stats: Any) -> None:
        """Print Ansible's recap on 80 columns: what people and programs look for at the end of any playbook."""
        self._display.display("\nPLAY RECAP")
        for host in sorted(stats.processed):
            found = stats.summarize(host)
            counts = f"ok={found['ok']:<4} changed={found['changed']:<4} unreachable={found['unreachable']:<4}"
            self._display.display(f"{host:<20} : {counts} failed={found['failures']:<4}".rstrip())
        self._display.display("")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Ansible's recap, and after it the truth about each service, last of all.

        A service that is back with something not measured has an exit status of its own; Ansible knows none for it.
        """
        if self._plain:
            super().v2_playbook_on_stats(stats)
        else:
            self._recap(stats)
        for host, line in self._verdicts.items():
            self._say(host, [line])
        bad = any(stats.failures.values()) or any(stats.dark.values())
        if not bad and any(line.startswith(BACK) and NOT_MEASURED in line for line in self._verdicts.values()):
            raise SystemExit(NOT_ALL_MEASURED)
