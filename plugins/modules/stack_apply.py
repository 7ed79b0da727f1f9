#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Execute a plan."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stack_apply
short_description: Execute the actions of a rollback plan
description:
  - Executes exactly the actions of a plan that M(kong_masking.recovery.recovery_plan) made, in their order.
  - Compose replaces one service at a time, without its dependencies, without building or pulling. Readiness is asked of
    the services themselves.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
options:
  plan:
    description: The plan.
    type: dict
    required: true
  backup_path:
    description: The backup that the plan's sources lie in.
    type: path
    required: true
  copies:
    description:
      - Directories of backups that hold the data of before, the newest first.
      - What a Redis does not load again when it is started anew comes back out of them.
    type: list
    elements: path
    default: []
  ready_timeout:
    description: Seconds that each service may take to become ready.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: Says whether something would be done; does nothing.
  diff_mode:
    support: none
    description: The plan has shown it.
  idempotent:
    support: full
    description: A plan made after a successful run has no actions.
"""

EXAMPLES = r"""
- name: Execute the plan
  kong_masking.recovery.stack_apply:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    plan: "{{ planned.plan }}"
    backup_path: "{{ found.backup.path }}"
    copies: ["{{ saved.backup.path }}"]
"""

RETURN = r"""
executed:
  description: The actions that were executed, with their duration in milliseconds.
  returned: success
  type: list
  elements: dict
  sample: [{step: 1, action: recreate, service: kong, why: differs in KONG_LOG_LEVEL, beside: false, ms: 812}]
progress:
  description: How far the run is, a line for a person; a second one once its time is over.
  returned: success, with O(run) and not in check mode
  type: list
  elements: str
  sample: ["[ 12.0 s of 120] snapshot: rollback-20260729-121500"]
hint:
  description: The next command or step; empty where the message says all.
  returned: failure
  type: str
  sample: Run the same command again.
details:
  description: What was done before the failure, in C(executed), and the C(step) that failed.
  returned: failure
  type: dict
  sample: {step: 4, executed: []}
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 4.4
"""

from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine.definitions import find_client
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.errors import RecoveryError
from ..module_utils.plans.apply import PlanExecutor
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.run_phase import RUN_SPEC, RunPhase
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    **RUN_SPEC,
    "plan": {"type": "dict", "required": True},
    "backup_path": {"type": "path", "required": True},
    "copies": {"type": "list", "elements": "path", "default": []},
    "ready_timeout": {"type": "int", "default": 60},
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Execute the plan, or say that something would be done."""
    params = module.params
    plan = params["plan"]
    if plan["refusals"]:
        raise RecoveryError(
            "The plan has refusals and is not executed.", "; ".join(item["hint"] for item in plan["refusals"])
        )
    if module.check_mode or not plan["actions"]:
        return {"changed": bool(plan["actions"]), "executed": []}
    stack = StackArgs.from_params(params["stack"])
    # The plan may bring back the very file for which .env stands in now.
    stack = replace(stack, env_file=plan.get("env_file") or stack.env_file)
    runner = Runner(module.run_command)
    engine = DockerStack(stack.project, timeout=max(60, params["ready_timeout"]))
    phase = RunPhase(stack, params["run"], runner)
    executor = PlanExecutor(
        stack,
        engine,
        runner,
        find_client(runner),
        params["backup_path"],
        params["ready_timeout"],
        phase,
        params["copies"],
    )
    return {"changed": True, "executed": executor.execute(plan["actions"])}


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
