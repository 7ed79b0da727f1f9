# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One verification of the gateway: all checks, the evidence for what fails, the baseline, the record."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ..checks import Check, ask_groups, failures, passed, retry
from ..engine.docker_stack import DockerStack
from ..errors import RejectedError
from ..gateway.kong_look import KongLook
from ..live.diagnosis import Diagnosis
from ..live.guilt import evidence_lines, failed
from ..report import check_lines
from ..runner import Runner
from ..stack_args import StackArgs
from . import performance, strict_proxy
from .chain_checks import ChainChecks, ProbeSettings
from .kong_checks import KongChecks


class KongVerification:
    """Verifies one gateway; running: compare with Kong's own export instead of its file."""

    def __init__(
        self, stack: StackArgs, engine: DockerStack, runner: Runner, probe: ProbeSettings, running: bool = False
    ) -> None:
        self.stack, self.engine, self.runner = stack, engine, runner
        self.look = KongLook(stack, engine, runner, running)
        self.chain = ChainChecks(self.look, probe)
        self.kong = KongChecks(self.look, {})

    def run(
        self, budget: float, others: Sequence[Mapping[str, Any]] = (), backup: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask until it is good or budget seconds are over; others: checks of the rest of the stack."""
        self.kong.backup = backup or {}
        elsewhere = [name for name in failed(others) if not self._beside(name)]
        rows = [
            item.as_dict() for item in retry(lambda: self._ask(elsewhere), budget, self.runner.clock, self.runner.sleep)
        ]
        diagnosis = Diagnosis(self.stack, self.engine, self.runner).of_checks(rows) if failed(rows) else []
        text = [*check_lines(rows), *evidence_lines(diagnosis)]
        return {"passed": passed([*others, *rows]), "checks": rows, "text": text, "diagnosis": diagnosis}

    def _beside(self, check: str) -> bool:
        """Say whether a check is of a container that no request passes: it keeps nobody from asking."""
        kind, _line, service = check.partition("_")
        return kind in ("container", "ports") and service not in self.stack.core

    def _ask(self, elsewhere: Sequence[str]) -> list[Check]:
        self.look.refresh()
        first = [*self.kong.questions(), *self.chain.questions()]
        return strict_proxy.told(ask_groups(first, self.chain.later, elsewhere))

    def rejection(self, result: Mapping[str, Any]) -> RejectedError:
        """Return what a module fails with: every failed check with its evidence, and the next command."""
        diagnosis = result["diagnosis"]
        what = failures(result["checks"]) or "a check of the rest of the stack failed"
        return RejectedError(
            f"The gateway does not pass: {what}. {'; '.join(evidence_lines(diagnosis))}".strip(),
            diagnosis[0]["hint"] if diagnosis else "Look at the checks of stack_verify.",
            dict(result),
        )

    def store_baseline(self, result: Mapping[str, Any]) -> bool:
        """Keep speed and plugin code of a deployment that passed; say whether something was kept."""
        if not result["passed"] or self.chain.figures is None:
            return False
        performance.store_baseline(self.stack, self.runner, self.chain.figures, self.kong.code_record())
        return True

    def record(self, path: str, checks: Sequence[Mapping[str, Any]], good: bool) -> None:
        """Write all checks beside the stack, for whoever watches it; a place that cannot be written is no failure."""
        full = self.stack.path(path)
        when = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        about = {"project": self.stack.project, "environment": self.stack.environment, "time": when}
        text = json.dumps({**about, "passed": good, "checks": list(checks)}, indent=2)
        try:
            self.runner.make_dir(os.path.dirname(full), 0o700)
            self.runner.write(full, text.encode() + b"\n")
        except OSError:
            return
