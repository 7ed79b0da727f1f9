"""A backup in the original layout: no record of services, so the definition and each container speak for themselves."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import NAMELESS
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import (
    DEPENDS,
    ENV_FILE,
    KONG_FILE,
    MOUNTS,
    SETTINGS,
    env,
    file,
    states,
    steps,
)

KONG_BACK = ["reload nginx", "ready kong", "ready nginx"]


def original(*changes, **settings):
    """Return the arguments of build_plan: the target knows its environment alone."""
    wanted, now = states(*changes)
    wanted.update(services={}, kong={}, files={ENV_FILE: wanted["files"][ENV_FILE]})
    return wanted, now, {**SETTINGS, "kong_file": "", **settings}


def defined(*changes, without=(), **settings):
    """The same with a definition that names all four services; some of them have no container."""
    wanted, now, settings = original(*changes, **settings)
    now["depends_on"] = DEPENDS
    now["declared"] = {
        name: {
            "image_ref": f"gateway-{name}",
            "present": True,
            "depends_on": needed,
            "mounts": MOUNTS[name],
            "wanted": True,
        }
        for name, needed in DEPENDS.items()
    }
    for name in without:
        del now["services"][name]
    return wanted, now, settings


@pytest.mark.parametrize("states_of", [original, defined])
def test_nothing_is_removed(states_of):
    assert steps(build_plan(*states_of())) == []


@pytest.mark.parametrize("states_of", [original, defined])
def test_what_differs_from_the_environment_is_recreated(states_of):
    plan = build_plan(*states_of(file(ENV_FILE), env("kong", "LOG")))
    assert steps(plan) == [f"write_file {ENV_FILE}", "recreate kong", *KONG_BACK]


@pytest.mark.parametrize(
    ("without", "done"),
    [
        (["kong"], ["recreate kong", *KONG_BACK]),
        (["redis"], ["stop kong", "recreate redis", "ready redis", "start kong", *KONG_BACK]),
        (["client"], ["&recreate client"]),
        (
            ["redis", "kong", "nginx"],
            ["recreate redis", "ready redis", "recreate kong", "recreate nginx", "ready kong", "ready nginx"],
        ),
    ],
    ids=["kong", "redis", "client", "all-of-the-core"],
)
def test_what_the_definition_names_and_has_no_container_is_made(without, done):
    assert steps(build_plan(*defined(without=without))) == done


def test_a_stack_that_was_taken_down_comes_back_whole():
    plan = build_plan(*defined(without=list(DEPENDS)))
    assert {name: item["do"] for name, item in plan["services"].items()} == dict.fromkeys(DEPENDS, "recreate")


def test_by_force_everything_that_the_definition_names_comes_onto_the_new_network():
    wanted, now, settings = defined(force=True)
    now["services"]["kong"]["trouble"] = NAMELESS
    plan = build_plan(wanted, now, settings)
    assert {name: item["do"] for name, item in plan["services"].items()} == dict.fromkeys(DEPENDS, "recreate")
    assert steps(plan)[:2] == ["stop kong", "rebuild_network None"]


def test_what_the_definition_does_not_name_is_left_alone():
    """A service of a profile that is not active, or of before: Compose could not make it anew."""
    wanted, now, settings = defined()
    now["services"]["extra"] = {**now["services"]["client"], "trouble": "exited with 1", "state": "exited"}
    assert steps(build_plan(wanted, now, settings)) == []


@pytest.mark.parametrize(
    ("without", "limit", "refused"),
    [([], [], []), (["kong"], [], ["image_gone"]), (["kong"], ["nginx"], []), (["kong"], ["kong"], ["image_gone"])],
    ids=["has-a-container", "has-none", "is-not-asked-for", "is-asked-for"],
)
def test_an_image_that_is_not_there_is_refused_before_anything_is_stopped(without, limit, refused):
    wanted, now, settings = defined(without=without, services=limit)
    now["declared"]["kong"]["present"] = False
    refusals = build_plan(wanted, now, settings)["refusals"]
    assert [item["name"] for item in refusals] == refused
    assert all("image gateway-kong is not on this host" in item["reason"] for item in refusals)


def test_a_job_that_is_done_and_removed_is_not_run_again():
    wanted, now, settings = defined(without=["client"])
    now["declared"]["client"].update(wanted=False, present=False)
    plan = build_plan(wanted, now, settings)
    assert (steps(plan), plan["refusals"]) == ([], [])


@pytest.mark.parametrize("away", [[], ["kong"]], ids=["container", "no-container"])
def test_a_limit_brings_the_files_that_the_named_service_mounts(away):
    wanted, now, settings = defined(without=away, services=["kong"])
    whole, changed = states(file(KONG_FILE), file("nginx/nginx.conf"))
    wanted["files"], now["files"] = whole["files"], changed["files"]
    written = [step for step in steps(build_plan(wanted, now, settings)) if step.startswith("write")]
    assert written == [f"write_file {KONG_FILE}"]
