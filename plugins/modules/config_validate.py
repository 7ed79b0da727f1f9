#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validate the configuration on disk."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: config_validate
short_description: Validate the stack's environment file and Kong's declarative file
description:
  - Reads the environment file as data, never evaluated, and looks at required variables, the form of keys, ports,
    memory sizes, networks, the length of passwords, and debug logs in production.
  - Looks at Kong's declarative file where a container mounts one.
  - Changes nothing and needs no running stack. No finding holds a secret.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
options:
  file:
    description: Another environment file than the stack's, relative to O(stack.dir).
    type: str
    default: ""
  fail:
    description: Fail when there is an error; warnings never fail.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Reads only.
  diff_mode:
    support: none
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Validate the configuration
  kong_masking.recovery.config_validate:
    stack: {project: gateway, environment: production, dir: /opt/gateway, required_variables: [REDIS_PASSWORD]}
"""

RETURN = r"""
valid:
  description: Whether there is no error.
  returned: success, or when an error was found
  type: bool
  sample: true
findings:
  description: What is wrong, errors first.
  returned: success, or when an error was found
  type: list
  elements: dict
  contains:
    level: {description: C(error) or C(warning)., type: str, returned: always, sample: error}
    name: {description: The variable; empty for the file as a whole., type: str, returned: always, sample: REDIS_PORT}
    text: {description: What is wrong., type: str, returned: always, sample: REDIS_PORT is required and missing}
    refuses:
      description: Whether a backup with it is refused before a rollback.
      type: bool
      returned: always
      sample: true
text:
  description: A line a finding, for a person.
  returned: success, or when an error was found
  type: list
  elements: str
  sample: ["ERROR    REDIS_PORT is 99999, expected a port from 1024 to 65535"]
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
  sample: 0.1
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.configuration import config_files, config_rules
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.errors import RecoveryError, RejectedError
from ..module_utils.gateway import kong_file
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.stack_args import STACK_SPEC, StackArgs
from ..module_utils.wording import plural

SPEC = {
    "stack": STACK_SPEC,
    "file": {"type": "str", "default": ""},
    "fail": {"type": "bool", "default": True},
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Read and judge."""
    params = module.params
    stack, runner = StackArgs.from_params(params["stack"]), Runner()
    name = params["file"] or stack.env_file
    if not os.path.isfile(stack.path(name)):
        raise RecoveryError(f"{stack.path(name)} is not there.", "Set stack_env_file, or write the file.")
    used = set()
    for path in stack.definition():
        if os.path.isfile(stack.path(path)):
            used |= config_rules.used_without_default(runner.read(stack.path(path)))
    found = config_rules.validate(runner.read(stack.path(name)), stack.environment, stack.required_variables, used)
    found += _kong(stack, runner)
    rows = [item.as_dict() for item in found]
    errors = [item["text"] for item in rows if item["level"] == config_rules.ERROR]
    result = {"valid": not errors, "findings": rows, "text": config_rules.lines(rows) or [f"{name} is valid"]}
    if errors and params["fail"]:
        raise RejectedError(
            f"{stack.path(name)}: {plural(len(errors), 'error')}: {'; '.join(errors)}.",
            f"Mend them in {stack.path(name)}, then run the same command again.",
            result,
        )
    return result


def _kong(stack: StackArgs, runner: Runner) -> list[config_rules.Finding]:
    """Look at Kong's declarative file; where no engine answers, nobody knows which one it is."""
    try:
        path = config_files.kong_file(stack, DockerStack(stack.project).containers())
    except RecoveryError:
        return []
    if not path or not os.path.isfile(stack.path(path)):
        return []
    problem = kong_file.problem(runner.read(stack.path(path)))
    return [config_rules.Finding(config_rules.ERROR, "", f"{path}: {problem}")] if problem else []


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
