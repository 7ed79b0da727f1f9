"""The data action in a plan: where it stands, and Kong off while Redis is away for it."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import (
    SETTINGS,
    decided,
    env,
    gone,
    states,
    steps,
    trouble,
)

KONG_BACK = ["start kong", "reload nginx", "ready kong", "ready nginx"]
DOWN = trouble("redis", "exited", "is exited with exit status 1")


def data(method="delta", kong_off=False, **other):
    """The data part of a live state whose data are to be restored."""
    values = {
        "mode": "restore",
        "line": "DATA: RESTORE",
        "changes": True,
        "method": method,
        "kong_off": kong_off,
        "scope": "mappings",
        "source": "redis-backup.rdb",
        "sha256": "ab",
        "counters": {},
    }
    return {**values, **other}


@pytest.mark.parametrize(
    ("about", "changes", "expected"),
    [
        (data(), [], ["replace_data redis"]),
        (data(changes=False), [], []),
        (data(changes=False, kong_off=True), [], []),
        (data(kong_off=True), [], ["stop kong", "replace_data redis", *KONG_BACK]),
        (data("file", kong_off=True), [], ["stop kong", "replace_data redis", *KONG_BACK]),
        (data("file", kong_off=True), [DOWN], ["stop kong", "replace_data redis", *KONG_BACK]),
        (
            data(),
            [env("redis")],
            ["stop kong", "recreate redis", "ready redis", "replace_data redis", *KONG_BACK],
        ),
        (
            data(kong_off=True),
            [env("kong")],
            ["stop kong", "replace_data redis", "recreate kong", *KONG_BACK[1:]],
        ),
        (
            data(kong_off=True),
            [trouble("kong", "exited", "is exited with exit status 1")],
            ["replace_data redis", *KONG_BACK],
        ),
    ],
    ids=[
        "delta-under-traffic",
        "nothing-to-change",
        "nothing-to-change-however-large",
        "large-delta",
        "file",
        "file-because-redis-is-down",
        "redis-recreated",
        "kong-recreated",
        "kong-off-before",
    ],
)
def test_steps(about, changes, expected):
    wanted, now = states(*changes)
    now["data"] = about
    assert steps(build_plan(wanted, now, SETTINGS)) == expected


def test_the_action_carries_what_it_needs():
    wanted, now = states()
    now["data"] = data()
    (action,) = build_plan(wanted, now, SETTINGS)["actions"]
    needed = {name: now["data"][name] for name in ("mode", "method", "scope", "source", "sha256")}
    assert {name: action[name] for name in needed} == needed
    assert (action["service"], action["beside"], action["step"]) == ("redis", False, 1)


@pytest.mark.parametrize(("services", "expected"), [(["nginx"], {}), (["kong"], {})])
def test_a_limit_without_redis_leaves_the_data_alone(services, expected):
    wanted, now = states()
    now["data"] = data(kong_off=True)
    plan = build_plan(wanted, now, {**SETTINGS, "services": services})
    assert steps(plan) == []
    assert decided(plan) == expected


def test_a_redis_without_a_container_is_made_before_its_data_are_placed():
    wanted, now = states(gone("redis"))
    now["data"] = data("file", kong_off=True)
    found = steps(build_plan(wanted, now, SETTINGS))
    assert found[:2] == ["stop kong", "recreate redis"]
    assert found.index("recreate redis") < found.index("replace_data redis") < found.index("start kong")


def test_data_of_a_redis_outside_the_project_change_while_kong_is_off_where_it_must_be():
    wanted, now = states()
    for side in (wanted, now):
        side["services"].pop("redis")
        for service in side["services"].values():
            service["depends_on"] = [name for name in service["depends_on"] if name != "redis"]
    now["depends_on"] = {}
    now["data"] = data()
    assert steps(build_plan(wanted, now, SETTINGS)) == ["replace_data redis"]
    now["data"] = data(kong_off=True)
    assert steps(build_plan(wanted, now, SETTINGS))[:2] == ["stop kong", "replace_data redis"]


KEPT = {"mode": "keep", "before": 7, "after": 7, "changes": False}
FRESH = ["stop kong", "recreate redis", "ready redis", "keep_data redis", *KONG_BACK]


class TestKept:
    """Behind each new start of a Redis whose data stay it is looked whether it loaded them."""

    def found(self, *changes, about=None, **settings):
        target, live = states(*changes)
        live["data"] = about or KEPT
        return build_plan(target, live, {**SETTINGS, **settings})

    def test_before_kong_serves_again(self):
        assert steps(self.found(env("redis"))) == FRESH

    def test_not_where_redis_stays(self):
        assert "keep_data redis" not in steps(self.found(env("kong")))

    def test_not_where_nobody_knows_what_it_held(self):
        found = self.found(env("redis"), about={**KEPT, "before": None})
        assert steps(found) == [step for step in FRESH if step != "keep_data redis"]

    def test_before_data_are_changed_too(self):
        found = steps(self.found(env("redis"), about=data(before=7)))
        assert found[2:5] == ["ready redis", "keep_data redis", "replace_data redis"]

    @pytest.mark.parametrize(
        "changes",
        [[env("kong")], [trouble("redis", "created", "is created with exit status 0"), env("kong")]],
        ids=["it-runs", "it-was-made-and-not-started"],
    )
    def test_a_run_that_goes_on_looks_in_any_case(self, changes):
        """The interrupted one may have been killed right after the start, or within it."""
        found = self.found(*changes, about={**KEPT, "before": None}, keep_data="look")
        assert "keep_data redis" in steps(found)

    def test_that_alone_is_no_plan(self):
        assert steps(self.found(keep_data="look")) == []

    def test_what_a_copy_alone_holds_is_a_plan(self):
        """A run that is undone had taken away what clients wrote after its snapshot."""
        (step,) = self.found(keep_data="bring")["actions"]
        assert (step["action"], step["everything"], step["optional"]) == ("keep_data", True, False)

    def test_by_force_nobody_waits_for_data_that_cannot_be_had(self):
        (step,) = self.found(keep_data="bring", force=True)["actions"]
        assert step["optional"] is True

    def test_data_that_are_placed_as_files_are_there_first(self):
        found = steps(self.found(env("redis"), about=data("file", kong_off=True, before=7), keep_data="bring"))
        assert found[1:4] == ["recreate redis", "replace_data redis", "keep_data redis"]

    @pytest.mark.parametrize(("before", "grace"), [(7, None), (None, 2)], ids=["answers", "silent"])
    def test_by_force_a_redis_that_answers_has_its_own_time_to_stop(self, before, grace):
        """Killed while it saves, it would lose what it was given since its last save."""
        found = self.found(env("redis"), about={**KEPT, "before": before}, force=True)
        told = {step: item.get("grace") for step, item in zip(steps(found), found["actions"], strict=True)}
        assert (told["stop kong"], told["recreate redis"]) == (2, grace)
