# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How every module begins and ends: the one place where a failure becomes a result, and a result a journal's line."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .. import commands, libraries
from ..errors import RecoveryError
from ..runner import Runner
from ..stack_args import StackArgs
from .lock import Fenced
from .run_phase import RunPhase


def run_module(module: AnsibleModule, body: Callable[[AnsibleModule], dict[str, Any]]) -> None:
    """Run body and leave the process with its result or with a failure that says what, where and what next."""
    began = time.monotonic()
    phase: RunPhase | None = None
    form = _form(module.params.get("stack") or {})
    try:
        if (module.params.get("stack") or {}).get("plain_libraries"):
            libraries.do_without()
        phase = _phase(module)
        result = commands.complete_tree(body(module), form)
        if phase is not None:
            lines = phase.end(time.monotonic() - began, result)
            result = {**result, "progress": lines} if lines else result
    except RecoveryError as exc:
        exc.msg, exc.hint = commands.complete(exc.msg, form), commands.complete(exc.hint, form)
        _note(phase, time.monotonic() - began, exc)
        module.fail_json(**commands.complete_tree(exc.as_result(), form))
    except Exception as exc:  # noqa: BLE001  # the last door: no traceback on stderr
        msg = f"A case that this module does not know: {type(exc).__name__}: {exc}"
        _note(phase, time.monotonic() - began, RecoveryError(msg))
        module.fail_json(
            msg=msg,
            hint="Run again with -vvv and report the traceback.",
            details={},
            exception=traceback.format_exc(),
        )
    module.exit_json(**{"changed": False, "seconds": round(time.monotonic() - began, 3), **result})


def _form(stack: Mapping[str, Any]) -> str:
    """Return how commands are written for a stack; its arguments may be the very thing that is wrong."""
    return str(stack.get("command") or commands.whole(str(stack.get("environment") or "ENVIRONMENT")))


def _phase(module: AnsibleModule) -> RunPhase | None:
    """Begin the phase that this module is in a run; None where it is in none."""
    run = module.params.get("run")
    if not run or not run.get("id") or not run.get("phase") or module.check_mode:
        return None
    phase = RunPhase(StackArgs.from_params(module.params["stack"]), run, Runner(module.run_command))
    phase.begin()
    return phase


def _note(phase: RunPhase | None, seconds: float, error: RecoveryError) -> None:
    """Note a failure; a lock that was lost and a disk that is full must not hide it."""
    if phase is not None:
        with contextlib.suppress(Fenced, OSError):
            phase.failed(seconds, error)
