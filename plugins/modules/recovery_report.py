#!/usr/bin/python
# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Say what happened: at the end of a run, about one run, or over all of them."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: recovery_report
short_description: Say what happened in a rollback, or over all of them
description:
  - With O(what=screen), at the end of a run, writes C(logs/rollbacks/RUN.log), the same facts as JSON beside it, and,
    where the run has a journal, a page and a ticket text; returns the last screen.
  - With O(what=run) or O(what=history) reads the journals of this host, or takes O(records), and makes the report of
    one run or of all of them, as HTML in one file, JSON and Markdown. C(docs/report.md) describes them.
  - A figure that no journal carries is called not measured. Reports are not counted as a change.
version_added: 0.1.0
author: kong_masking.recovery contributors (@kong-masking)
extends_documentation_fragment:
  - kong_masking.recovery.stack
options:
  what:
    description: The end of a run, the report of one run, or the report over all runs.
    type: str
    choices: [screen, run, history]
    default: screen
  run_id:
    description: Which run; V(latest) is the newest one with a journal. At the end of a run, its own id.
    type: str
    default: ""
  records:
    description: Records of runs, as this module returned them on other hosts; journals are then not read.
    type: list
    elements: dict
    default: []
  folder:
    description: Where the files of a report go; nothing is written without one.
    type: str
    default: ""
  last:
    description: How many runs the report over all runs lists; its figures are made of all.
    type: int
    default: 50
  contacts:
    description: Whom to call from which minute on; the inventory's C(recovery_contacts).
    type: list
    elements: dict
    default: []
  detected_at:
    description: When the incident was detected, as ISO 8601; escalation counts from there, else from the beginning.
    type: str
    default: ""
  kind:
    description: What kind of run this was.
    type: str
    choices: [rollback, force_rollback, recover_data]
    default: rollback
  backup:
    description: The target.
    type: dict
    default: {}
  plan:
    description: The plan.
    type: dict
    default: {}
  snapshot:
    description: The snapshot that was taken first.
    type: dict
    default: {}
  executed:
    description: The actions that were executed.
    type: list
    elements: dict
    default: []
  checks:
    description: The checks of the verification.
    type: list
    elements: dict
    default: []
  checks_before:
    description: The checks of what ran before.
    type: list
    elements: dict
    default: []
  undo:
    description: What the undo came to, C(undone), C(reason) and C(checks); empty when none was considered.
    type: dict
    default: {}
  data_after:
    description: The live data afterwards, C(keys) and C(mappings); when it is empty, the keys are counted.
    type: dict
    default: {}
  phases:
    description: Phase to its seconds.
    type: dict
    default: {}
  applied:
    description: Whether the execution of the plan began.
    type: bool
    default: false
  failure:
    description: Why the run failed; empty when it did not.
    type: str
    default: ""
  timeout:
    description: The seconds that the run should have stayed below.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
    description: Changes nothing that counts.
  idempotent:
    support: none
    description: Each run has its own log.
"""

EXAMPLES = r"""
- name: Say what happened at the end of a run
  kong_masking.recovery.recovery_report:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    run_id: rollback-20260729-121500
    backup: "{{ found.backup }}"
    plan: "{{ planned.plan }}"

- name: Make the report over all runs of this host
  kong_masking.recovery.recovery_report:
    stack: {project: gateway, environment: production, dir: /opt/gateway}
    what: history
    folder: /var/reports
"""

RETURN = r"""
text:
  description: What to show; of a run's end the last screen, whose last line tells whether the service is back.
  returned: success
  type: list
  elements: str
  sample: ["Rollback completed: gateway (production) on gw1, target deploy-20260729-120000", "SERVICE: BACK"]
log:
  description: Where the log was written.
  returned: with O(what=screen)
  type: str
  sample: /opt/gateway/logs/rollbacks/rollback-20260729-121500.log
outcome:
  description: C(completed), C(nothing to do), C(planned), C(refused), C(undone) or C(failed).
  returned: with O(what=screen)
  type: str
  sample: completed
facts:
  description: What a message about the run says, for the filter C(webhook_body).
  returned: with O(what=screen)
  type: dict
  sample: {run: rollback-20260729-121500, service: "SERVICE: BACK"}
files:
  description: The files that were written, by their kind.
  returned: success
  type: dict
  sample: {html: /var/reports/history.html, json: /var/reports/history.json, md: /var/reports/history.md}
records:
  description: The records of the runs that were read here, for a report over several hosts.
  returned: with O(what=run) and O(what=history)
  type: list
  elements: dict
  sample: []
document:
  description: The report as data, described by C(docs/report.schema.json).
  returned: with O(what=run) and O(what=history), when O(folder) is set
  type: dict
  sample: {schema: kong_masking.recovery/history-report/1}
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
  sample: 0.01
"""

import os
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.data.data_count import keys_now
from ..module_utils.reports.report_files import Reports
from ..module_utils.runner import Runner
from ..module_utils.runs.entry import run_module
from ..module_utils.stack_args import STACK_SPEC, StackArgs

SPEC = {
    "stack": STACK_SPEC,
    "what": {"type": "str", "choices": ["screen", "run", "history"], "default": "screen"},
    "run_id": {"type": "str", "default": ""},
    "records": {"type": "list", "elements": "dict", "default": []},
    "folder": {"type": "str", "default": ""},
    "last": {"type": "int", "default": 50},
    "contacts": {"type": "list", "elements": "dict", "default": []},
    "detected_at": {"type": "str", "default": ""},
    "kind": {
        "type": "str",
        "choices": ["rollback", "force_rollback", "recover_data"],
        "default": "rollback",
    },
    "backup": {"type": "dict", "default": {}},
    "plan": {"type": "dict", "default": {}},
    "snapshot": {"type": "dict", "default": {}},
    "executed": {"type": "list", "elements": "dict", "default": []},
    "checks": {"type": "list", "elements": "dict", "default": []},
    "checks_before": {"type": "list", "elements": "dict", "default": []},
    "undo": {"type": "dict", "default": {}},
    "data_after": {"type": "dict", "default": {}},
    "phases": {"type": "dict", "default": {}},
    "applied": {"type": "bool", "default": False},
    "failure": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 120},
}
# Options that say how to report; the others are the run itself.
HOW = ("stack", "what", "run_id", "records", "folder", "last")


def body(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for; the time is taken once."""
    params = module.params
    stack = StackArgs.from_params(params["stack"])
    now = datetime.now(timezone.utc)
    runner = Runner(module.run_command)
    reports = Reports(stack, runner, now, params["contacts"], write=not module.check_mode)
    if params["what"] == "screen":
        run = {name: params[name] for name in SPEC if name not in HOW}
        run.update(run=params["run_id"], host=os.uname().nodename, check_mode=module.check_mode)
        if params["applied"] and not run["data_after"] and not module.check_mode:
            run["data_after"] = keys_now(stack, runner)
        return reports.end_of_run(run)
    records = params["records"] or reports.records()
    if params["what"] == "run":
        return reports.one_run(records, params["run_id"] or "latest", params["folder"])
    return reports.all_runs(records, params["last"], params["folder"])


def main() -> None:
    """Entry point."""
    run_module(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), body)


if __name__ == "__main__":
    main()
