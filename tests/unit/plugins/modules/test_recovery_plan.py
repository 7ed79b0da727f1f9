"""recovery_plan says what live links inside mounted directories change."""

from __future__ import annotations

import os
from types import SimpleNamespace

from ansible_collections.kong_masking.recovery.plugins.modules import recovery_plan
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit import stack_on_disk as disk


def test_a_plan_warns_of_a_link_that_no_backup_holds_and_goes_on(tmp_path, monkeypatch):
    stack = disk.lay_out(tmp_path)
    backup = disk.backed_up(stack)
    os.symlink("/etc/hostname", stack.path("kong/plugins/aws-masker/out.lua"))
    monkeypatch.setattr(recovery_plan, "find_client", lambda _runner: ("docker", "compose"))
    monkeypatch.setattr(recovery_plan, "Definitions", lambda *_args: disk.SmallCompose(stack))
    params = {
        "stack": {name: getattr(stack, name) for name in recovery_plan.SPEC["stack"]["options"]},
        "backup": backup,
        "redis_data": "keep",
        "preserve_data": True,
        "redis_scope": "mappings",
        "services": [],
        "force": False,
        "keep_data": "auto",
        "keep_secrets": [],
        "undo": None,
        "why": "",
        "older": [],
    }
    with disk.answering() as places:
        engine = samples.SmallEngine(*disk.well(stack, places).values())
        monkeypatch.setattr(recovery_plan, "DockerStack", lambda _project: engine)
        module = SimpleNamespace(params=params, run_command=None, _diff=False)
        plan = recovery_plan.body(module)["plan"]
    assert [line for line in plan["warnings"] if "kong/plugins/aws-masker/out.lua is a link" in line]
    assert (plan["refusals"], [item for item in plan["actions"] if "path" in item]) == ([], [])
