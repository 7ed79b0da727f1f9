"""The door of every module: where the switch that does without libraries is read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils import libraries
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError, RejectedError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import entry


class Left(Exception):
    """The process would have ended."""


def module(**params):
    told = {}

    def leave(**result):
        told.update(result)
        raise Left

    return SimpleNamespace(params=params, check_mode=False, fail_json=leave, exit_json=leave), told


@pytest.fixture
def missing(monkeypatch):
    """A target without redis."""
    monkeypatch.setattr(libraries, "MISSING", {"redis": "traceback"})
    monkeypatch.setattr(libraries, "WAIVED", set())


def needs_redis(_module):
    libraries.need("redis")
    return {"changed": True}


@pytest.mark.parametrize("params", [{}, {"stack": None}, {"stack": {}}, {"stack": {"plain_libraries": False}}])
def test_a_missing_library_is_refused(missing, params):
    made, told = module(**params)
    with pytest.raises(Left):
        entry.run_module(made, needs_redis)
    assert told["msg"].startswith("Failed to import the required Python library (redis) on ")
    assert told["details"]["guard"] == "libraries_missing"


def test_a_forced_run_does_without(missing):
    made, told = module(stack={"plain_libraries": True})
    with pytest.raises(Left):
        entry.run_module(made, needs_redis)
    assert told["changed"] is True


def test_a_failure_says_what_and_what_next():
    made, told = module()

    def body(_module):
        raise RecoveryError("It is broken.", "Mend it.", where="here")

    with pytest.raises(Left):
        entry.run_module(made, body)
    assert told == {"msg": "It is broken. Mend it.", "hint": "Mend it.", "details": {"where": "here"}}


def test_commands_in_results_and_failures_are_those_of_this_stack():
    stack = {"environment": "production", "command": "ansible-playbook kong_masking.recovery.{} -e env=production"}
    for body in (lambda _module: {"line": "ansible-playbook playbooks/verify.yml"}, _fails):
        made, told = module(stack=stack)
        with pytest.raises(Left):
            entry.run_module(made, body)
        assert "ansible-playbook kong_masking.recovery.verify -e env=production" in str(told)


def test_what_a_rejection_found_is_in_the_result_too():
    made, told = module(stack={"environment": "production"})

    def body(_module):
        found = {"passed": False, "text": ["NEXT: ansible-playbook playbooks/verify.yml"]}
        raise RejectedError("It does not pass.", "Mend it.", found)

    with pytest.raises(Left):
        entry.run_module(made, body)
    assert told == {
        "msg": "It does not pass. Mend it.",
        "hint": "Mend it.",
        "details": {},
        "passed": False,
        "text": ["NEXT: ansible-playbook playbooks/verify.yml -e env=production"],
    }


def _fails(_module):
    raise RecoveryError("It is broken.", "Look: ansible-playbook playbooks/verify.yml")
