#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rehearse a backup beside the live stack."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_drill
short_description: Rehearse a backup in scratch containers beside the live stack
description:
  - Proves the backup to the last byte, restores it into scratch containers of the very images that it names, loads its
    Redis data where the server loads them from, and makes the same checks as a rollback, on a network of its own that
    leads nowhere.
  - The live stack is not touched. No port is published, nothing carries the project's name or label, and nothing
    outside the scratch containers is given to them for writing.
  - Everything is removed afterwards. What a killed rehearsal leaves is removed by the next one.
  - The result goes into the backup's marks as a dated proof, which lists show. With a signing key it is signed. It is
    void as soon as a byte of the backup differs.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.signing
options:
  deployment:
    description:
      - An id, or V(latest) for the newest verified deployment backup, else the newest usable one.
      - An empty string means V(latest).
    type: str
    default: latest
  timeout:
    description: Seconds that the rehearsal may take.
    type: int
    default: 300
  fail:
    description: Fail when the rehearsal does not pass.
    type: bool
    default: true
  accept_hosts:
    description: Further host names whose backups are this stack's, after a move for instance.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Says which backup would be rehearsed and proves its bytes; starts nothing.
  diff_mode:
    support: none
    description: Only the backup's marks change.
  idempotent:
    support: none
    description: Each run leaves a new proof.
"""

EXAMPLES = r"""
- name: Rehearse the newest backup
  kong_masking.recovery.backup_drill:
    stack: {project: gateway, environment: staging, dir: /opt/gateway}
"""

RETURN = r"""
backup:
  description: The backup that was rehearsed.
  returned: success, or when a check failed
  type: dict
  sample: {id: deploy-20260729-120000, path: /opt/gateway/backups/pre-deploy/deploy-20260729-120000}
passed:
  description: Whether no critical check failed; V(false) in check mode, where nothing is rehearsed.
  returned: success, or when a check failed
  type: bool
  sample: true
checks:
  description: The checks, as those of M(kong_masking.recovery.kong_verify).
  returned: success, or when a check failed
  type: list
  elements: dict
  sample: [{name: redis_keys, status: passed}]
phases:
  description: Phase to its seconds.
  returned: success, or when a check failed
  type: dict
  sample: {files: 0.4, start redis: 1.9, verify: 0.6}
notes:
  description: In what the scratch stack differs from the real one.
  returned: success, or when a check failed
  type: list
  elements: str
  sample: []
text:
  description: The result as lines for a person.
  returned: success, or when a check failed
  type: list
  elements: str
  sample: ["REHEARSAL PASSED: deploy-20260729-120000 in 9.4 s"]
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
  sample: 9.4
"""

import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.backups import backup, proof
from ..module_utils.backups.backup_store import BackupStore
from ..module_utils.backups.signing import SIGNING_SPEC, keys_of
from ..module_utils.checks import failures, passed
from ..module_utils.drill.drill_job import DrillJob
from ..module_utils.drill.drill_report import failed_check, screen
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.errors import NotReadyError, RecoveryError, RejectedError
from ..module_utils.runner import Runner
from ..module_utils.runs import other_runs
from ..module_utils.runs.entry import run_module
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    "deployment": {"type": "str", "default": "latest"},
    "timeout": {"type": "int", "default": 300},
    "fail": {"type": "bool", "default": True},
    "accept_hosts": {"type": "list", "elements": "str", "default": []},
    **SIGNING_SPEC,
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Choose, prove, rehearse, leave the proof."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    runner, now = Runner(module.run_command), datetime.now(timezone.utc)
    began = runner.clock()
    store = BackupStore(stack.backup_dir, runner, keys_of(params), params["allow_unsigned"])
    rows = store.listing(stack.environment, stack.project, [os.uname().nodename, *params["accept_hosts"]], now)
    wanted = params["deployment"].strip() or "latest"
    choice = backup.Choice(wanted, data_only=True)
    found, _why, _older = backup.choose(rows, choice, {"services": {}}, stack.environment, lambda _found: ())
    if found["layout"] == "original":
        raise RecoveryError(
            f"Backup {found['id']} is in the original layout: it holds no definition that could be started.",
            "Rehearse one that was taken by playbooks/backup.yml.",
        )
    files = store.prove(found)
    result: dict[str, Any] = {"backup": {"id": found["id"], "path": found["path"]}}
    busy = other_runs.rolling_back(stack, runner)
    if busy:
        raise RecoveryError(f"{busy} changes this stack now; a rehearsal would slow it down.", "Wait for its end.")
    if module.check_mode:
        text = [f"WOULD REHEARSE: {found['id']}; its {len(files)} files are as the manifest says"]
        return {"changed": True, **result, "passed": False, "checks": [], "phases": {}, "notes": [], "text": text}
    job = DrillJob(stack, runner, DockerStack(stack.project), params["timeout"])
    try:
        checks = job.rehearse_data(found) if found["kind"] == "data" else job.rehearse(found, files)
    except NotReadyError as exc:
        checks = [failed_check(exc)]
    good, seconds = passed(checks), runner.clock() - began
    store.add_mark(found, "drill", proof.made(runner, found["path"], now, seconds, checks, good))
    result.update(passed=good, checks=checks, phases=job.phases, notes=job.notes)
    result["text"] = screen(found, checks, job.phases, job.notes, seconds)
    if not good and params["fail"]:
        raise RejectedError(
            f"The rehearsal of {found['id']} does not pass: {failures(checks)}",
            "Take another backup and rehearse it: ansible-playbook playbooks/backup.yml",
            {"changed": True, **result},
        )
    return {"changed": True, **result}


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
