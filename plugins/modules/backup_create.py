#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take a backup of what runs."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_create
short_description: Back up what runs in a gateway stack
description:
  - Captures what B(runs), which is not always what lies on disk. A file that was edited and not yet deployed is kept
    beside the running content and never filed under the old release's name.
  - The backup holds Compose files, environment files, mounted configuration, the containers' definition and image ids,
    and a copy of the Redis data. It appears complete or not at all.
  - Every image that it names is kept by a tag and by a created, never started container.
  - A data backup is skipped while a rollback changes the stack.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
  - kong_masking.recovery.signing
options:
  kind:
    description:
      - V(deploy) is taken before a deployment and is a candidate for the last known good.
      - V(rollback) is the snapshot that a rollback takes before it changes anything.
      - V(data) holds Redis data only, for a timer.
    type: str
    choices: [deploy, rollback, data]
    default: deploy
  id:
    description: The id to use; by default one of the current second (UTC).
    type: str
  verified:
    description: Mark the backup as verified, because a verification of this very state has passed.
    type: bool
    default: false
  critical:
    description: Mark the backup as critical; it is then kept longer.
    type: bool
    default: false
  further_files:
    description: Files of the stack to save too, relative to O(stack.dir); those that a rollback is about to change.
    type: list
    elements: str
    default: []
  undo_data:
    description: For a snapshot, what a rollback to it does to the live mappings.
    type: str
    choices: [keep, restore]
    default: keep
  timeout:
    description: Seconds that the backup may take; past them it is given up and leaves nothing. V(0) sets no limit.
    type: int
    default: 0
  owner:
    description: Who owns the backup's files; by default the user that the module runs as.
    type: str
  group:
    description: Which group owns the backup's files.
    type: str
attributes:
  check_mode:
    support: full
    description: Says which backup would be written; writes nothing.
  diff_mode:
    support: none
    description: A new backup has no state before it.
  idempotent:
    support: none
    description: Each run takes another backup.
"""

EXAMPLES = r"""
- name: Back up before a deployment
  kong_masking.recovery.backup_create:
    stack:
      project: gateway
      environment: production
      dir: /opt/gateway

- name: Save the mappings, from a timer
  kong_masking.recovery.backup_create:
    kind: data
    stack:
      project: gateway
      environment: production
      dir: /opt/gateway
"""

RETURN = r"""
backup:
  description: The backup that was taken; in check mode its C(id), C(kind) and C(path); empty where it was skipped.
  returned: success
  type: dict
  contains:
    id: {description: Its id., type: str, returned: unless skipped, sample: deploy-20260729-120000}
    kind: {description: "C(deploy), C(rollback) or C(data).", type: str, returned: unless skipped, sample: deploy}
    path: {description: Where it lies., type: str, returned: unless skipped, sample: /opt/backups/pre-deploy/deploy-1}
    created: {description: When it was taken (UTC)., type: str, returned: taken, sample: "2026-07-29T12:00:00Z"}
    environment: {description: Whose it is., type: str, returned: taken, sample: production}
    project: {description: The Compose project., type: str, returned: taken, sample: gateway}
    sequence: {description: Its place among this stack's backups., type: int, returned: taken, sample: 12}
    undo_data: {description: What a rollback to it does to data., type: str, returned: taken, sample: keep}
    complete: {description: Whether all of what runs could be captured., type: bool, returned: taken, sample: true}
    notes: {description: What an operator should know., type: list, elements: str, returned: taken, sample: []}
    redis: {description: Facts of the data set in it., type: dict, returned: taken, sample: {keys: 12431}}
msg:
  description: Why no backup was taken.
  returned: skipped
  type: str
  sample: rollback-20260729-121500 changes this stack now; the next data backup comes after it.
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
  sample: 1.4
"""

import grp
import os
import pwd
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.backups.backup import FOLDERS
from ..module_utils.backups.backup_job import BackupJob, NothingToSaveError
from ..module_utils.backups.backup_store import BackupStore
from ..module_utils.backups.signing import SIGNING_SPEC, keys_of
from ..module_utils.engine.bounded import bounded
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.errors import RecoveryError
from ..module_utils.runner import Runner, Stamp
from ..module_utils.runs import other_runs
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.run_phase import RUN_SPEC
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    **RUN_SPEC,
    "kind": {"type": "str", "choices": ["deploy", "rollback", "data"], "default": "deploy"},
    "id": {"type": "str"},
    "verified": {"type": "bool", "default": False},
    "critical": {"type": "bool", "default": False},
    "further_files": {"type": "list", "elements": "str", "default": []},
    "undo_data": {"type": "str", "choices": ["keep", "restore"], "default": "keep"},
    "timeout": {"type": "int", "default": 0},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    **SIGNING_SPEC,
}

# What of the manifest goes back to the controller.
SHOWN = (
    "id",
    "kind",
    "path",
    "sequence",
    "created",
    "environment",
    "project",
    "complete",
    "notes",
    "redis",
    "undo_data",
)


def owner_of(params: Mapping[str, Any]) -> Stamp:
    """Return the owner and group to give the files; -1 leaves them as they are."""
    try:
        uid = pwd.getpwnam(params["owner"]).pw_uid if params["owner"] else -1
        gid = grp.getgrnam(params["group"]).gr_gid if params["group"] else -1
    except KeyError as exc:
        raise RecoveryError(
            f"backup_owner or backup_group is unknown on this host: {exc}.", "Create it or correct the setting."
        ) from exc
    return Stamp(0o700, uid, gid)


def body(module: AnsibleModule) -> dict[str, Any]:
    """Take the backup, or say which one would be taken."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    runner = Runner(module.run_command)
    now = datetime.now(timezone.utc)
    busy = "" if params["run"].get("id") else other_runs.rolling_back(stack, runner)
    if busy and params["kind"] == "data":
        msg = f"{busy} changes this stack now; the next data backup comes after it."
        return {"skipped": True, "msg": msg, "backup": {}}
    if busy and not module.check_mode:
        raise RecoveryError(
            f"{busy} changes this stack now; a backup would hold a half-changed state.",
            "Take it when that run has ended: ansible-playbook playbooks/status.yml",
        )
    store = BackupStore(stack.backup_dir, runner, keys_of(params), params["allow_unsigned"])
    job = BackupJob(stack, DockerStack(stack.project), runner, store, now, os.uname().nodename)
    backup_id = params["id"] or job.free_id(params["kind"])
    if module.check_mode:
        path = os.path.join(stack.backup_dir, FOLDERS[params["kind"]], backup_id)
        return {"changed": True, "backup": {"id": backup_id, "kind": params["kind"], "path": path}}
    marks = {"verified": params["verified"], "critical": params["critical"]}
    try:
        with bounded(params["timeout"], f"Backup {backup_id}"):
            manifest = job.create(
                params["kind"], backup_id, marks, owner_of(params), params["undo_data"], params["further_files"]
            )
    except NothingToSaveError as exc:
        if not params["run"].get("id"):
            raise
        return {"skipped": True, "msg": exc.msg, "backup": {}}
    return {"changed": True, "backup": {name: manifest[name] for name in SHOWN}}


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
