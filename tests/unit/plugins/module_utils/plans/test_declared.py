"""What a definition says about services that a backup did not record."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.declared import declared, jobs, reference

CORE = ("redis", "kong")


def ask(resolved, present=True, runs=True):
    return declared(
        resolved, "gateway", lambda path: path.replace("/srv/gateway/", ""), CORE, lambda _ref: present, runs
    )


# As Compose prints them: a range, a port that is not published and one of UDP beside the usual one.
PORTS = [
    {"mode": "ingress", "host_ip": "127.0.0.1", "target": 6379, "published": "6379", "protocol": "tcp"},
    {"mode": "ingress", "target": 53, "published": "53", "protocol": "udp"},
    {"mode": "ingress", "target": 8001, "published": "8100-8110", "protocol": "tcp"},
    {"mode": "ingress", "target": 8002, "protocol": "tcp"},
]


def test_images_dependencies_and_mounts_are_those_that_compose_would_use():
    resolved = {
        "kong": {
            "build": {"context": "kong"},
            "depends_on": {"redis": {"condition": "service_healthy"}},
            "volumes": [
                {"type": "bind", "source": "/srv/gateway/kong/kong.yml", "target": "/etc/kong/kong.yml"},
                {"type": "volume", "source": "logs", "target": "/logs"},
            ],
        },
        "redis": {"image": "redis:7.2", "container_name": "claude-redis", "ports": PORTS},
    }
    both = {"present": True, "wanted": True}
    places = [("127.0.0.1", 6379, "tcp"), ("0.0.0.0", 53, "udp")]
    assert ask(resolved) == {
        "kong": {
            "image_ref": "gateway-kong",
            "depends_on": ["redis"],
            "mounts": ["kong/kong.yml"],
            "name": "",
            "places": [],
            **both,
        },
        "redis": {
            "image_ref": "redis:7.2",
            "depends_on": [],
            "mounts": [],
            "name": "claude-redis",
            "places": places,
            **both,
        },
    }


@pytest.mark.parametrize(
    ("item", "wanted"),
    [({}, True), ({"scale": 0}, False), ({"deploy": {"replicas": 0}}, False), ({"deploy": {"replicas": 2}}, True)],
)
def test_a_service_without_replicas_has_no_container_on_purpose(item, wanted):
    assert bool(ask({"client": item})) == wanted


ALWAYS = {"restart": "always"}


@pytest.mark.parametrize(
    ("item", "present", "runs", "wanted"),
    [
        (ALWAYS, True, True, True),
        (ALWAYS, False, True, False),
        ({"deploy": {"restart_policy": {"condition": "any"}}}, True, True, True),
        ({}, True, True, False),
        ({"restart": "no"}, True, True, False),
        ({}, True, False, True),
        ({}, False, False, False),
    ],
    ids=["stays", "no-image", "stays-by-deploy", "may-be-a-job", "is-a-job", "taken-down", "taken-down-no-image"],
)
def test_beside_the_core_only_what_stays_is_wanted(item, present, runs, wanted):
    assert ask({"tool": item}, present, runs)["tool"]["wanted"] is wanted


@pytest.mark.parametrize("present", [True, False])
def test_what_the_core_needs_is_wanted(present):
    found = ask({"kong": {"depends_on": {"init": {}}}, "init": {}}, present)
    assert {name: item["wanted"] for name, item in found.items()} == {"kong": True, "init": True}


@pytest.mark.parametrize(
    ("recorded", "definition", "expected"),
    [
        ("gateway_kong", {"build": "kong"}, "gateway-kong"),
        ("gateway_kong:latest", {"build": "kong"}, "gateway-kong"),
        ("gateway-kong", {"build": "kong"}, "gateway-kong"),
        ("gateway_kong", {"image": "gateway_kong"}, "gateway_kong"),
        ("team/kong:3.9", {"build": "kong", "image": "team/kong:3.9"}, "team/kong:3.9"),
        ("gateway_kong", {}, "gateway_kong"),
    ],
    ids=["by-compose-1", "with-its-tag", "by-compose-2", "named-so", "named", "not-in-the-definition"],
)
def test_the_tag_is_the_one_that_compose_2_looks_for(recorded, definition, expected):
    assert reference(recorded, "gateway", "kong", definition) == expected


@pytest.mark.parametrize(
    ("depends", "found"),
    [
        ({"render": {"condition": "service_completed_successfully"}}, ["render"]),
        ({"render": {"condition": "service_started"}, "redis": {"condition": "service_healthy"}}, []),
        (None, []),
        (["render"], []),
    ],
    ids=["completed", "others", "none", "a-list"],
)
def test_who_has_to_have_done_his_work(depends, found):
    assert jobs({"kong": {"depends_on": depends}, "render": {}}) == found
