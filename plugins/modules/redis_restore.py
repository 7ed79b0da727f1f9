#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring the live mappings where they should be."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: redis_restore
short_description: Restore, merge or empty the live mappings
description:
  - Loads the backup's dump in a scratch server of the same image and without network, which alone proves that this
    Redis can read it. The live data is touched only afterwards.
  - While Redis runs, the differences are computed by reads and applied in one transaction, all or nothing. Where it
    cannot answer, its files are replaced, with Kong off meanwhile.
  - Alias counters are never lowered, not even for a moment, so that no alias is given to a second resource.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
options:
  data:
    description:
      - V(restore) leaves exactly the backup's mappings with their remaining time to live, V(merge) adds them to the
        live ones (a live one wins), V(empty) leaves none, V(keep) does nothing.
      - V(undo) takes such a change back, O(dump) being the snapshot from before it. The snapshot's keys return as they
        were, the keys of O(brought) that it lacks go, and what clients wrote since stays.
    type: str
    choices: [keep, restore, merge, empty, undo]
    required: true
  dump:
    description: The dump to restore or merge, on the target; for V(undo) the snapshot's.
    type: path
  brought:
    description: For V(undo), the dump that the change to take back had applied; none after V(empty).
    type: path
  method:
    description:
      - V(auto) takes V(delta) while Redis runs, V(file) where it cannot answer or where more than 400,000 keys differ.
      - With O(stack.redis_host) there is only V(delta).
    type: str
    choices: [auto, delta, file]
    default: auto
  scope:
    description: The masking plugin's keys only, or all keys.
    type: str
    choices: [mappings, all]
    default: mappings
  databases:
    description: Numbers of the databases that are meant; all where it is empty. The others stay as they are.
    type: list
    elements: int
    default: []
  keep_counters:
    description:
      - Never lower an alias counter. V(false) takes them as keys like any other, so that aliases of before can be given
        to other resources; it is for a stack that nobody holds an answer of.
    type: bool
    default: true
  delta_limit:
    description: Kong is off during a delta of more keys than this.
    type: int
    default: 50000
attributes:
  check_mode:
    support: full
    description: Counts exactly what would change; uses a scratch server that is gone at the end.
  diff_mode:
    support: full
    description: Shows counts, never keys or values.
  idempotent:
    support: full
    description: A second run finds nothing to change, as long as Redis runs.
"""

EXAMPLES = r"""
- name: Add the mappings of a backup to the live ones
  kong_masking.recovery.redis_restore:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    data: merge
    dump: /opt/gateway/backups/data/data-20260729-120000/redis-backup.rdb
"""

RETURN = r"""
method:
  description: C(delta), C(file), or C(none) for O(data=keep).
  returned: success
  type: str
  sample: delta
why:
  description: Why this method.
  returned: success
  type: str
  sample: Redis runs
keys_before:
  description: Keys of the scope before; none where the live data could not be read.
  returned: success, O(data=keep) aside
  type: int
  sample: 24862
keys_after:
  description: Keys of the scope after.
  returned: success, O(data=keep) aside
  type: int
  sample: 25000
mappings_before:
  description: Mappings before; none where the live data could not be read.
  returned: success, O(data=keep) aside
  type: int
  sample: 12431
mappings_after:
  description: Mappings after.
  returned: success, O(data=keep) aside
  type: int
  sample: 12500
line:
  description: What happens to the mappings, in words.
  returned: success, O(data=keep) aside
  type: str
  sample: "DATA: MERGE - 12,431 live mappings stay, with the backup's there are 12,500; a live one wins"
refusals:
  description: What speaks against the change; only counted, the caller decides.
  returned: check mode
  type: list
  elements: dict
  sample: []
notes:
  description: What else should be known, as that replicas follow.
  returned: success, O(data=keep) aside
  type: list
  elements: str
  sample: []
expired:
  description: How many keys of the backup had lived too long and stay gone; none where the server does not say.
  returned: success, O(data=keep) aside
  type: int
  sample: 0
checks:
  description: Whether map and reverse entries agree afterwards, as M(kong_masking.recovery.stack_verify) tells checks.
  returned: success, O(data=keep) aside, not in check mode
  type: list
  elements: dict
  sample: [{name: redis_pairs, status: passed, level: critical, expected: they agree, found: they agree, ms: 0}]
wrong_pairs:
  description: Reverse keys whose alias maps to another resource, at most 20, identifiers cut.
  returned: success, O(data=keep) aside, not in check mode
  type: list
  elements: str
  sample: []
keys_restored:
  description: Keys that were written.
  returned: success
  type: int
  sample: 69
keys_removed:
  description: Keys that were removed.
  returned: success
  type: int
  sample: 0
counters_raised:
  description: How many alias counters were raised to the backup's.
  returned: success, O(data=keep) aside, not in check mode
  type: int
  sample: 0
kong_off:
  description: Whether Kong was off meanwhile.
  returned: success, O(data=keep) aside, not in check mode
  type: bool
  sample: false
conflicts:
  description: Keys of the backup that gave way to a live one, values and identifiers cut.
  returned: success, O(data=keep) aside
  type: list
  elements: str
  sample: []
write_pause_ms:
  description: How long other clients had to wait.
  returned: success, O(data=keep) aside
  type: float
  sample: 3.1
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
  sample: 1.2
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.data.redis_job import RedisJob
from ..module_utils.data.redis_preview import Preview
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.errors import RecoveryError
from ..module_utils.redis.redis_method import DELTA_KEYS, KEEP, alive_text, line, loss_guard
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.run_phase import RUN_SPEC
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    **RUN_SPEC,
    "data": {"type": "str", "choices": ["keep", "restore", "merge", "empty", "undo"], "required": True},
    "dump": {"type": "path"},
    "brought": {"type": "path"},
    "method": {"type": "str", "choices": ["auto", "delta", "file"], "default": "auto"},
    "scope": {"type": "str", "choices": ["mappings", "all"], "default": "mappings"},
    "databases": {"type": "list", "elements": "int", "default": []},
    "keep_counters": {"type": "bool", "default": True},
    "delta_limit": {"type": "int", "default": DELTA_KEYS},
}


def previewed(found: Preview) -> dict[str, Any]:
    """Return a preview in the terms of the result."""
    return {
        "changed": found.changes,
        "method": found.method,
        "why": found.why,
        "keys_before": found.keys_before,
        "keys_after": found.keys_after,
        "mappings_before": found.before,
        "mappings_after": found.after,
        "keys_restored": found.restored,
        "keys_removed": found.removed,
        "conflicts": found.conflicts,
        "expired": found.expired,
        "warnings": found.warnings,
        "alive": found.alive,
        "refusals": [guard.as_dict() for guard in loss_guard(found.mode, found.before, found.after)],
        "write_pause_ms": 0.0,
    }


def said(result: dict[str, Any], mode: str, environment: str) -> dict[str, Any]:
    """Return the result with its line in words; warnings of the data are no warnings about the task."""
    alive = alive_text(result.pop("alive", None), result.get("expired"))
    keep = f"-e env={environment} -e redis_data=keep"
    text = line(mode, result["mappings_before"], result["mappings_after"], keep, alive)
    return {**result, "line": text, "notes": result.pop("warnings")}


def counts(result: dict[str, Any], when: str) -> str:
    """Return one side of the diff: numbers only."""
    keys, mappings = result[f"keys_{when}"], result[f"mappings_{when}"]
    return f"keys: {'unknown' if keys is None else keys}\nmappings: {'unknown' if mappings is None else mappings}\n"


def body(module: AnsibleModule) -> dict[str, Any]:
    """Count or change."""
    params = module.params
    if params["data"] == KEEP:
        return {"changed": False, "method": "none", "why": "data=keep", "keys_restored": 0, "keys_removed": 0}
    for dump in (params["dump"], params["brought"]):
        if dump and not os.path.isfile(dump):
            raise RecoveryError(
                f"There is no dump at {dump}.", "List the backups: ansible-playbook playbooks/list_backups.yml"
            )
    stack = StackArgs.from_params(params["stack"])
    chosen = ("method", "scope", "delta_limit", "brought", "databases", "keep_counters")
    settings = {**{name: params[name] for name in chosen}, "revives_kong": True}
    job = RedisJob(stack, DockerStack(stack.project), Runner(), params["data"], params["dump"] or "", settings)
    found = previewed(job.preview()) if module.check_mode else job.run()
    result = said(found, params["data"], stack.environment)
    if module._diff:  # noqa: SLF001  # the documented way to ask for --diff
        result["diff"] = {"before": counts(result, "before"), "after": counts(result, "after")}
    return result


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=SPEC,
        supports_check_mode=True,
        required_if=[("data", "restore", ["dump"]), ("data", "merge", ["dump"]), ("data", "undo", ["dump"])],
    )
    run_module(module, body)


if __name__ == "__main__":
    main()
