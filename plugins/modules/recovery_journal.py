#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Begin and end a run: lock and journal."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: recovery_journal
short_description: Begin or end a run - lock, journal, and what an interrupted run left
description:
  - O(state=begin) takes the stack's lock, opens the run's journal, and says what is to be done about a run that never
    ended. A lock whose holder is provably gone is taken over by itself.
  - O(state=end) writes the outcome and gives the lock back.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
options:
  state:
    description: Whether the run begins or ends.
    type: str
    choices: [begin, end]
    required: true
  kind:
    description: What the run is.
    type: str
    choices: [rollback, force_rollback, recover_data]
    default: rollback
  arguments:
    description: What was asked for. An interrupted run with the same arguments is gone on with.
    type: dict
    default: {}
  on_unfinished:
    description:
      - What to do about an interrupted run. V(auto) goes on with it where the arguments are the same, and replaces it
        where they are not or by force. V(undo) goes back to its snapshot.
    type: str
    choices: [auto, resume, supersede, undo, refuse]
    default: auto
  force:
    description: Take the lock over from a holder that nobody can see alive, before its lease is over.
    type: bool
    default: false
  timeout:
    description: The seconds that the run should stay below.
    type: int
    default: 120
  detected_at:
    description: When the incident was detected (ISO 8601), for the key figures; empty where nobody said so.
    type: str
    default: ""
  controller:
    description: Who runs this and from where. The action plugin of the same name fills it in.
    type: dict
    default: {}
  result:
    description: For O(state=end), what the run came to.
    type: dict
    default: {}
    suboptions:
      failure:
        description: Why it failed; empty when it did not.
        type: str
        default: ""
      plan:
        description: Its plan.
        type: dict
        default: {}
      applied:
        description: Whether the execution of the plan began.
        type: bool
        default: false
      decided:
        description:
          - Whether it was decided to go back to the snapshot or not to.
          - A failed run without that decision is half way, and the next one goes on with it.
        type: bool
        default: false
      undone:
        description: Whether it went back to the snapshot.
        type: bool
        default: false
      checks:
        description: The checks of the state that it left.
        type: list
        elements: dict
        default: []
      backup_id:
        description: The backup that it went to.
        type: str
        default: ""
      snapshot_id:
        description: The snapshot that leads back.
        type: str
        default: ""
attributes:
  check_mode:
    support: full
    description: Takes no lock and writes nothing; says who holds the lock and what was interrupted.
  diff_mode:
    support: none
    description: Changes nothing of the stack.
  idempotent:
    support: none
    description: Each run has a journal of its own.
"""

EXAMPLES = r"""
- name: Take the lock and open the journal
  kong_masking.recovery.recovery_journal:
    state: begin
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    arguments: {deployment: latest}
  register: begun

- name: Give the lock back
  kong_masking.recovery.recovery_journal:
    state: end
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    run: "{{ begun.run }}"
    result: {applied: true, backup_id: deploy-20260729-120000}
"""

RETURN = r"""
run:
  description: The run, for the option O(run) of every module in it; empty in check mode.
  returned: success
  type: dict
  sample: {id: rollback-20260729-121500, fence: 7}
continuation:
  description: What is done about an interrupted run.
  returned: state=begin
  type: dict
  contains:
    how: {description: "V(none), V(resume), V(supersede) or V(undo).", type: str, returned: always, sample: resume}
    run: {description: The interrupted run., type: str, returned: always, sample: rollback-20260729-120500}
    deployment: {description: The target to take instead., type: str, returned: always, sample: deploy-1}
    snapshot: {description: The snapshot that leads back to before it., type: dict, returned: always, sample: {}}
    before: {description: The checks of that state., type: list, elements: dict, returned: always, sample: []}
    data_done: {description: Whether the data are changed already., type: bool, returned: always, sample: false}
    data_changed: {description: Whether they were touched at all., type: bool, returned: always, sample: false}
    brought: {description: The dump that changed them., type: str, returned: always, sample: ""}
    why: {description: The same in words., type: str, returned: always, sample: it was interrupted}
log:
  description: Host and path of the log that can be followed; empty in check mode.
  returned: success
  type: str
  sample: gw1:/opt/gateway/logs/rollbacks/rollback-20260729-121500.log
notes:
  description: What an operator should know, waiting and taking over for instance.
  returned: state=begin
  type: list
  elements: str
  sample: []
outcome:
  description: V(completed), V(nothing to do), V(refused), V(failed) or V(undone).
  returned: state=end
  type: str
  sample: completed
service:
  description: V(back), V(not back) or V(not measured).
  returned: state=end
  type: str
  sample: back
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

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.run_begin import begin
from ..module_utils.runs.run_end import end
from ..module_utils.runs.run_phase import RUN_SPEC
from ..module_utils.stack_args import STACK_SPEC, StackArgs

RESULT_SPEC = {
    "failure": {"type": "str", "default": ""},
    "plan": {"type": "dict", "default": {}},
    "applied": {"type": "bool", "default": False},
    "decided": {"type": "bool", "default": False},
    "undone": {"type": "bool", "default": False},
    "checks": {"type": "list", "elements": "dict", "default": []},
    "backup_id": {"type": "str", "default": ""},
    "snapshot_id": {"type": "str", "default": ""},
}
SPEC = {
    "stack": STACK_SPEC,
    "state": {"type": "str", "choices": ["begin", "end"], "required": True},
    "kind": {
        "type": "str",
        "choices": ["rollback", "force_rollback", "recover_data"],
        "default": "rollback",
    },
    "arguments": {"type": "dict", "default": {}},
    "on_unfinished": {
        "type": "str",
        "choices": ["auto", "resume", "supersede", "undo", "refuse"],
        "default": "auto",
    },
    "force": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 120},
    "detected_at": {"type": "str", "default": ""},
    "controller": {"type": "dict", "default": {}},
    "result": {"type": "dict", "default": {}, "options": RESULT_SPEC},
    **RUN_SPEC,
}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Begin or end."""
    stack = StackArgs.from_params(module.params["stack"])
    runner = Runner(module.run_command)
    work = begin if module.params["state"] == "begin" else end
    return work(stack, runner, module.params, dry=module.check_mode)


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
