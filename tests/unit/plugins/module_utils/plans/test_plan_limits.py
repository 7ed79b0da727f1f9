"""Limits to some services, refusals and what force waives."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.guards import WAIVABLE, Guard
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import (
    ENV_FILE,
    KONG_FILE,
    MOUNTS,
    SETTINGS,
    decided,
    env,
    file,
    states,
    steps,
    tag,
    trouble,
)

DATA = {"changes": True, "mode": "restore", "method": "delta", "scope": "all", "source": "", "sha256": ""}
KONG_BACK = ["reload nginx", "ready kong", "ready nginx"]


def limited(*services, **other):
    return {**SETTINGS, "services": list(services), **other}


class TestLimit:
    @pytest.mark.parametrize(
        ("services", "changes", "expected"),
        [
            (["kong"], [env("kong"), env("client")], ["recreate kong", *KONG_BACK]),
            (
                ["kong"],
                [env("kong"), file(ENV_FILE), file("nginx/nginx.conf"), env("client")],
                [f"write_file {ENV_FILE}", "recreate kong", *KONG_BACK],
            ),
            (["kong"], [file(KONG_FILE), file(".env")], ["load_configuration kong", f"write_file {KONG_FILE}"]),
            (["kong"], [env("nginx"), file(".env")], []),
            (["client"], [env("kong"), env("client")], ["&recreate client"]),
            (["nginx"], [file("nginx/nginx.conf"), tag("kong")],
             ["write_file nginx/nginx.conf", "reload nginx", "ready nginx"]),
            (["redis"], [env("redis"), env("client")],
             ["stop kong", "recreate redis", "ready redis", "start kong", *KONG_BACK]),
        ],
        ids=[
            "kong-not-client",
            "kong-tells-a-proxy-whose-own-file-differs",
            "kong-file-not-env",
            "kong-equals",
            "client",
            "proxy-file-not-tags",
            "redis-takes-kong-along",
        ],
    )  # fmt: skip
    def test_steps(self, services, changes, expected):
        assert steps(build_plan(*states(*changes), limited(*services))) == expected

    def test_redis_alone_never_leaves_a_differing_kong_stopped(self):
        plan = build_plan(*states(env("redis"), env("kong")), limited("redis"))
        found = steps(plan)
        assert "stop kong" in found
        back = [step for step in found if step in ("start kong", "restart kong", "recreate kong")]
        assert len(back) == 1, "Kong is stopped and not put back"
        assert found.index(back[0]) > found.index("ready redis")

    @pytest.mark.parametrize("services", [["nginx"], ["kong"], ["client"]], ids=["proxy", "kong", "client"])
    def test_what_is_left_out_causes_nothing(self, services):
        plan = build_plan(*states(env("redis")), limited(*services))
        assert decided(plan) == {}
        assert steps(plan) == []

    def test_an_unknown_service_is_refused_with_the_known_ones(self):
        plan = build_plan(*states(), limited("kong", "knog"))
        assert plan["refusals"] == [
            {
                "name": "unknown_service",
                "reason": "services names knog, the stack has client, kong, nginx, redis.",
                "hint": "Correct -e services=",
                "waivable": False,
            }
        ]

    def test_a_gone_image_of_a_service_left_out_refuses_nothing(self):
        wanted, now = states(env("kong"))
        now["present_images"] -= {wanted["services"]["client"]["image_id"]}
        assert build_plan(wanted, now, limited("kong"))["refusals"] == []


class TestGuards:
    @pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
    @pytest.mark.parametrize(
        "name",
        [
            *WAIVABLE,
            "image_gone",
            "port_taken",
            "data_mode",
            "unknown_service",
            "damaged",
            "network_taken",
            "redis_closed",
        ],
    )
    def test_force_waives_the_named_ones_only(self, name, force):
        wanted, now = states()
        now["guards"] = [Guard(name, "why", "next")]
        plan = build_plan(wanted, now, {**SETTINGS, "force": force})
        row = {"name": name, "reason": "why", "hint": "next", "waivable": name in WAIVABLE}
        waived = force and name in WAIVABLE
        assert plan["waived"] == ([row] if waived else [])
        assert plan["refusals"] == ([] if waived else [row])

    @pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
    @pytest.mark.parametrize(
        ("changes", "read", "data", "services", "refuses"),
        [
            ([], False, {}, [], ""),
            ([env("kong")], False, {}, [], ""),
            ([env("redis")], False, {}, [], "anew (differs in LOG_LEVEL), never count as ready, and Kong would stay"),
            ([env("redis")], False, {}, ["kong"], ""),
            ([env("redis")], True, {}, [], ""),
            ([trouble("redis", "running", "is unhealthy")], False, {}, [], "anew (is unhealthy), never"),
            ([trouble("redis", "running", "is unhealthy")], True, {}, [], ""),
            ([], True, DATA, [], "Its data cannot be changed."),
            ([env("redis")], True, DATA, [], ""),
        ],
        ids=[
            "nothing-to-do",
            "kong-alone",
            "redis-moves",
            "redis-left-out",
            "it-let-us-in-then",
            "unhealthy",
            "unhealthy-and-let-us-in-then",
            "its-data",
            "its-data-after-it-moved",
        ],
    )
    def test_a_redis_that_is_closed_to_us_is_not_started_anew(self, changes, read, data, services, refuses, force):
        wanted, now = states(*changes)
        wanted["redis_read"], now["data"] = read, {**now["data"], **data}
        now["redis_closed"] = {"reason": "It lives.", "hint": "Set stack_redis_port."}
        plan = build_plan(wanted, now, limited(*services, force=force))
        assert [item["name"] for item in plan["refusals"]] == (["redis_closed"] if refuses else [])
        assert all(refuses in item["reason"] and not item["waivable"] for item in plan["refusals"])
        told = "It lives. Set stack_redis_port." in plan["warnings"]
        assert told is (not refuses and not services)

    @pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
    @pytest.mark.parametrize(
        ("changes", "refused"),
        [
            ([], False),
            ([env("kong")], False),
            ([env("redis")], True),
            ([trouble("redis", "running", "is unhealthy")], True),
        ],
        ids=["nothing-to-do", "kong-alone", "redis-moves", "unhealthy-for-it"],
    )
    def test_a_redis_that_could_not_save_its_data_is_not_started_anew(self, changes, refused, force):
        wanted, now = states(*changes)
        wanted["redis_read"] = True
        now["redis_closed"] = {"reason": "It lives.", "hint": "Make room.", "unsaved": True}
        plan = build_plan(wanted, now, limited(force=force))
        assert [item["name"] for item in plan["refusals"]] == (["redis_closed"] if refused else [])
        assert all("lose what it could not save" in item["reason"] for item in plan["refusals"])

    @pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
    @pytest.mark.parametrize(
        ("changes", "said", "services", "reason"),
        [
            ([env("kong")], {}, [], ""),
            ([env("kong")], {"image": ""}, [], ""),
            ([env("kong")], {"mounts": [*MOUNTS["kong"], "kong/plugins", ""]}, [], "ran with: mounts kong/plugins."),
            ([env("kong")], {"mounts": ["kong/plugins/aws-masker/handler.lua"]}, [], ""),
            ([env("kong")], {"image": "reg/kong:"}, [], "ran with: the image reg/kong: in place of gateway-kong."),
            ([], {"image": "reg/kong:"}, [], ""),
            ([env("redis")], {"image": "reg/kong:"}, [], ""),
            ([env("kong")], {"image": "reg/kong:"}, ["client"], ""),
        ],
        ids=[
            "as-it-ran",
            "built",
            "another-mount",
            "below-one",
            "another-image",
            "not-made-anew",
            "another-one-is",
            "left-out",
        ],
    )
    def test_what_compose_would_make_of_other_parts_is_refused(self, changes, said, services, reason, force):
        wanted, now = states(*changes)
        kong = wanted["services"]["kong"]
        kong["defined"] = {"image": kong["image_ref"], "mounts": kong["mounts"], **said}
        plan = build_plan(wanted, now, limited(*services, force=force))
        assert [item["name"] for item in plan["refusals"]] == (["definition_differs"] if reason else [])
        assert all(item["reason"].endswith(reason) and not item["waivable"] for item in plan["refusals"])

    @pytest.mark.parametrize("force", [False, True], ids=["plain", "force"])
    def test_a_gone_image_is_never_waived(self, force):
        wanted, now = states()
        wanted["services"]["kong"]["image_id"] = "sha256:" + "d" * 64
        plan = build_plan(wanted, now, {**SETTINGS, "force": force})
        assert plan["refusals"] == [
            {
                "name": "image_gone",
                "reason": f"kong: image {'d' * 12} (gateway-kong) is not on this host any more.",
                "hint": "Load it (docker load, docker pull by digest) or choose another backup.",
                "waivable": False,
            }
        ]

    def test_all_refusals_are_found_together(self):
        wanted, now = states()
        now["guards"] = [Guard("space_low", "a", "b"), Guard("port_taken", "c", "d")]
        now["present_images"] = set()
        plan = build_plan(wanted, now, limited("nothing"))
        assert [item["name"] for item in plan["refusals"]] == ["space_low", "port_taken", "unknown_service"]
        plan = build_plan(wanted, now, SETTINGS)
        assert [item["name"] for item in plan["refusals"]] == ["space_low", "port_taken", *["image_gone"] * 4]

    def test_warnings_are_the_targets_then_the_stacks(self):
        wanted, now = states()
        wanted["notes"], now["warnings"] = ["old"], ["stranger"]
        plan = build_plan(wanted, now, SETTINGS)
        assert plan["warnings"] == ["old", "stranger"]
        assert plan["backup_id"] == wanted["id"]
        assert plan["data"] == now["data"]
