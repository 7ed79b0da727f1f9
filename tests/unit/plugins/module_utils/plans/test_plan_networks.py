"""Networks that are others than in the backup: made anew with everything on them, or refused."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import NAMELESS
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import (
    SETTINGS,
    decided,
    env,
    file,
    states,
    steps,
    stranger,
    trouble,
)

WHY = "gateway_default differs in internal"


def other_network(_wanted, now):
    """Compose made the network of another definition."""
    now["other_networks"] = {"gateway_default": "internal"}


def passenger(_wanted, now):
    """A container of the project is on it that no plan makes anew."""
    now["passengers"] = ["gateway-kong-run-1"]


def guest(_wanted, now):
    """Somebody else's container is on it."""
    now["guests"] = ["monitor"]


@pytest.mark.parametrize("changes", [[], [env("kong")]], ids=["alone", "and-a-service"])
def test_everything_is_made_anew_on_it(changes):
    plan = build_plan(*states(other_network, file("docker-compose.yml"), *changes), SETTINGS)
    assert steps(plan) == [
        "write_file docker-compose.yml",
        "stop kong",
        "rebuild_network None",
        "&recreate client",
        "recreate redis",
        "ready redis",
        "recreate kong",
        "recreate nginx",
        "ready kong",
        "ready nginx",
    ]
    (rebuilt,) = [item for item in plan["actions"] if item["action"] == "rebuild_network"]
    assert rebuilt["why"] == WHY
    assert plan["refusals"] == []


def test_what_is_not_in_the_backup_goes():
    assert decided(build_plan(*states(other_network, stranger("new")), SETTINGS))["new"] == "remove"


@pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
@pytest.mark.parametrize(
    ("changes", "refused"),
    [([], []), ([file("nginx/nginx.conf")], []), ([env("kong")], ["network_differs"]), ([env("redis")], [])],
    ids=["nothing", "reload", "recreate", "of-another"],
)
def test_services_alone_are_not_made_anew_on_it(changes, refused, force):
    settings = {**SETTINGS, "services": ["kong", "nginx"], "force": force}
    plan = build_plan(*states(other_network, *changes), settings)
    assert [item["name"] for item in plan["refusals"]] == refused
    assert "rebuild_network None" not in steps(plan)
    assert all(item["reason"].startswith(f"{WHY}: kong would be made anew") for item in plan["refusals"])


@pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
def test_a_stranger_on_it_is_in_the_way(force):
    plan = build_plan(*states(other_network, guest), {**SETTINGS, "force": force})
    assert [item["name"] for item in plan["refusals"]] == ["network_guest"]
    assert plan["refusals"][0]["hint"] == "Take it off: docker network disconnect NETWORK monitor"


@pytest.mark.parametrize(("force", "refused"), [(False, ["network_guest"]), (True, [])], ids=["plain", "force"])
def test_a_container_of_the_project_that_is_no_part_of_the_plan_is_only_by_force_taken_off_it(force, refused):
    plan = build_plan(*states(other_network, passenger), {**SETTINGS, "force": force})
    assert [item["name"] for item in plan["refusals"]] == refused


def test_a_job_that_is_done_is_not_run_again_for_it():
    wanted, now = states(other_network)
    now["services"]["client"].update(state="exited", running=False)
    plan = build_plan(wanted, now, SETTINGS)
    assert decided(plan) == dict.fromkeys(("redis", "kong", "nginx"), "recreate")


def test_a_run_that_was_broken_off_makes_those_anew_that_were_taken_off_it():
    """The old network is gone, and what was stopped for it never gets it back by a start."""
    off = trouble("kong", "exited", f"is exited with exit status 0, {NAMELESS}")
    assert decided(build_plan(*states(off), SETTINGS)) == {"kong": "recreate", "nginx": "reload"}


def test_a_stranger_on_a_network_that_stays_is_left_alone():
    assert build_plan(*states(guest, env("kong")), SETTINGS)["refusals"] == []
