#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify Kong and the whole chain."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kong_verify
short_description: Verify that the gateway serves what it should and masks
description:
  - Checks Kong's Admin API, the hash of the loaded configuration, its routes, the masking plugin on its route, the
    proxy in front, and sends one request with a fresh random identifier through the whole chain.
  - Secrets that the Admin API shows in clear never leave the module.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
options:
  masking_probe:
    description:
      - How masking is proven. V(echo) asks an upstream that remembers what it saw, V(redis) looks at the pair of
        mappings, V(off) does not send a request; the check is then not measured.
    type: str
    choices: [echo, redis, "off"]
    default: redis
  echo_url:
    description: The remembering upstream's URL, for O(masking_probe=echo).
    type: str
    default: ""
  probe_headers:
    description: Headers that the masking request needs, credentials for instance.
    type: dict
    default: {}
  against:
    description:
      - What the loaded configuration is compared with. V(file) is the declarative file on disk, V(running) Kong's own
        export, for a stack whose files were edited for the next release.
    type: str
    choices: [file, running]
    default: file
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
    description: Reads only; the masking request is not sent and its check is not measured.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing that stays.
"""

EXAMPLES = r"""
- name: Verify the gateway
  kong_masking.recovery.kong_verify:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
"""

RETURN = r"""
passed:
  description: Whether no critical check failed.
  returned: success
  type: bool
  sample: true
checks:
  description: The checks.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: Which check., type: str, returned: always, sample: kong_configuration_hash}
    status: {description: "C(passed), C(failed) or C(not_measured).", type: str, returned: always, sample: passed}
    level: {description: C(critical) or C(advisory)., type: str, returned: always, sample: critical}
    expected: {description: What should be., type: str, returned: always, sample: the MD5 of the declarative file}
    found: {description: What is., type: str, returned: always, sample: 771ebe0ff27e31be6e1e74581e0589ad}
    ms: {description: How long it took., type: int, returned: always, sample: 12}
text:
  description: A line a check, for a person.
  returned: success
  type: list
  elements: str
  sample: ["passed       redis    3 ms  PONG, reads and writes"]
seconds:
  description: How long all took.
  returned: success
  type: float
  sample: 0.3
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.checks import failures, passed, retry
from ..module_utils.docker_stack import DockerStack
from ..module_utils.entry import run_module
from ..module_utils.kong_checks import KongChecks
from ..module_utils.masking import OFF
from ..module_utils.report import check_lines
from ..module_utils.run_phase import RUN_SPEC
from ..module_utils.runner import Runner
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    **RUN_SPEC,
    "masking_probe": {"type": "str", "choices": ["echo", "redis", "off"], "default": "redis"},
    "echo_url": {"type": "str", "default": ""},
    "probe_headers": {"type": "dict", "default": {}, "no_log": True},
    "against": {"type": "str", "choices": ["file", "running"], "default": "file"},
    "timeout": {"type": "int", "default": 60},
    "fail": {"type": "bool", "default": True},
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Ask until it is good or the time is over."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    runner = Runner(module.run_command)
    # In check mode nothing is sent that would leave a trace.
    evidence = OFF if module.check_mode else params["masking_probe"]
    engine = DockerStack(stack.project)
    asker = KongChecks(
        stack, engine, runner, evidence, params["echo_url"], params["probe_headers"], params["against"] == "running"
    )
    found = [item.as_dict() for item in retry(asker.ask_all, params["timeout"], runner.clock, runner.sleep)]
    good = passed(found)
    if not good and params["fail"]:
        module.fail_json(
            msg=f"The gateway does not pass: {failures(found)}",
            hint="Look closer: ansible-playbook playbooks/verify.yml",
            passed=False,
            checks=found,
        )
    return {"passed": good, "checks": found, "text": check_lines(found)}


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
