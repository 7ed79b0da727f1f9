#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the backup to go back to."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_discover
short_description: Find the backup to go back to, and say why this one
description:
  - Lists every backup of the stack, newest first, each usable or with the reason why not.
  - Chooses the last known good one or the named one, and checks the chosen one to the last byte. The others are not
    hashed.
  - The last known good is the newest usable deployment backup of this environment and project, verified ones first;
    never a snapshot, never a data backup. One that equals what runs now is skipped when O(broken=true).
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
  - kong_masking.recovery.signing
options:
  deployment:
    description:
      - An id, or V(latest) for the last known good. An empty string means V(latest).
      - V(none) lists without choosing.
    type: str
    default: latest
  broken:
    description: Critical checks of what runs now fail.
    type: bool
    default: false
  rejected:
    description:
      - Ids to pass over for V(latest), each with the reason; those that an earlier attempt of this run failed with.
      - No further backup is chosen once the run's time is over.
    type: dict
    default: {}
  data_only:
    description: Only the data of the backup is wanted, so data backups can be named too.
    type: bool
    default: false
  accept_hosts:
    description: Further host names whose backups are this stack's, after a move for instance.
    type: list
    elements: str
    default: []
  list_all:
    description:
      - Return all backups and their table too.
      - V(false) for who wants only the chosen one. A list of thousands costs seconds on its way through Ansible.
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
- name: Find the last known good
  kong_masking.recovery.backup_discover:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
  register: found

- name: Take exactly this one
  kong_masking.recovery.backup_discover:
    deployment: deploy-20260729-120000
    stack: {project: gateway, environment: production, dir: /opt/gateway}
"""

RETURN = r"""
backup:
  description: The chosen backup; empty with O(deployment=none).
  returned: success
  type: dict
  contains:
    id: {description: Its id., type: str, returned: chosen, sample: deploy-20260729-120000}
    path: {description: Where it lies., type: str, returned: chosen, sample: /opt/gateway/backups/pre-deploy/deploy-1}
    created: {description: When it was taken (UTC)., type: str, returned: chosen, sample: "2026-07-29T12:00:00Z"}
    environment: {description: Whose it is., type: str, returned: chosen, sample: production}
    verified: {description: Whether a verification had passed., type: bool, returned: chosen, sample: true}
    files:
      description: Its files with size and SHA-256.
      type: list
      elements: dict
      returned: chosen
      sample: [{path: config.env, size: 412, sha256: 9f86d081884c7d65}]
backups:
  description: All backups, newest first, without what is in them.
  returned: O(list_all=true)
  type: list
  elements: dict
  sample: [{id: deploy-20260729-120000, usable: true, reason: ""}]
why:
  description: Why this one was chosen.
  returned: success
  type: str
  sample: newest verified deployment backup
older:
  description: The next older usable ids, ten at most.
  returned: success
  type: list
  elements: str
  sample: [deploy-20260728-090000]
table:
  description: The list as lines for a person.
  returned: O(list_all=true)
  type: list
  elements: str
  sample: ["deploy-20260729-120000  3 h 12 min  ..."]
ages:
  description: Of the newest usable backup with a configuration and of the newest with Redis data, the id and the age.
  returned: success
  type: dict
  sample:
    configuration: {id: deploy-20260729-120000, age_seconds: 11520}
    data: {id: data-20260729-150500, age_seconds: 240}
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
  description: How long it took.
  returned: success
  type: float
  sample: 0.1
"""

import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.backups import backup
from ..module_utils.backups.backup_store import BackupStore
from ..module_utils.backups.signing import SIGNING_SPEC, keys_of
from ..module_utils.engine.container import Container
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.errors import DamagedBackupError, RecoveryError
from ..module_utils.live import live_state
from ..module_utils.live.troubles import troubles
from ..module_utils.plans import target_files
from ..module_utils.report import age_lines, backup_table, newest_ages
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.run_phase import RUN_SPEC, RunPhase
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    **RUN_SPEC,
    "deployment": {"type": "str", "default": "latest"},
    "broken": {"type": "bool", "default": False},
    "rejected": {"type": "dict", "default": {}},
    "data_only": {"type": "bool", "default": False},
    "accept_hosts": {"type": "list", "elements": "str", "default": []},
    "list_all": {"type": "bool", "default": True},
    **SIGNING_SPEC,
}

NEXT = 10
# What a list does without: it goes through Ansible's processes, and most of it would be this.
CONTENTS = ("services", "networks", "kong", "redis", "tags", "absent", "directories", "spared", "links")


def what_runs(stack: StackArgs, engine: DockerStack, containers: dict[str, Container], now: datetime) -> dict[str, Any]:
    """Return the live state in the terms in which backups record theirs."""
    # What has just fallen fails its checks by that alone, and may be as the backup has it a moment later.
    early = {name: item.unsettled(now.timestamp()) for name, item in containers.items()}
    wrong = troubles(stack, containers, live_state.environment(stack, Runner()))
    return {
        "services": live_state.identities(containers),
        "networks": engine.own_networks(),
        "kong_hash": live_state.kong_hash(engine, containers, stack.kong_service),
        "troubles": {**{name: why for name, why in early.items() if why}, **wrong},
    }


def body(module: AnsibleModule) -> dict[str, Any]:
    """List, choose, prove."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    store = BackupStore(stack.backup_dir, Runner(), keys_of(params), params["allow_unsigned"])
    hosts = [os.uname().nodename, *params["accept_hosts"]]
    now = datetime.now(timezone.utc)
    found = store.listing(stack.environment, stack.project, hosts, now)
    result: dict[str, Any] = {"ages": newest_ages(found), "backup": {}, "why": "", "older": []}
    if params["list_all"]:
        rows = [{name: value for name, value in item.items() if name not in CONTENTS} for item in found]
        result.update(backups=rows, table=[*backup_table(found), *age_lines(found)])
    wanted = params["deployment"].strip() or "latest"
    if wanted == "none":
        return result
    live: dict[str, Any] = {"services": {}}
    containers: dict[str, Container] = {}
    if params["broken"] and wanted == "latest":
        engine = DockerStack(stack.project)
        containers = engine.containers()
        live = what_runs(stack, engine, containers, now)
    if params["rejected"] and not RunPhase(stack, params["run"], Runner()).in_time():
        raise RecoveryError(
            "The time of this run is over, no further backup is tried. "
            + " ".join(f"{name} was tried: {why}." for name, why in params["rejected"].items()),
            "Name an older one: -e deployment=ID",
        )
    edited = target_files.edits(stack, Runner(), store, containers)
    choice = backup.Choice(wanted, params["broken"], params["data_only"], params["rejected"])
    chosen, why, older = backup.choose(found, choice, live, stack.environment, edited)
    try:
        files = store.prove(chosen)
    except DamagedBackupError as exc:
        exc.msg = f"{exc.msg} {backup.available([item for item in found if item['id'] != chosen['id']])}"
        raise
    return {**result, "backup": {**chosen, "files": files}, "why": why, "older": older[:NEXT]}


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
