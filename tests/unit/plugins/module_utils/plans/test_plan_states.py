"""Containers in trouble, comparisons across Compose versions, tags, dependencies, reasons, and the estimate."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import OLD_SOCKETS, OTHER_KIND
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import (
    ENV_FILE,
    HASH,
    KONG_FILE,
    OTHER_HASH,
    SETTINGS,
    decided,
    env,
    file,
    image,
    lost,
    serves,
    stale,
    states,
    steps,
    stranger,
    target_service,
    trouble,
)

KONG_BACK = ["reload nginx", "ready kong", "ready nginx"]


@pytest.mark.parametrize(
    ("state", "why", "do"),
    [
        ("exited", "is exited with exit status 1", "start"),
        ("created", "is created with exit status 0", "recreate"),
        ("exited", "was killed for lack of memory", "start"),
        ("restarting", "is restarting", "restart"),
        ("paused", "is paused", "restart"),
        ("running", "is unhealthy", "restart"),
        ("dead", "is dead", "recreate"),
        ("exited", f"is exited with exit status 1, {OLD_SOCKETS}", "recreate"),
        ("restarting", f"is restarting, {OLD_SOCKETS}", "recreate"),
        ("exited", f"is exited with exit status 127, {OTHER_KIND}", "recreate"),
    ],
    ids=[
        "exited",
        "created",
        "oom",
        "restarting",
        "paused",
        "unhealthy",
        "dead",
        "exited-over-old-sockets",
        "looping-over-old-sockets",
        "over-a-directory",
    ],
)
class TestTrouble:
    def test_of_kong(self, state, why, do):
        plan = build_plan(*states(trouble("kong", state, why)), SETTINGS)
        assert steps(plan) == [f"{do} kong", *KONG_BACK]
        assert plan["services"]["kong"] == {"do": do, "why": [why]}

    def test_of_redis(self, state, why, do):
        plan = build_plan(*states(trouble("redis", state, why)), SETTINGS)
        assert steps(plan) == ["stop kong", f"{do} redis", "ready redis", "start kong", *KONG_BACK]
        assert decided(plan) == {"redis": do, "kong": "restart", "nginx": "reload"}

    def test_of_the_proxy(self, state, why, do):
        plan = build_plan(*states(trouble("nginx", state, why)), SETTINGS)
        assert steps(plan) == [f"{do} nginx", "ready nginx"]

    def test_of_a_client(self, state, why, do):
        plan = build_plan(*states(trouble("client", state, why)), SETTINGS)
        assert steps(plan) == [f"&{do} client"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"compose_version": "5.0.0", "config_hash": "h2"}, {}),
        ({"compose_version": "5.0.0"}, {}),
        ({"config_hash": "h2"}, {"kong": "recreate", "nginx": "reload"}),
        (
            {"compose_version": "5.0.0", "config_hash": "h2", "differs": ["LOG"]},
            {"kong": "recreate", "nginx": "reload"},
        ),
        ({"differs": ["memory"]}, {"kong": "recreate", "nginx": "reload"}),
    ],
    ids=[
        "other-compose-equal-settings",
        "other-compose-equal-label",
        "same-compose",
        "other-compose-differs",
        "differs",
    ],
)
def test_labels_count_only_where_one_compose_wrote_both(changed, expected):
    wanted, now = states()
    now["services"]["kong"].update(changed)
    assert decided(build_plan(wanted, now, SETTINGS)) == expected


class TestReasons:
    def test_kong_is_restarted_because_redis(self):
        plan = build_plan(*states(env("redis", "A", "B")), SETTINGS)
        assert {name: item["why"] for name, item in plan["services"].items()} == {
            "redis": ["differs in A, B"],
            "kong": ["because Redis"],
            "nginx": ["because Kong gets a new address"],
            "client": [],
        }
        stop = plan["actions"][0]
        assert stop == {"action": "stop", "service": "kong", "why": "because Redis", "beside": False, "step": 1}

    def test_images_are_named_by_the_part_that_people_compare(self):
        wanted, now = states(image("kong"))
        wanted["services"]["kong"]["image_id"] = "sha256:" + "a" * 64
        now["services"]["kong"]["image_id"] = "sha256:" + "b" * 64
        now["present_images"].add("sha256:" + "a" * 64)
        plan = build_plan(wanted, now, SETTINGS)
        assert plan["services"]["kong"]["why"] == [f"image {'b' * 12} → {'a' * 12}"]

    def test_missing_container(self):
        wanted, now = states()
        del now["services"]["client"]
        assert build_plan(wanted, now, SETTINGS)["services"]["client"]["why"] == ["has no container"]

    def test_replaced_file_and_reasons_are_said_once(self):
        plan = build_plan(*states(stale("kong", KONG_FILE), env("kong", "X")), SETTINGS)
        assert plan["services"]["kong"]["why"] == [
            "differs in X",
            f"{KONG_FILE} was replaced under the running container",
        ]

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (file(ENV_FILE), "differs"),
            (file(ENV_FILE, mode=0o600), "has another owner or mode"),
            (file(ENV_FILE, gid=7), "has another owner or mode"),
        ],
        ids=["content", "mode", "group"],
    )
    def test_of_a_file(self, change, why):
        action = build_plan(*states(change), SETTINGS)["actions"][0]
        assert action == {
            "action": "write_file",
            "path": ENV_FILE,
            "why": why,
            "sha256": f"sha-of-{ENV_FILE}",
            "mode": 0o644,
            "uid": 0,
            "gid": 0,
            "source": f"files/{ENV_FILE}",
            "in_place": False,
            "step": 1,
        }

    def test_a_file_mounted_by_itself_is_written_in_place(self):
        action = build_plan(*states(file("nginx/nginx.conf")), SETTINGS)["actions"][0]
        assert action["in_place"] is True


def test_the_hot_load_carries_what_it_needs():
    load = build_plan(*states(file(KONG_FILE), serves(OTHER_HASH)), SETTINGS)["actions"][0]
    assert load == {
        "action": "load_configuration",
        "service": "kong",
        "source": f"files/{KONG_FILE}",
        "sha256": f"sha-of-{KONG_FILE}",
        "configuration_hash": HASH,
        "why": f"{KONG_FILE} differs, serves another configuration",
        "beside": False,
        "step": 1,
    }


def test_kong_is_asked_for_the_targets_hash():
    ready = [item for item in build_plan(*states(env("kong")), SETTINGS)["actions"] if item["action"] == "ready"]
    assert [item.get("configuration_hash") for item in ready] == [HASH, None]


class TestTags:
    def test_a_digest_is_no_tag(self):
        wanted, now = states()
        wanted["services"]["redis"]["image_ref"] = "redis@sha256:" + "c" * 64
        assert steps(build_plan(wanted, now, SETTINGS)) == []

    def test_a_tag_that_two_services_share_moves_once(self):
        wanted, now = states()
        wanted["services"]["client"] = {
            **wanted["services"]["client"],
            "image_ref": "gateway-kong",
            "image_id": wanted["services"]["kong"]["image_id"],
        }
        now["services"]["client"]["image_id"] = wanted["services"]["kong"]["image_id"]
        now["images"]["gateway-kong"] = "sha256:new"
        assert steps(build_plan(wanted, now, SETTINGS)) == ["tag_image gateway-kong"]

    def test_tags_move_before_anything_is_recreated(self):
        plan = build_plan(*states(image("redis"), image("kong")), SETTINGS)
        assert steps(plan)[:3] == ["tag_image gateway-kong", "tag_image gateway-redis", "stop kong"]


class TestDependencies:
    @staticmethod
    def with_upstream():
        wanted, now = states(env("kong"), stranger("upstream", differs=["A"]))
        wanted["services"]["upstream"] = target_service("upstream")
        wanted["services"]["kong"]["depends_on"] = ["redis", "upstream"]
        now["images"]["gateway-upstream"] = wanted["services"]["upstream"]["image_id"]
        now["present_images"].add(wanted["services"]["upstream"]["image_id"])
        return wanted, now

    def test_what_kong_needs_is_ready_before_kong(self):
        plan = build_plan(*self.with_upstream(), SETTINGS)
        assert steps(plan) == ["recreate upstream", "ready upstream", "recreate kong", *KONG_BACK]

    def test_containers_that_compose_made_without_dependencies(self):
        """``up --no-deps``, our own way to recreate, leaves the label depends_on empty: seen on Compose 2.40.3."""
        wanted, now = states(env("redis"), env("kong"), env("nginx"))
        for item in [*wanted["services"].values(), *now["services"].values()]:
            item["depends_on"] = []
        plan = build_plan(wanted, now, SETTINGS)
        core = [step for step in steps(plan) if not step.endswith("client")]
        assert core == [
            "stop kong",
            "recreate redis",
            "ready redis",
            "recreate kong",
            "recreate nginx",
            "ready kong",
            "ready nginx",
        ]


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ([], 0),
        ([env("client")], 0),
        ([file(".env")], 0.1),
        ([env("nginx")], 2.0 + 0.05),
        ([env("kong")], 2.0 + 5.0 + 0.3 + 0.1),
        ([env("redis")], 0.05 + 2.0 + 0.05 + 1.0 + 5.0 + 0.3 + 0.1),
    ],
    ids=["nothing", "beside", "file", "proxy", "kong", "redis"],
)
def test_estimate(changes, seconds):
    plan = build_plan(*states(*changes), SETTINGS)
    assert plan["estimate_seconds"] == pytest.approx(seconds, abs=0.06)


def test_a_kong_that_was_emptied_is_not_kept():
    """After an empty POST /config Kong runs, is healthy and answers 404 to everything; its hash is all zeros."""
    plan = build_plan(*states(serves("")), SETTINGS)
    assert plan["services"]["kong"] == {"do": "reload", "why": ["serves another configuration"]}


class TestWhatAContainerMounts:
    def test_a_file_that_was_a_directory_when_it_was_made(self):
        """What was mounted as a directory never starts over a file."""
        wanted, now = states(lost(KONG_FILE), trouble("kong", "restarting", "is restarting"))
        now["blocked"] = [KONG_FILE]
        plan = build_plan(wanted, now, SETTINGS)
        assert steps(plan) == [f"write_file {KONG_FILE}", "recreate kong", *KONG_BACK]

    def test_a_file_below_a_mounted_directory_was_never_mounted_itself(self):
        handler = "kong/plugins/aws-masker/handler.lua"
        wanted, now = states(lost(handler))
        now["blocked"] = [handler]
        assert decided(build_plan(wanted, now, SETTINGS)) == {"kong": "restart", "nginx": "reload"}

    @pytest.mark.parametrize(("read", "do"), [([], "reload"), (["nginx"], "restart"), (["other"], "reload")])
    def test_what_the_proxy_reads_at_its_start_only(self, read, do):
        wanted, now = states(file("nginx/nginx.conf"))
        now["services"]["nginx"]["read_at_start"] = read
        assert decided(build_plan(wanted, now, SETTINGS)) == {"nginx": do}
