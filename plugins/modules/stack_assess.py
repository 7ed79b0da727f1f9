#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answer the decision matrix: roll back now, consider it, or not."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stack_assess
short_description: Say whether to roll back now, to consider it, or not
description:
  - Samples the stack for a window, compares with the baseline of the last verified deployment, and answers the thirteen
    lines of the decision matrix, each with its evidence. C(docs/assess.md) says from what each line is answered.
  - A line that cannot be measured says so; what a machine cannot know is an input and never guessed.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
options:
  window:
    description: Seconds to sample, at most 120.
    type: int
    default: 60
  interval:
    description: Seconds from one request to the next.
    type: float
    default: 2.0
  lookback:
    description: Seconds into the past for which logs are read; more than five minutes, so that these can be seen.
    type: int
    default: 600
  checks:
    description: The checks of M(kong_masking.recovery.stack_verify) and M(kong_masking.recovery.kong_verify).
    type: list
    elements: dict
    default: []
  inputs:
    description:
      - What a person knows, by C(security_breach), C(noncritical_broken), C(ui_issue), C(documentation_issue) and
        C(cosmetic_logs). True, false, or empty for not known; strings of a survey are understood.
    type: dict
    default: {}
  thresholds:
    description:
      - Limits that differ from the usual ones, which are C(unavailable_seconds=300), C(slower_ratio=1.5),
        C(slower_noise_ms=25), C(intermittent_share=0.10), C(memory_share=0.95), C(cpu_share=0.95), C(log_warnings=10)
        and C(fewest_requests=5).
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    description: Sends no request; the lines that need one are then not measured.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Roll back, or not
  kong_masking.recovery.stack_assess:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    window: 30
    inputs: {security_breach: false}
"""

RETURN = r"""
verdict:
  description: C(immediate), C(consider) or C(none).
  returned: success
  type: str
  sample: consider
lines:
  description: The thirteen lines.
  returned: success
  type: list
  elements: dict
  contains:
    line: {description: Its number., type: int, returned: always, sample: 6}
    level: {description: "C(immediate), C(consider) or C(none).", type: str, returned: always, sample: consider}
    name: {description: Its short name., type: str, returned: always, sample: slower}
    title: {description: As the guide has it., type: str, returned: always, sample: Performance degradation}
    answer: {description: "C(yes), C(no) or C(not measured).", type: str, returned: always, sample: "yes"}
    evidence: {description: From what., type: str, returned: always, sample: "p50 61 ms of 30 requests, baseline 21 ms"}
not_measured:
  description: How many of the lines that could ask for a rollback were not measured.
  returned: success
  type: int
  sample: 0
command:
  description: The command to run.
  returned: success
  type: str
  sample: ansible-playbook playbooks/rollback.yml -e env=production --check --diff
further:
  description: Other commands that the findings make worth knowing.
  returned: success
  type: list
  elements: str
  sample: [ansible-playbook playbooks/rollback.yml -e env=production]
text:
  description: The same for a screen; its last line is the verdict.
  returned: success
  type: list
  elements: str
  sample: ["VERDICT: CONSIDER"]
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
  description: How long it took.
  returned: success
  type: float
  sample: 31.2
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.assessment.assess_input import checked_inputs, checked_thresholds
from ..module_utils.assessment.assess_sampler import Sampler
from ..module_utils.assessment.assessment import assess, text
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.errors import RecoveryError
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.stack_args import STACK_SPEC, StackArgs

LONGEST_WINDOW = 120
SPEC = {
    "stack": STACK_SPEC,
    "window": {"type": "int", "default": 60},
    "interval": {"type": "float", "default": 2.0},
    "lookback": {"type": "int", "default": 600},
    "checks": {"type": "list", "elements": "dict", "default": []},
    "inputs": {"type": "dict", "default": {}},
    "thresholds": {"type": "dict", "default": {}},
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Sample, then judge."""
    params = module.params
    if not 0 <= params["window"] <= LONGEST_WINDOW or params["interval"] <= 0:
        raise RecoveryError(
            f"A window of {params['window']} s every {params['interval']} s, expected at most {LONGEST_WINDOW} s.",
            "The guide wants the decision in under two minutes.",
        )
    inputs, thresholds = checked_inputs(params["inputs"]), checked_thresholds(params["thresholds"])
    stack = StackArgs.from_params(params["stack"])
    sampler = Sampler(stack, DockerStack(stack.project), Runner(module.run_command))
    window = 0 if module.check_mode else params["window"]
    readings = sampler.take(window, params["interval"], params["lookback"], params["checks"])
    found = assess({**readings, "inputs": inputs}, thresholds, stack.environment)
    return {**found, "text": text(found)}


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
