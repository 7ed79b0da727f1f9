#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a rollback."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: recovery_plan
short_description: Compare a backup with what runs and plan the way back
description:
  - Compares image ids, Compose's labels, mounted files as the containers see them and Kong's configuration hash.
  - Says for each service whether it is kept, reloaded, started, restarted, recreated or removed, and why. The actions
    come in the order in which M(kong_masking.recovery.stack_apply) executes them.
  - Finds all refusals at once. It does not fail because of them; the caller does.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
  - kong_masking.recovery.run
options:
  backup:
    description: The chosen backup, as M(kong_masking.recovery.backup_discover) returns it.
    type: dict
    required: true
  why:
    description: Why this backup was chosen, for the plan's text.
    type: str
    default: named by deployment
  older:
    description: The next older usable ids, for the plan's text.
    type: list
    elements: str
    default: []
  services:
    description: Limit the rollback to these services; an empty list means all.
    type: list
    elements: str
    default: []
  redis_data:
    description:
      - What happens to the live mappings. Empty means what takes a snapshot's run back, and for other backups what
        O(preserve_data) says.
    type: str
    choices: ["", keep, restore, merge, empty]
    default: ""
  preserve_data:
    description: Keep the live mappings where O(redis_data) is not given; otherwise they leave service.
    type: bool
    default: true
  redis_scope:
    description: Whether a restore touches the masking plugin's keys only, or all keys.
    type: str
    choices: [mappings, all]
    default: mappings
  force:
    description: Waive the guards that can be waived.
    type: bool
    default: false
  keep_secrets:
    description:
      - Names of variables of the environment file whose live values stay; after a breach the backup's must not return.
    type: list
    elements: str
    default: []
  keep_data:
    description:
      - Where the plan looks for data that Redis lost over a new start; they come back out of a copy of before.
      - V(auto) behind each new start, V(look) in any case, as another run may have started it; V(bring) adds all that
        the newest copy holds.
    type: str
    choices: [auto, look, bring]
    default: auto
  undo:
    description:
      - Given where a rollback failed and O(backup) is its snapshot.
      - The plan leads back only where a critical check fails now and more of them passed before.
    type: dict
    suboptions:
      before:
        description: The checks of the state before the rollback.
        type: list
        elements: dict
        default: []
      after:
        description: The checks of the state that it left, made in the same way.
        type: list
        elements: dict
        default: []
      setting:
        description: V(leave) never leads back.
        type: str
        choices: [undo, leave]
        default: undo
      data_changed:
        description: Whether the rollback changed the live mappings.
        type: bool
        default: false
      brought:
        description: The dump that it applied; what it brought goes, what clients wrote since stays.
        type: str
        default: ""
attributes:
  check_mode:
    support: full
    description: Reads only.
  diff_mode:
    support: full
    description: Shows the whole plan as text, the settings that would change in it, secrets redacted.
  idempotent:
    support: full
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Plan the way back
  kong_masking.recovery.recovery_plan:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    backup: "{{ found.backup }}"
  register: planned
"""

RETURN = r"""
plan:
  description: What would be done.
  returned: success
  type: dict
  contains:
    backup_id: {description: The target., type: str, returned: always, sample: deploy-20260729-120000}
    env_file: {description: What Compose reads then., type: str, returned: always, sample: config/production.env}
    services: {description: Decision and reasons per service., type: dict, returned: always, sample: {kong: {do: keep}}}
    actions:
      description: The actions in their order.
      type: list
      elements: dict
      returned: always
      sample: [{step: 1, action: recreate, service: kong, why: differs in KONG_LOG_LEVEL, beside: false}]
    refusals: {description: What speaks against it., type: list, elements: dict, returned: always, sample: []}
    waived: {description: Guards that force waives., type: list, elements: dict, returned: always, sample: []}
    warnings: {description: What an operator should know., type: list, elements: str, returned: always, sample: []}
    data: {description: What happens to the mappings., type: dict, returned: always, sample: {mode: keep}}
    estimate_seconds: {description: How long it may take., type: float, returned: always, sample: 7.5}
text:
  description: The plan as lines for a person.
  returned: success
  type: list
  elements: str
  sample: ["DATA: KEEP - 12,431 live mappings stay"]
undo:
  description: Whether the plan leads back to the snapshot of a failed rollback, and why.
  returned: success
  type: dict
  sample: {do: true, why: "undone: before it 14 critical checks passed, after it 9"}
settings:
  description: File to changed settings, secrets redacted on both sides.
  returned: success
  type: dict
  sample: {config/production.env: [{name: KONG_LOG_LEVEL, old: debug, new: notice}]}
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
  sample: 0.6
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.engine.definitions import Definitions, find_client
from ..module_utils.engine.docker_stack import DockerStack
from ..module_utils.live import tree_links
from ..module_utils.plans import undo
from ..module_utils.plans.plan import build_plan
from ..module_utils.plans.plan_input import PlanInput
from ..module_utils.plans.plan_order import AUTO, BRING, LOOK
from ..module_utils.redis.redis_method import KEEP, UNDO, wanted_mode
from ..module_utils.report import plan_lines
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.runs.run_phase import RUN_SPEC
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    **RUN_SPEC,
    "backup": {"type": "dict", "required": True},
    "why": {"type": "str", "default": "named by deployment"},
    "older": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "str", "default": []},
    "redis_data": {"type": "str", "choices": ["", "keep", "restore", "merge", "empty"], "default": ""},
    "preserve_data": {"type": "bool", "default": True},
    "redis_scope": {"type": "str", "choices": ["mappings", "all"], "default": "mappings"},
    "force": {"type": "bool", "default": False},
    "keep_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "keep_data": {"type": "str", "choices": [AUTO, LOOK, BRING], "default": AUTO},
    "undo": {
        "type": "dict",
        "options": {
            "before": {"type": "list", "elements": "dict", "default": []},
            "after": {"type": "list", "elements": "dict", "default": []},
            "setting": {"type": "str", "choices": ["undo", "leave"], "default": "undo"},
            "data_changed": {"type": "bool", "default": False},
            "brought": {"type": "str", "default": ""},
        },
    },
}
NO_PLAN: dict[str, Any] = {
    "backup_id": "",
    "actions": [],
    "refusals": [],
    "waived": [],
    "warnings": [],
    "services": {},
    "data": {},
    "estimate_seconds": 0,
}


def data_mode(params: Mapping[str, Any], stack: StackArgs) -> tuple[str, str]:
    """Return (what happens to the data, for an undo the dump that is to be taken back)."""
    going_back = params["undo"]
    if going_back:
        return (UNDO, going_back["brought"]) if going_back["data_changed"] else (KEEP, "")
    touches_redis = not params["services"] or stack.redis_service in params["services"]
    return wanted_mode(params["redis_data"], params["preserve_data"], params["backup"], touches_redis), ""


def undo_answer(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether a failed rollback is to be taken back, and why; false where this is no such question."""
    asked = params["undo"]
    if not asked:
        return {"do": False, "why": ""}
    do, why = undo.decide(asked["before"], asked["after"], asked["setting"], params["backup"].get("id", ""))
    return {"do": do, "why": why}


def body(module: AnsibleModule) -> dict[str, Any]:
    """Look, compare, decide."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    answer = undo_answer(params)
    if params["undo"] and not answer["do"]:
        return {"plan": NO_PLAN, "text": [], "settings": {}, "undo": answer}
    runner = Runner(module.run_command)
    definitions = Definitions(stack, runner, find_client(runner))
    engine, keep = DockerStack(stack.project), params["keep_secrets"]
    look = PlanInput(stack, engine, runner, definitions, params["backup"], keep)
    target = look.target()
    settings = {
        "redis_service": stack.redis_service,
        "kong_service": stack.kong_service,
        "proxy_service": stack.proxy_service,
        "kong_file": target["kong"].get("file") or "",
        "definition_files": [
            *stack.definition_names,
            stack.wanted_env_file,
            ".env",
            *look.files.definitions(),
        ],
        "services": params["services"],
        "force": params["force"],
        "keep_data": params["keep_data"],
    }
    mode, brought = data_mode(params, stack)
    live = look.live(target, mode, params["redis_scope"], brought)
    tree_links.compare(stack, look.containers, params["backup"], target, live)
    plan = build_plan(target, live, settings)
    changed = look.settings_diff(plan)
    text = plan_lines(plan, params["backup"], params["why"], params["older"], changed)
    result = {"plan": plan, "text": text, "settings": changed, "undo": answer}
    if module._diff:  # noqa: SLF001  # the documented way to ask for --diff
        result["diff"] = {"prepared": "\n".join(text) + "\n"}
    return result


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
