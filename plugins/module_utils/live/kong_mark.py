# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Kong a change of the data has stopped, written down: killed in between, the next change starts it again."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..engine.container import Container
from ..runner import Runner
from ..stack_args import StackArgs

PATH = ".recovery/kong-off.json"


def write(stack: StackArgs, runner: Runner, stopped: Iterable[Container]) -> None:
    """Note the containers that are about to be stopped, with their start and their restart policy."""
    noted = {item.id: {"started_at": item.started_at, "policy": item.restart_policy} for item in stopped}
    # A full disk must not keep the data from being mended.
    with contextlib.suppress(OSError):
        runner.make_dir(os.path.dirname(stack.path(PATH)), 0o700)
        runner.write(stack.path(PATH), json.dumps(noted, sort_keys=True).encode() + b"\n")


def forget(stack: StackArgs, runner: Runner) -> None:
    """Forget them: they run again, or somebody else starts them."""
    with contextlib.suppress(FileNotFoundError):
        runner.remove(stack.path(PATH))


def left_off(stack: StackArgs, runner: Runner, replicas: Sequence[Container]) -> list[Container]:
    """Return those of Kong's containers that an interrupted change stopped and nobody started since.

    They have the restart policy that they had before.
    """
    try:
        noted = json.loads(runner.read_regular(stack.path(PATH)))
    except (OSError, ValueError):
        return []
    return [
        replace(item, restart_policy=noted[item.id]["policy"])
        for item in replicas
        if item.state == "exited" and item.id in noted and noted[item.id]["started_at"] == item.started_at
    ]
