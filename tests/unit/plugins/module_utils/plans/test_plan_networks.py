"""Networks that are others than in the backup: made anew with everything on them, or refused."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import (
    SETTINGS,
    decided,
    env,
    file,
    states,
    steps,
    stranger,
)

WHY = "gateway_default differs in internal"


def other_network(_wanted, now):
    """Compose made the network of another definition."""
    now["other_networks"] = {"gateway_default": "internal"}


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


def test_a_stranger_on_a_network_that_stays_is_left_alone():
    assert build_plan(*states(guest, env("kong")), SETTINGS)["refusals"] == []
