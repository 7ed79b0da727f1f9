#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write a run's log and say what happened."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: recovery_report
short_description: Write the log of a rollback and say what happened
description:
  - Writes C(logs/rollbacks/rollback-TIME.log) and the same facts as JSON beside it, and returns the last screen.
  - The log is not counted as a change.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
options:
  backup:
    description: The target.
    type: dict
    default: {}
  plan:
    description: The plan.
    type: dict
    default: {}
  snapshot:
    description: The snapshot that was taken first.
    type: dict
    default: {}
  executed:
    description: The actions that were executed.
    type: list
    elements: dict
    default: []
  checks:
    description: The checks of the verification.
    type: list
    elements: dict
    default: []
  checks_before:
    description: The checks of what ran before.
    type: list
    elements: dict
    default: []
  phases:
    description: Phase to its seconds.
    type: dict
    default: {}
  applied:
    description: Whether the execution of the plan began.
    type: bool
    default: false
  failure:
    description: Why the run failed; empty when it did not.
    type: str
    default: ""
  timeout:
    description: The seconds that the run should have stayed below.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
    description: Changes nothing that counts.
  idempotent:
    support: none
    description: Each run has its own log.
"""

EXAMPLES = r"""
- name: Report
  kong_masking.recovery.recovery_report:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    backup: "{{ found.backup }}"
    plan: "{{ planned.plan }}"
"""

RETURN = r"""
text:
  description: The last screen; its last line tells whether the service is back.
  returned: success
  type: list
  elements: str
  sample: ["Rollback completed: gateway (production) on gw1, target deploy-20260729-120000", "SERVICE: BACK"]
log:
  description: Where the log was written.
  returned: success
  type: str
  sample: /opt/gateway/logs/rollbacks/rollback-20260729-121500.log
outcome:
  description: C(completed), C(nothing to do), C(planned), C(refused) or C(failed).
  returned: success
  type: str
  sample: completed
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 0.01
"""

import json
import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.entry import run_module
from ..module_utils.run_record import last_screen, outcome
from ..module_utils.runner import Runner
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    "backup": {"type": "dict", "default": {}},
    "plan": {"type": "dict", "default": {}},
    "snapshot": {"type": "dict", "default": {}},
    "executed": {"type": "list", "elements": "dict", "default": []},
    "checks": {"type": "list", "elements": "dict", "default": []},
    "checks_before": {"type": "list", "elements": "dict", "default": []},
    "phases": {"type": "dict", "default": {}},
    "applied": {"type": "bool", "default": False},
    "failure": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 120},
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Put the run together and write it down."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    now = datetime.now(timezone.utc)
    log = os.path.join(stack.dir, "logs", "rollbacks", f"rollback-{now.strftime('%Y%m%d-%H%M%S')}.log")
    run = {name: params[name] for name in SPEC if name != "stack"}
    run.update(
        environment=stack.environment,
        project=stack.project,
        host=os.uname().nodename,
        finished=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        check_mode=module.check_mode,
        log=log,
    )
    text = last_screen(run)
    if not module.check_mode and os.path.isdir(stack.dir):
        runner = Runner(module.run_command)
        runner.make_dir(os.path.dirname(log), 0o750)
        runner.write(log, ("\n".join([run["finished"], *text]) + "\n").encode(), mode=0o640)
        runner.write(
            log[: -len(".log")] + ".json", json.dumps({**run, "outcome": outcome(run)}, indent=1).encode(), mode=0o640
        )
    return {"text": text, "log": log, "outcome": outcome(run)}


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
