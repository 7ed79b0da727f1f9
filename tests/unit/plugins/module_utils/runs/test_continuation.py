"""What a run does about one that never ended."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import continuation

ASKED = {"deployment": "latest", "services": "", "redis_data": "", "redis_scope": "mappings", "force": False}
BEGIN = {"event": "begin", "arguments": ASKED}
MEASURED = {
    "event": "phase",
    "phase": "before",
    "state": "end",
    "ok": True,
    "result": {"checks": [{"name": "redis", "status": "failed", "level": "critical"}]},
}
FOUND = {"event": "phase", "phase": "discover", "state": "end", "ok": True, "result": {"backup": {"id": "deploy-1"}}}
SAVED = {"event": "phase", "phase": "snapshot", "state": "end", "ok": True, "result": {"backup": {"id": "rollback-1"}}}
APPLY = {"event": "phase", "phase": "apply", "state": "begin"}
DATA = {"event": "step", "action": "replace_data", "state": "end", "step": 2, "ms": 1}
HALF = [BEGIN, MEASURED, FOUND, SAVED, APPLY]
HOUR = 3600


def decide(events, arguments=None, setting="auto", seconds=60, newer=""):
    return continuation.decide("rollback-1", events, {**ASKED, **(arguments or {})}, setting, seconds, newer)


CASES = {
    "the-same-command": ({}, "auto", "resume", "deploy-1"),
    "another-deployment": ({"deployment": "deploy-0"}, "auto", "supersede", ""),
    "other-services": ({"services": "kong"}, "auto", "supersede", ""),
    "other-data": ({"redis_data": "empty"}, "auto", "supersede", ""),
    "by-force": ({"force": True}, "auto", "supersede", ""),
    "told-to-resume": ({"deployment": "deploy-0"}, "resume", "resume", "deploy-1"),
    "told-to-supersede": ({}, "supersede", "supersede", ""),
    "told-to-undo": ({}, "undo", "undo", "rollback-1"),
    "told-to-refuse": ({}, "refuse", "refuse", ""),
}


@pytest.mark.parametrize(("arguments", "setting", "how", "deployment"), CASES.values(), ids=CASES)
def test_half_way(arguments, setting, how, deployment):
    found = decide(HALF, arguments, setting)
    assert (found.how, found.deployment) == (how, deployment)
    assert found.snapshot == {"id": "rollback-1"}
    assert found.before == MEASURED["result"]["checks"]


@pytest.mark.parametrize("events", [[], [BEGIN], [BEGIN, FOUND], [BEGIN, FOUND, SAVED], [BEGIN, FOUND, APPLY]])
def test_what_had_changed_nothing_is_only_noted(events):
    found = decide(events)
    assert (found.how, found.snapshot) == ("none", {})
    assert found.why == "rollback-1 was interrupted before it changed anything"


@pytest.mark.parametrize(("seconds", "newer"), [(13 * HOUR, ""), (60, "deploy-9")])
def test_history_is_not_gone_on_with(seconds, newer):
    assert decide(HALF, seconds=seconds, newer=newer).how == "none"


def test_data_that_was_changed_already_is_not_changed_again():
    assert decide([*HALF, DATA]).data_done is True
    assert decide([*HALF, {**DATA, "state": "begin"}]).data_done is False
    assert decide([*HALF, DATA], {"deployment": "deploy-0"}).data_done is False


DUMP = {"event": "phase", "phase": "plan", "state": "end", "ok": True}
BROUGHT = {**DUMP, "result": {"plan": {"data": {"source": "redis-backup.rdb"}}}}
TARGET = {**FOUND, "result": {"backup": {"id": "deploy-1", "path": "/b/deploy-1"}}}


@pytest.mark.parametrize(
    "arguments", [{}, {"force": True}, {"redis_data": "keep"}], ids=["resume", "force", "other-data"]
)
@pytest.mark.parametrize("state", ["begin", "end"])
def test_the_way_back_knows_that_the_data_were_touched_and_by_what(arguments, state):
    """Whatever the next run wants: where it fails, the data of the snapshot have to come back."""
    found = decide([BEGIN, MEASURED, TARGET, BROUGHT, SAVED, APPLY, {**DATA, "state": state}], arguments)
    assert (found.data_changed, found.brought) == (True, "/b/deploy-1/redis-backup.rdb")
    assert decide([BEGIN, MEASURED, TARGET, BROUGHT, SAVED, APPLY], arguments).data_changed is False


def test_what_an_interrupted_run_had_touched_is_carried_through_the_next_ones():
    carries = {
        "snapshot": {"id": "rollback-0"},
        "deployment": "",
        "before": [],
        "data_changed": True,
        "brought": "/d.rdb",
    }
    found = decide([{**BEGIN, "carries": carries}])
    assert (found.data_done, found.data_changed, found.brought) == (False, True, "/d.rdb")


@pytest.mark.parametrize("state", ["begin", "end"])
def test_data_that_the_run_had_begun_to_take_back_is_changed_again(state):
    """Its own way back was broken off: nobody knows, or everybody does, that the data are those of before."""
    undo = {"event": "phase", "phase": "undo", "state": "begin"}
    assert decide([*HALF, DATA, undo]).data_done is True
    assert decide([*HALF, DATA, undo, {**DATA, "state": state}]).data_done is False
    carries = {"snapshot": {"id": "rollback-0"}, "deployment": "deploy-1", "before": [], "data_done": True}
    assert decide([{**BEGIN, "carries": carries}, undo, {**DATA, "state": state}]).data_done is False


def test_a_run_that_went_on_with_another_one_carries_its_way_back():
    """Interrupted a second time, before its own apply: the first snapshot is still the way back."""
    carries = {"snapshot": {"id": "rollback-0"}, "deployment": "deploy-1", "before": [], "data_done": True}
    found = decide([{**BEGIN, "carries": carries}])
    assert (found.how, found.deployment, found.data_done) == ("resume", "deploy-1", True)
    assert found.snapshot == {"id": "rollback-0"}


def test_the_second_snapshot_never_replaces_the_first():
    carries = {"snapshot": {"id": "rollback-0"}, "deployment": "", "before": [], "data_done": False}
    assert decide([{**BEGIN, "carries": carries}, FOUND, SAVED, APPLY]).snapshot == {"id": "rollback-0"}
