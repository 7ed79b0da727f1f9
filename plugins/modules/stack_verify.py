#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify containers, ports and Redis."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stack_verify
short_description: Verify containers, ports, links, resources and Redis
description:
  - Checks every container of the project by its label, who answers its published ports, whether services find each
    other by name from inside, what they use of their limits, the disk, the proxy's configuration, and Redis with its
    password, its data and its mappings.
  - A check that needs a failed one is not measured, so that one cause fails one check.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
options:
  services:
    description: Services that must be there; those of O(stack) always count.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to go on asking while critical checks fail; V(0) asks once.
    type: int
    default: 60
  fail:
    description: Fail when a critical check failed.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Reads only; nothing is written to Redis.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing that stays.
"""

EXAMPLES = r"""
- name: Verify the stack
  kong_masking.recovery.stack_verify:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    services: [redis, kong, nginx, client]
"""

RETURN = r"""
passed:
  description: Whether no critical check failed.
  returned: success, or when a check failed
  type: bool
  sample: true
checks:
  description: The checks.
  returned: success, or when a check failed
  type: list
  elements: dict
  contains:
    name: {description: Which check., type: str, returned: always, sample: container_redis}
    status: {description: "C(passed), C(failed) or C(not_measured).", type: str, returned: always, sample: passed}
    level: {description: C(critical) or C(advisory)., type: str, returned: always, sample: critical}
    expected: {description: What should be., type: str, returned: always, sample: running}
    found: {description: What is., type: str, returned: always, sample: running}
    ms: {description: How long it took., type: int, returned: always, sample: 12}
text:
  description: A line a check, for a person; then the evidence where a critical one failed.
  returned: success, or when a check failed
  type: list
  elements: str
  sample: ["passed       redis    3 ms  PONG, reads and writes"]
diagnosis:
  description: Evidence about the container that each critical failure points at.
  returned: success, or when a check failed
  type: list
  elements: dict
  contains:
    service: {description: The guilty service., type: str, returned: always, sample: redis}
    checks: {description: The failed checks., type: list, elements: str, returned: always, sample: [container_redis]}
    lines: {description: "What is known, no secret.", type: list, elements: str, returned: always, sample: [exited]}
    hint: {description: The next command., type: str, returned: always, sample: docker logs --tail 50 gateway-redis-1}
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
  description: Facts of the failure as data.
  returned: failure
  type: dict
  sample: {}
seconds:
  description: How long all took.
  returned: success
  type: float
  sample: 0.3
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.run_phase import RUN_SPEC
from ..module_utils.stack_args import STACK_SPEC, StackArgs
from ..module_utils.verification.stack_verification import rejection, verify_stack

SPEC = {
    "stack": STACK_SPEC,
    **RUN_SPEC,
    "services": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 60},
    "fail": {"type": "bool", "default": True},
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Ask until it is good or the time is over."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    runner = Runner(module.run_command)
    engine = DockerStack(stack.project)
    result = verify_stack(stack, engine, runner, params["services"], params["timeout"], write=not module.check_mode)
    if not result["passed"] and params["fail"]:
        raise rejection(result)
    return result


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
