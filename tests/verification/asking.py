"""The two verification modules' own code, run in this process: a mutation costs seconds and not whole playbooks."""

from __future__ import annotations

import dataclasses
from typing import Any

from lab import Lab

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import DockerStack
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import STACK_SPEC, StackArgs
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.chain_checks import ProbeSettings
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.kong_verification import (
    KongVerification,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.stack_checks import StackChecks


@dataclasses.dataclass
class Found:
    """What a verification found: all checks, whether it passed, and what it says about the guilty."""

    checks: list[dict[str, Any]]
    passed: bool
    diagnosis: list[dict[str, Any]]

    @property
    def failed(self) -> set[str]:
        """The names of the checks that failed."""
        return {item["name"] for item in self.checks if item["status"] == "failed"}

    @property
    def critical(self) -> set[str]:
        """The names of the critical checks that failed."""
        return {item["name"] for item in self.checks if item["status"] == "failed" and item["level"] == "critical"}

    @property
    def not_measured(self) -> dict[str, str]:
        """The checks that were not measured, with the reason."""
        return {item["name"]: item["found"] for item in self.checks if item["status"] == "not_measured"}

    def of(self, name: str) -> dict[str, Any]:
        """One check."""
        return next(item for item in self.checks if item["name"] == name)

    def __str__(self) -> str:
        """Show the failed ones first: the first line is what a long log keeps of a test."""
        return f"failed: {', '.join(sorted(self.failed)) or 'none'}\n" + "\n".join(
            f"{item['status']:<12} {item['level']:<8} {item['name']:<24} {item['ms']:>5} ms  {item['found']}"
            for item in self.checks
        )


def stack_args(lab: Lab, **other: Any) -> StackArgs:
    """The stack option as a module gets it."""
    values = {name: about.get("default") for name, about in STACK_SPEC["options"].items()}
    about = {
        "project": lab.project,
        "environment": lab.environment,
        "dir": str(lab.stack.directory),
        "env_file": f"config/{lab.environment}.env",
    }
    return StackArgs.from_params({**values, **about, **other})


def stack_verify(lab: Lab, **other: Any) -> list[dict[str, Any]]:
    """The checks of stack_verify, asked once."""
    stack = stack_args(lab, **other)
    asker = StackChecks(stack, DockerStack(lab.project), Runner(), ["client", "upstream"], write=True)
    return [item.as_dict() for item in asker.ask_all()]


def gateway(lab: Lab, running: bool = False, stack: dict[str, Any] | None = None, **probe: Any) -> KongVerification:
    """The verification of kong_verify, ready to be run."""
    settings = ProbeSettings(**{"evidence": "echo", "echo_url": lab.stack.upstream, **probe})
    return KongVerification(stack_args(lab, **(stack or {})), DockerStack(lab.project), Runner(), settings, running)


def verify(
    lab: Lab,
    backup: dict[str, Any] | None = None,
    store: bool = False,
    patience: float = 0,
    stack: dict[str, Any] | None = None,
    **probe: Any,
) -> Found:
    """Both modules, as the role verification asks them; once, or for as long as a critical check fails."""
    others = stack_verify(lab, **(stack or {}))
    made = gateway(lab, stack=stack, **probe)
    result = made.run(patience, others, backup)
    if store:
        assert made.store_baseline(result), "nothing was stored"
    return Found([*others, *result["checks"]], result["passed"], result["diagnosis"])
