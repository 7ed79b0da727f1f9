"""The status, word for word, and that nobody who hangs holds it up."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.assessment import status, status_questions
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.other_runs import Unfinished
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import row
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import place, serving_redis

NOW = datetime.fromisoformat("2026-07-29T12:00:00+00:00")
RUN = "rollback-20260729-115900"
RUNNING = {"kong": {"image_id": "sha256:kong", "config_hash": "hash-kong"}}


def facts(**other):
    values = {
        "project": "gateway",
        "environment": "production",
        "host": "gw1",
        "release": {"since": "2026-07-29T09:00:00Z", "deployment": "deploy-20260729-085900", "same_as": ""},
        "expected": ["redis", "kong"],
        "lock": "",
        "unfinished": [],
    }
    return {**values, **other}


def test_a_stack_that_is_well():
    containers = {name: samples.container(name, image_id=f"sha256:{name}0123456789abc") for name in ("redis", "kong")}
    backups = [row(redis={"file": "redis-backup.rdb", "status": "proven"}, age_seconds=11520)]
    assert status.screen(facts(), containers, {}, backups, NOW) == [
        "STATUS: gateway (production) on gw1",
        "RELEASE: deployed 3 h 0 min ago; after backup deploy-20260729-085900; in no backup yet",
        "redis        well     up 2 h 59 min; gateway-redis (redis0123456)",
        "kong         well     up 2 h 59 min; gateway-kong (kong01234567)",
        "NEWEST CONFIGURATION: deploy-20260729-120000, 3 h 12 min old",
        "NEWEST DATA: deploy-20260729-120000, 3 h 12 min old",
        "LOCK: free",
        "ALL WELL",
    ]


def test_a_stack_in_trouble():
    kong = samples.container("kong", state="restarting", restarts=7, health="unhealthy", image_id="sha256:k")
    asked = {"deployment": "latest", "services": "kong", "redis_data": "", "redis_scope": "mappings", "force": False}
    unfinished = [Unfinished(RUN, "rollback", "2026-07-29T11:59:00Z", "apply", frozenset(), asked)]
    about = facts(
        lock=f"{RUN} of ann on laptop",
        unfinished=unfinished,
        release={"since": "", "deployment": "", "same_as": ""},
    )
    take_up = "take it up: ansible-playbook playbooks/rollback.yml -e env=production -e services=kong"
    assert status.screen(about, {"kong": kong}, {"kong": "is restarting"}, [], NOW) == [
        "STATUS: gateway (production) on gw1",
        "RELEASE: nothing runs",
        "kong         TROUBLE  restarting, health check unhealthy, 7 restarts; gateway-kong (k) - is restarting",
        "redis        TROUBLE  has no container",
        "NEWEST CONFIGURATION: none",
        "NEWEST DATA: none",
        f"UNFINISHED: {RUN}, begun 1 min ago, last in apply; {take_up}",
        f"LOCK: held by {RUN} of ann on laptop",
        "IN TROUBLE: 2",
    ]


@pytest.mark.parametrize(
    ("backups", "edited", "expected"),
    [
        (
            [
                row("deploy-20260729-120000", created="2026-07-29T12:00:00Z"),
                row("deploy-20260729-085900", created="2026-07-29T08:59:00Z"),
            ],
            [],
            ("deploy-20260729-085900", ""),
        ),
        ([row("deploy-20260729-085900", created="2026-07-29T08:59:00Z", usable=False)], [], ("", "")),
        ([row("deploy-20260729-120000", services=RUNNING)], [], ("", "deploy-20260729-120000")),
        ([row("deploy-20260729-120000", services=RUNNING)], ["nginx/nginx.conf"], ("", "")),
        ([row("data-20260729-085900", created="2026-07-29T08:59:00Z")], [], ("", "")),
        ([], [], ("", "")),
    ],
    ids=["the-one-before", "unusable", "the-same", "edited-since", "data", "none"],
)
def test_where_the_release_comes_from(backups, edited, expected):
    live = {"services": RUNNING, "kong_hash": "", "troubles": {}}
    found = status.release(backups, live, "2026-07-29T09:00:00.5Z", lambda _found: edited)
    assert (found["deployment"], found["same_as"]) == expected


def test_one_that_hangs_is_waited_for_no_longer_than_patience():
    began = time.monotonic()
    found = status_questions.answers({"quick": lambda: 1, "hangs": lambda: time.sleep(30)}, 0.2, time.monotonic)
    assert found == {"quick": 1}
    assert time.monotonic() - began < 5


def test_a_redis_that_does_not_let_us_in_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(status_questions.live_state, "kong_hash", lambda *_args: None)
    with serving_redis({"PING": b"-NOAUTH Authentication required.\r\n"}) as (where, _asked):
        containers = {"redis": samples.container("redis", ports=place(where))}
        found, _hash = status_questions.ask(
            samples.stack(tmp_path), samples.SmallEngine(), samples.RememberingRunner(), containers, 2.5
        )
    assert found["redis"].startswith("gateway-redis-1 lives (it answers), but this collection cannot use it")


def test_a_silent_service_is_in_trouble(monkeypatch, tmp_path):
    def troubles(_stack, containers, _env):
        if "kong" in containers:
            time.sleep(30)
        return {}

    monkeypatch.setattr(status_questions, "troubles", troubles)
    monkeypatch.setattr(status_questions.live_state, "kong_hash", lambda *_args: "ab")
    containers = {name: samples.container(name) for name in ("kong", "redis")}
    found = status_questions.ask(
        samples.stack(tmp_path), samples.SmallEngine(), samples.RememberingRunner(), containers, 0.2
    )
    assert found == ({"kong": "gives no answer within 0.2 s"}, "ab")
