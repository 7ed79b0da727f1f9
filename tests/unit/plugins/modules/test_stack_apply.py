"""stack_apply executes in normal mode only, and never a plan with refusals."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.modules import stack_apply
from ansible_collections.kong_masking.recovery.tests.unit import samples

ACTION = {"step": 1, "action": "restart", "service": "kong", "why": "x", "beside": False}


def module(check_mode, actions=(), refusals=()):
    """What body sees of an AnsibleModule."""
    params = {
        "stack": {name: getattr(samples.stack(), name) for name in stack_apply.SPEC["stack"]["options"]},
        "plan": {"actions": list(actions), "refusals": list(refusals)},
        "backup_path": "/b",
        "copies": ["/s"],
        "ready_timeout": 5,
        "run": {},
    }
    return SimpleNamespace(params=params, check_mode=check_mode, run_command=None)


@pytest.fixture
def untouched(monkeypatch):
    """Nothing may even be looked at."""

    def forbidden(*_args, **_kwargs):
        raise AssertionError("touched something")

    for name in ("DockerStack", "Runner", "PlanExecutor", "find_client"):
        monkeypatch.setattr(stack_apply, name, forbidden)


@pytest.mark.usefixtures("untouched")
class TestTouchesNothing:
    @pytest.mark.parametrize(("actions", "changed"), [([ACTION], True), ([], False)], ids=["actions", "none"])
    def test_in_check_mode(self, actions, changed):
        assert stack_apply.body(module(True, actions)) == {"changed": changed, "executed": []}

    def test_without_actions(self):
        assert stack_apply.body(module(False)) == {"changed": False, "executed": []}

    @pytest.mark.parametrize("check_mode", [True, False])
    def test_with_refusals(self, check_mode):
        with pytest.raises(RecoveryError) as caught:
            stack_apply.body(module(check_mode, [ACTION], [{"hint": "First."}, {"hint": "Second."}]))
        assert caught.value.hint == "First.; Second."


@pytest.mark.parametrize(("named", "used"), [("config/production.env", "config/production.env"), ("", ".env")])
def test_compose_reads_the_environment_file_of_the_plan_and_not_what_stands_in_for_it(monkeypatch, named, used):
    seen = {}

    class Executor:
        def __init__(self, stack, *_others):
            seen["env_file"] = stack.env_file

        def execute(self, _actions):
            return []

    monkeypatch.setattr(stack_apply, "DockerStack", lambda project, timeout: None)
    monkeypatch.setattr(stack_apply, "find_client", lambda _runner: ("docker", "compose"))
    monkeypatch.setattr(stack_apply, "PlanExecutor", Executor)
    given = module(False, [ACTION])
    given.params["stack"]["env_file"] = ".env"
    given.params["plan"]["env_file"] = named
    stack_apply.body(given)
    assert seen == {"env_file": used}


def test_exactly_the_actions_of_the_plan_are_executed(monkeypatch):
    seen = {}

    class Executor:
        def __init__(self, _stack, _engine, _runner, client, backup_path, budget, _phase, copies):
            seen.update(client=client, backup_path=backup_path, budget=budget, copies=copies)

        def execute(self, actions):
            seen["actions"] = actions
            return [{**item, "ms": 1} for item in actions]

    monkeypatch.setattr(stack_apply, "DockerStack", lambda project, timeout: None)
    monkeypatch.setattr(stack_apply, "find_client", lambda _runner: ("docker", "compose"))
    monkeypatch.setattr(stack_apply, "PlanExecutor", Executor)
    found = stack_apply.body(module(False, [ACTION]))
    assert found == {"changed": True, "executed": [{**ACTION, "ms": 1}]}
    assert seen == {
        "client": ("docker", "compose"),
        "backup_path": "/b",
        "budget": 5,
        "copies": ["/s"],
        "actions": [ACTION],
    }
