#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Say what runs, since when, and how well."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stack_status
short_description: Say what runs, since when, how well, and how old the newest backup is
description:
  - One line a service, each asked itself; where what runs comes from; the ages of the newest configuration and data
    backup; runs that never came to their end; who holds the lock.
  - Answers within seconds, also when a service or the engine hangs.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
options:
  patience:
    description: Seconds to wait for the answers of the services; one that is silent by then is in trouble.
    type: float
    default: 2.5
  accept_hosts:
    description: Further host names whose backups are this stack's, after a move for instance.
    type: list
    elements: str
    default: []
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
- name: Look
  kong_masking.recovery.stack_status:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
"""

RETURN = r"""
well:
  description: Whether every service is well.
  returned: success
  type: bool
  sample: true
services:
  description: Service to its state, its problem (empty when it is well), when it was started, restarts and image.
  returned: success
  type: dict
  sample: {kong: {state: running, problem: "", started_at: "2026-07-29T12:00:00Z", restarts: 0}}
release:
  description: Where what runs comes from.
  returned: success
  type: dict
  sample: {since: "2026-07-29T12:00:00Z", deployment: deploy-20260729-115800, same_as: deploy-20260729-150000}
ages:
  description: Of the newest usable backup with a configuration and of the newest with Redis data, the id and the age.
  returned: success
  type: dict
  sample:
    configuration: {id: deploy-20260729-150000, age_seconds: 360}
    data: {id: data-20260729-150500, age_seconds: 60}
unfinished:
  description: Runs without an end.
  returned: success
  type: list
  elements: str
  sample: [rollback-20260729-120000]
lock:
  description: The run that holds the lock; empty when it is free.
  returned: success
  type: str
  sample: ""
text:
  description: All of it as lines for a person.
  returned: success
  type: list
  elements: str
  sample: ["STATUS: gateway (production) on gw1", "ALL WELL"]
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
  sample: 0.4
"""

import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.assessment import status, status_questions
from ..module_utils.backups.backup_store import BackupStore
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.live import live_state
from ..module_utils.plans import target_files
from ..module_utils.report import newest_ages
from ..module_utils.runner import Runner
from ..module_utils.runs import other_runs
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.lock import StackLock
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    "patience": {"type": "float", "default": 2.5},
    "accept_hosts": {"type": "list", "elements": "str", "default": []},
}
ENGINE_SECONDS = 4


def body(module: AnsibleModule) -> dict[str, Any]:
    """Ask everybody at once and put the answers together."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    runner, now, host = Runner(module.run_command), datetime.now(timezone.utc), os.uname().nodename
    engine = DockerStack(stack.project, timeout=ENGINE_SECONDS)
    containers = engine.containers()
    problems, kong_hash = status_questions.ask(stack, engine, runner, containers, params["patience"])
    store = BackupStore(stack.backup_dir, runner)
    backups = store.listing(stack.environment, stack.project, [host, *params["accept_hosts"]], now)
    live = {
        "services": live_state.identities(containers),
        "networks": engine.own_networks(),
        "kong_hash": kong_hash,
        "troubles": {},
    }
    edited = target_files.edits(stack, runner, store, containers)
    lock = StackLock(stack, runner)
    newest = max((item.created for item in containers.values()), default="")
    facts: dict[str, Any] = {
        "project": stack.project,
        "environment": stack.environment,
        "host": host,
        "release": status.release(backups, live, newest, edited),
        "expected": stack.core,
        "lock": lock.holder(),
        "unfinished": other_runs.unfinished(stack, runner),
    }
    return {
        "well": not problems and all(name in containers for name in stack.core),
        "services": {
            name: {
                "state": item.state,
                "problem": problems.get(name, ""),
                "started_at": item.started_at,
                "restarts": item.restarts,
                "image_id": item.image_id,
            }
            for name, item in containers.items()
        },
        "release": facts["release"],
        "ages": newest_ages(backups),
        "unfinished": [item.run for item in facts["unfinished"]],
        "lock": str(lock.held().get("run", "")) if facts["lock"] else "",
        "text": status.screen(facts, containers, problems, backups, now),
    }


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
