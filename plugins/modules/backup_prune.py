#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove the backups, journals and logs whose time is over."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_prune
short_description: Remove the backups, journals and logs whose time is over
description:
  - Removes deployment backups, snapshots and data backups past their hours, journals and logs past their days, and
    what a killed backup left behind; lets the images go that no backup names any more.
  - Never removes the newest verified backup, the newest usable one of each kind, the newest O(minimum) of each kind,
    one marked as critical before its time, one that a running or unfinished rollback uses, and nothing that it cannot
    read or that belongs to another environment, project or host.
  - A clock in doubt removes nothing. It is in doubt when a backup is from the future, when the newest backup is older
    than the whole retention, and when the time of day moved otherwise than the time since the host's start.
  - Removes nothing while a rollback runs.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
options:
  hours:
    description: How long deployment backups and snapshots stay.
    type: int
    required: true
  data_hours:
    description: How long data backups stay; V(0) means as long as O(hours).
    type: int
    default: 0
  critical_days:
    description: How long backups stay that are marked as critical.
    type: int
    default: 30
  record_days:
    description: How long journals and logs stay.
    type: int
    default: 30
  minimum:
    description: How many of each kind stay, however old they are.
    type: int
    default: 3
  trust_clock:
    description: Take the clock of this host for right, although it jumped since the last time.
    type: bool
    default: false
  accept_hosts:
    description: Further host names whose backups are this stack's, after a move for instance.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Says what would go and why; removes nothing.
  diff_mode:
    support: none
    description: What goes is in RV(text).
  idempotent:
    support: full
    description: What is gone does not go again.
"""

EXAMPLES = r"""
- name: Remove what is older than a week
  kong_masking.recovery.backup_prune:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    hours: 168
"""

RETURN = r"""
removed:
  description: What was removed (in check mode, what would be).
  returned: success
  type: list
  elements: dict
  sample: [{kind: deploy, id: deploy-20260720-120000, why: "8 d 3 h old, stays for 168 h"}]
kept:
  description: What stays, each with the reason.
  returned: success
  type: list
  elements: dict
  sample: [{kind: deploy, id: deploy-20260729-120000, why: the newest verified one}]
images:
  description: The images that were let go.
  returned: success
  type: list
  elements: str
  sample: ["sha256:9f86d081884c7d65"]
freed_bytes:
  description: The size of what was removed.
  returned: success
  type: int
  sample: 1048576
stopped:
  description: Why nothing at all may go; empty when nothing stands against it.
  returned: success
  type: str
  sample: ""
text:
  description: A line for each thing, for a person.
  returned: success
  type: list
  elements: str
  sample: ["GOES   deploy-20260720-120000  8 d 3 h old, stays for 168 h", "1 of 2 go"]
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
  sample: 0.2
"""

import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.backups.backup_store import BackupStore
from ..module_utils.engine import host_clock
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.retention import retention, retention_job
from ..module_utils.runner import Runner
from ..module_utils.runs import other_runs
from ..module_utils.runs.entry import run_module
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    "hours": {"type": "int", "required": True},
    "data_hours": {"type": "int", "default": 0},
    "critical_days": {"type": "int", "default": 30},
    "record_days": {"type": "int", "default": 30},
    "minimum": {"type": "int", "default": 3},
    "trust_clock": {"type": "bool", "default": False},
    "accept_hosts": {"type": "list", "elements": "str", "default": []},
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Look, decide, remove."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    runner, now = Runner(module.run_command), datetime.now(timezone.utc)
    store, hosts = BackupStore(stack.backup_dir, runner), [os.uname().nodename, *params["accept_hosts"]]
    policy = retention.Policy(
        params["hours"],
        params["data_hours"] or params["hours"],
        params["critical_days"],
        params["record_days"],
        params["minimum"],
    )
    clock = host_clock.reading(runner, now)
    jumped = "" if params["trust_clock"] else host_clock.jump(host_clock.remembered(stack, runner), clock)
    rows = store.listing(stack.environment, stack.project, hosts, now)
    used = other_runs.in_use(other_runs.unfinished(stack, runner))
    decisions, stopped = retention.decide(retention_job.items_of(stack, rows), now, policy, used, jumped)
    busy = other_runs.rolling_back(stack, runner)
    if busy:
        stopped = f"{busy} changes this stack now"
        decisions = [retention.Decision(item.item, False, stopped) for item in decisions]
    result = {
        "removed": [item.as_dict() for item in decisions if item.remove],
        "kept": [item.as_dict() for item in decisions if not item.remove],
        "text": retention.lines(decisions, stopped),
        "stopped": stopped,
        "images": [],
        "freed_bytes": 0,
    }
    changed = bool(result["removed"])
    if not module.check_mode and not stopped:
        # An engine that does not answer ends the run here, before anything is removed.
        engine = DockerStack(stack.project)
        host_clock.remember(stack, runner, clock)
        result["freed_bytes"] = retention_job.remove(runner, decisions)
        rows = store.listing(stack.environment, stack.project, hosts, now)
        result["images"] = retention_job.free_images(engine, retention_job.images_named(store, rows))
    return {"changed": changed or bool(result["images"]), **result}


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
