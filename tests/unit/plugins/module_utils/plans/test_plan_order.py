"""The order of a plan's actions where something special is asked: force, a new network, tags, other dependencies."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import NAMELESS, UNREACHED
from ansible_collections.kong_masking.recovery.plugins.module_utils.plans.plan import build_plan
from ansible_collections.kong_masking.recovery.tests.unit.plan_samples import (
    KONG_FILE,
    OTHER_HASH,
    SETTINGS,
    env,
    extra,
    file,
    gone,
    image,
    serves,
    states,
    steps,
    stranger,
    tag,
    target_service,
    trouble,
)

FORCE = {**SETTINGS, "force": True}
EXITED = "is exited with exit status 1"


def plan(*changes, settings=None, wanted=None, **live):
    """Return a plan; wanted: fields of the target, live: fields of the live state."""
    target, now = states(*changes)
    target.update(wanted or {})
    now.update(live)
    return build_plan(target, now, settings or SETTINGS)


def told(found, field):
    """Return action → what it says about a field, of those that say anything."""
    return {step: item[field] for step, item in zip(steps(found), found["actions"], strict=True) if field in item}


class TestGrace:
    """By force nobody waits ten seconds for a container that does not stop."""

    def test_every_action_that_ends_a_container_has_it_by_force(self):
        changes = (env("redis"), trouble("kong", "restarting", "is restarting"), stranger("old"), env("nginx"))
        assert told(plan(*changes, settings=FORCE), "grace") == {
            "&remove old": 2,
            "stop kong": 2,
            "recreate redis": 2,
            "recreate nginx": 2,
        }

    def test_otherwise_each_has_its_own(self):
        assert told(plan(env("redis"), stranger("old")), "grace") == {}


class TestNewNetwork:
    """Containers that do not find each other by name: by force the project's own network is made anew."""

    ALL = (
        "&recreate client",
        "recreate redis",
        "ready redis",
        "recreate kong",
        "recreate nginx",
        "ready kong",
        "ready nginx",
    )

    @pytest.mark.parametrize(
        ("changes", "live"),
        [
            ([trouble("nginx", "running", NAMELESS)], {}),
            ([trouble("nginx", "running", UNREACHED)], {}),
            ([], {"network": False}),
        ],
        ids=["a-container-without-its-name", "a-container-not-reached", "no-network"],
    )
    def test_it_comes_before_anything_is_started_and_after_kong_is_off(self, changes, live):
        found = plan(*changes, settings=FORCE, **live)
        assert steps(found)[:2] == ["stop kong", "rebuild_network None"]
        assert sorted(steps(found)[2:]) == sorted(self.ALL)
        assert [step for step in steps(found)[2:] if "client" not in step] == list(self.ALL[1:])

    def test_a_kong_that_is_off_already_is_not_stopped(self):
        found = steps(plan(trouble("kong", "exited", EXITED), settings=FORCE, network=False))
        assert found[0] == "rebuild_network None"
        assert "stop kong" not in found

    @pytest.mark.parametrize(
        "settings",
        [SETTINGS, {**FORCE, "services": ["nginx", "kong", "redis", "client"]}],
        ids=["without-force", "for-named-services"],
    )
    @pytest.mark.parametrize("sign", [NAMELESS, UNREACHED])
    def test_it_is_left_alone(self, settings, sign):
        changes = [trouble("nginx", "running", sign)]
        assert not any("rebuild_network" in step for step in steps(plan(*changes, settings=settings)))


class TestWithoutAProxy:
    """No proxy is told, asked or waited for where the stack has none; nothing else changes."""

    @staticmethod
    def plan(*changes):
        target, now = states(*changes)
        for side in (target, now):
            del side["services"]["nginx"]
            side["services"]["client"]["depends_on"] = ["kong"]
        return build_plan(target, now, {**SETTINGS, "proxy_service": ""})

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ([], []),
            ([env("kong")], ["recreate kong", "ready kong"]),
            ([env("redis")], ["stop kong", "recreate redis", "ready redis", "start kong", "ready kong"]),
            ([env("client")], ["&recreate client"]),
            ([trouble("kong", "exited", EXITED)], ["start kong", "ready kong"]),
            ([serves(OTHER_HASH)], ["load_configuration kong"]),
        ],
        ids=["nothing-differs", "kong", "redis", "client", "kong-is-off", "kong-serves-another"],
    )
    def test_its_steps(self, changes, expected):
        assert steps(self.plan(*changes)) == expected


class TestTags:
    """A tag that named another image than the one that ran: built, and not deployed."""

    BUILT = "sha256:built-and-not-deployed"

    def found(self, *changes, now=None, present=True):
        target, live = states(*changes)
        target["tags"] = {"gateway-kong": self.BUILT}
        live["images"]["gateway-kong"] = now or self.BUILT
        if present:
            live["present_images"].add(self.BUILT)
        return build_plan(target, live, SETTINGS)

    def test_where_nothing_else_differs_it_stays_where_it_is(self):
        assert steps(self.found()) == []

    def test_it_moves_for_the_container_that_compose_makes_and_back_at_the_very_end(self):
        found = self.found(env("kong"))
        first, last = found["actions"][0], found["actions"][-1]
        assert (first["action"], first["image_id"]) == ("tag_image", "sha256:kong-image-of-old")
        assert steps(found)[1] == "recreate kong"
        assert (last["action"], last["image_id"]) == ("tag_image", self.BUILT)

    def test_moved_since_it_goes_back_last_and_starts_nothing(self):
        (only,) = self.found(now="sha256:newer")["actions"]
        assert (only["action"], only["reference"], only["image_id"]) == ("tag_image", "gateway-kong", self.BUILT)

    def test_one_that_named_the_image_that_ran_goes_back_for_nothing_else(self):
        target, live = states(tag("kong"))
        target["tags"] = {"gateway-kong": target["services"]["kong"]["image_id"]}
        assert steps(build_plan(target, live, SETTINGS)) == ["tag_image gateway-kong"]

    def test_an_image_that_is_gone_cannot_be_named_again(self):
        assert steps(self.found(now="sha256:newer", present=False)) == []

    def test_the_tag_of_the_image_that_ran_goes_back_first(self):
        assert steps(plan(tag("kong"), env("nginx"))) == ["tag_image gateway-kong", "recreate nginx", "ready nginx"]


class TestDependencies:
    def test_the_definition_says_who_comes_first_and_not_the_labels_of_containers(self):
        target, now = states(env("nginx"), env("client"))
        for side in (target, now):
            side["services"]["client"]["depends_on"] = []
        now["depends_on"] = {"redis": [], "kong": ["redis"], "nginx": ["kong", "client"], "client": []}
        found = steps(build_plan(target, now, SETTINGS))
        assert found == ["recreate client", "ready client", "recreate nginx", "ready nginx"]

    def test_what_none_of_the_three_needs_runs_beside_in_its_own_order(self):
        target, now = states(env("client"), stranger("worker"), stranger("cron"))
        for name in ("worker", "cron"):
            target["services"][name] = target_service(name, ["client"] if name == "cron" else ["cron"])
            now["present_images"].add(f"sha256:{name}-image-of-old")
            now["images"][f"gateway-{name}"] = f"sha256:{name}-image-of-old"
            now["services"][name].update(differs=["A"])
        assert steps(build_plan(target, now, SETTINGS)) == ["&recreate client", "&recreate cron", "&recreate worker"]


class TestKongsFile:
    def test_it_is_put_in_place_only_after_kong_took_it(self):
        found = steps(plan(file(KONG_FILE), serves(OTHER_HASH), file("docker-compose.yml")))
        assert (
            found
            == [
                "write_file docker-compose.yml",
                "load_configuration kong",
                f"write_file {KONG_FILE}",
                "reload nginx",
            ][: len(found)]
        )
        assert f"write_file {KONG_FILE}" in found

    def test_for_a_kong_that_is_made_anew_it_is_there_before(self):
        found = steps(plan(file(KONG_FILE), env("kong")))
        assert found[:2] == [f"write_file {KONG_FILE}", "recreate kong"]

    def test_other_files_of_the_same_kind_come_first_too(self):
        found = steps(plan(extra("kong/new.yml"), file(KONG_FILE), serves(OTHER_HASH)))
        assert found == ["remove_file kong/new.yml", "load_configuration kong", f"write_file {KONG_FILE}"]


@pytest.mark.parametrize(("policy", "known"), [("always", {"start kong": "always"}), ("", {})])
def test_a_start_knows_the_policy_that_the_stop_before_took(policy, known):
    target, now = states(env("redis"))
    for service in now["services"].values():
        service["restart_policy"] = policy
    assert told(build_plan(target, now, SETTINGS), "restart_policy") == known


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([gone("kong"), env("redis")], []),
        ([trouble("kong", "dead", "is dead"), env("redis")], []),
        ([trouble("kong", "created", "is created"), env("redis")], []),
        ([trouble("kong", "paused", "is paused"), env("redis")], ["stop kong"]),
        ([image("kong"), env("redis")], ["stop kong"]),
        ([image("kong")], []),
    ],
    ids=["no-container", "dead", "never-started", "paused", "runs", "redis-stays"],
)
def test_only_a_kong_that_may_serve_is_taken_off_for_redis(changes, found):
    assert [step for step in steps(plan(*changes)) if step == "stop kong"] == found


def test_the_data_action_knows_what_is_to_be_taken_back():
    data = {"changes": True, "mode": "undo", "method": "delta", "scope": "all", "source": "x.rdb", "sha256": "ab"}
    (action,) = plan(data={**data, "brought": "/b/y.rdb"})["actions"]
    assert action == {
        "action": "replace_data",
        "service": "redis",
        "why": "redis_data=undo",
        "beside": False,
        "mode": "undo",
        "method": "delta",
        "scope": "all",
        "source": "x.rdb",
        "sha256": "ab",
        "brought": "/b/y.rdb",
        "step": 1,
    }


class TestHandedOver:
    """A port that goes from one service of the project to another."""

    SWAPPED = {"nginx": [("kong", 8000)], "kong": [("nginx", 8010)]}  # noqa: RUF012

    def test_whoever_has_it_is_stopped_before_the_other_one_starts(self):
        found = plan(env("kong"), env("nginx"), handed_over={"nginx": [("kong", 8000)]})
        assert steps(found)[:2] == ["stop nginx", "recreate kong"]
        assert found["actions"][0]["why"] == "8000 goes to kong"
        assert steps(found).index("recreate nginx") > 1

    def test_both_where_they_swap(self):
        found = steps(plan(env("kong"), env("nginx"), handed_over=self.SWAPPED))
        assert sorted(found[:2]) == ["stop kong", "stop nginx"]
        assert {"recreate kong", "recreate nginx"} <= set(found[2:])

    def test_a_kong_that_is_off_for_redis_is_not_stopped_twice(self):
        found = steps(plan(env("redis"), env("kong"), env("nginx"), handed_over=self.SWAPPED))
        assert found.count("stop kong") == 1
        assert max(found.index("stop kong"), found.index("stop nginx")) < found.index("recreate redis")

    def test_one_that_goes_goes_first_and_not_beside(self):
        found = steps(plan(stranger("haproxy"), env("nginx"), handed_over={"haproxy": [("nginx", 443)]}))
        assert found[0] == "remove haproxy"
        assert "&remove haproxy" not in found

    def test_one_on_nobodys_path_is_stopped_before_it_is_made_anew_beside(self):
        found = steps(plan(env("client"), env("nginx"), handed_over={"client": [("nginx", 8080)]}))
        assert found.index("stop client") < found.index("&recreate client")
        assert found.index("stop client") < found.index("recreate nginx")

    def test_a_core_one_that_goes_goes_once(self):
        target, now = states(env("kong"))
        del target["services"]["nginx"]
        now["handed_over"] = {"nginx": [("kong", 8000)]}
        found = steps(build_plan(target, now, SETTINGS))
        assert found.count("remove nginx") == 1
        assert found.index("remove nginx") < found.index("recreate kong")

    @pytest.mark.parametrize("changes", [(env("nginx"),), ()], ids=["the-other-stays", "nothing-differs"])
    def test_where_nobody_takes_it_nobody_is_stopped(self, changes):
        assert not [step for step in steps(plan(*changes, handed_over=self.SWAPPED)) if step.startswith("stop")]


def test_a_job_that_others_wait_for_is_asked_for_its_work():
    depends = {"kong": ["redis", "render"], "redis": [], "nginx": ["kong"], "render": []}
    wanted = {**states()[0]["services"], "render": target_service("render", depends_on=[])}
    target, now = states(env("kong"))
    target["services"], now["present_images"] = wanted, {item["image_id"] for item in wanted.values()}
    now.update(depends_on=depends, jobs=["render"])
    now["images"]["gateway-render"] = wanted["render"]["image_id"]
    found = build_plan(target, now, SETTINGS)
    assert told(found, "until") == {"ready render": "service_completed_successfully"}
    assert steps(found).index("ready render") < steps(found).index("recreate kong")
