# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One verification of the stack around the gateway: all checks, and the evidence for what fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..checks import failures, passed, retry
from ..engine.docker_stack import DockerStack
from ..errors import RejectedError
from ..live.diagnosis import Diagnosis
from ..live.guilt import evidence_lines
from ..report import check_lines
from ..runner import Runner
from ..stack_args import StackArgs
from .stack_checks import StackChecks


def verify_stack(
    stack: StackArgs, engine: DockerStack, runner: Runner, services: Sequence[str], budget: float, write: bool
) -> dict[str, Any]:
    """Ask until it is good or budget seconds are over; services and write: see StackChecks."""
    asker = StackChecks(stack, engine, runner, services, write=write)
    found = [item.as_dict() for item in retry(asker.ask_all, budget, runner.clock, runner.sleep)]
    good = passed(found)
    diagnosis = [] if good else Diagnosis(stack, engine, runner).of_checks(found)
    text = [*check_lines(found), *evidence_lines(diagnosis)]
    return {"passed": good, "checks": found, "text": text, "diagnosis": diagnosis}


def rejection(result: Mapping[str, Any]) -> RejectedError:
    """Return what a module fails with: every failed check with its evidence, and the next command."""
    diagnosis = result["diagnosis"]
    return RejectedError(
        f"The stack does not pass: {failures(result['checks'])}. {'; '.join(evidence_lines(diagnosis))}",
        diagnosis[0]["hint"],
        dict(result),
    )
