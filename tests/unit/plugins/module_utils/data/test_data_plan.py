"""What a plan says about the mappings, and what speaks against it."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.data import data_plan
from ansible_collections.kong_masking.recovery.plugins.module_utils.data.redis_preview import Preview
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_scratch import UnreadableDumpError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

DUMP = {"path": "redis-backup.rdb", "sha256": "ab12"}
BACKUP = {
    "id": "deploy-1",
    "path": "/b/deploy-1",
    "files": [{"path": "config.env", "sha256": "00"}, DUMP],
    "redis": {"mappings": 100},
}
PATH = "/b/deploy-1/redis-backup.rdb"
KEEP = "a copy is kept in the snapshot; to keep them: -e env=production -e redis_data=keep"
ABSENT = "Redis (redis) is absent, expected running."


class Client:
    """A Redis that only says how many mappings it holds."""

    def __init__(self, mappings):
        self.mappings = mappings

    def facts(self, _prefixes):
        return {"mappings": self.mappings}

    def close(self):
        pass


@pytest.fixture
def look(monkeypatch):
    """Return DataPlan.look for a Redis of so many mappings (None: away) and a preview of this outcome."""

    def ask(mode, mappings=100, outcome=None, backup=None, scope="mappings", brought="", exists=True, **settings):
        asked = []

        class Job:
            def __init__(self, _stack, _engine, _runner, mode, dump, settings):
                asked.append((mode, dump, dict(settings)))

            def preview(self, restarts=False):
                assert restarts
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome

        if mappings is not None:
            monkeypatch.setattr(live_state, "redis_client", lambda *_about: Client(mappings))
        monkeypatch.setattr(data_plan, "RedisJob", Job)
        engine = samples.SmallEngine(*([samples.container("redis", state="exited")] if exists else []))
        plan = data_plan.DataPlan(samples.stack(**settings), engine, Runner(), backup or BACKUP)
        return (*plan.look(mode, scope, {}, brought), asked)

    return ask


def preview(mode="restore", **about):
    values = {"method": "delta", "why": "Redis runs", "before": 100, "after": 90, "restored": 4, "removed": 14}
    return Preview(mode, **{**values, **about})


ADD = "ansible-playbook playbooks/recover_data.yml -e env=production -e deployment=deploy-1"


@pytest.mark.parametrize(
    ("mappings", "had", "warnings"),
    [
        (100, 100, []),
        (50, 100, []),
        (49, 100, [f"49 mappings live, the backup had 100; to add the backup's: {ADD}"]),
        (0, 1, [f"0 mappings live, the backup had 1; to add the backup's: {ADD}"]),
        (0, 0, []),
        (0, None, []),
        (1200, 2500, [f"1,200 mappings live, the backup had 2,500; to add the backup's: {ADD}"]),
    ],
    ids=["same", "half", "under-half", "all-lost", "none-then", "unknown-then", "thousands"],
)
def test_what_stays_is_counted_and_far_fewer_than_before_are_said(look, mappings, had, warnings):
    data, guards, asked = look("keep", mappings, backup={**BACKUP, "redis": {"mappings": had}})
    assert data == {
        "mode": "keep",
        "scope": "mappings",
        "before": mappings,
        "after": mappings,
        "changes": False,
        "warnings": warnings,
        "line": f"DATA: KEEP - {mappings:,} live mappings stay",
    }
    assert (guards, asked) == ([], [])


def test_a_backup_without_any_record_of_redis_compares_nothing(look):
    assert look("keep", 1, backup={"id": "deploy-1", "path": "/b", "files": []})[0]["warnings"] == []


def test_a_redis_that_cannot_be_asked_is_a_warning_and_no_zero(look):
    data, guards, _asked = look("keep", None, exists=False)
    assert data["line"] == "DATA: KEEP - an unknown number of live mappings stay"
    assert (data["before"], data["warnings"], guards) == (None, [f"data: {ABSENT}"], [])


def test_data_that_stay_need_no_right_to_be_counted(look, monkeypatch):
    class Forbidden(Client):
        def facts(self, _prefixes):
            raise RecoveryError("Redis refuses INFO.", "Give the right.")

    monkeypatch.setattr(live_state, "redis_client", lambda *_about: Forbidden(0))
    data, guards, _asked = look("keep", None)
    assert data["line"] == "DATA: KEEP - an unknown number of live mappings stay"
    assert (data["before"], data["warnings"], guards) == (None, ["data: not measured: Redis refuses INFO."], [])


@pytest.mark.parametrize("mode", ["restore", "merge", "undo"])
def test_a_backup_without_a_dump_is_refused_before_anything_is_loaded(look, mode):
    data, (guard,), asked = look(mode, backup={**BACKUP, "files": BACKUP["files"][:1]})
    assert (guard.name, guard.reason) == ("no_data", "deploy-1 holds no Redis data.")
    assert (data["line"], data["changes"], asked) == (f"DATA: {mode.upper()}", False, [])


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (UnreadableDumpError("This Redis cannot load the dump: bad.", "Choose another."), "data_unreadable"),
        (RecoveryError("Loading may take 512 MiB.", "Free memory."), "data_refused"),
    ],
    ids=["dump", "anything-else"],
)
def test_what_cannot_be_counted_refuses_and_names_why(look, error, name):
    data, (guard,), _asked = look("restore", outcome=error)
    assert (guard.name, guard.reason, guard.hint) == (name, error.msg, error.hint)
    assert guard.waivable is False
    assert (data["line"], data["changes"]) == ("DATA: RESTORE", False)


@pytest.mark.parametrize(
    ("mode", "dump", "source", "digest"),
    [
        ("restore", PATH, "redis-backup.rdb", "ab12"),
        ("merge", PATH, "redis-backup.rdb", "ab12"),
        ("undo", PATH, "redis-backup.rdb", "ab12"),
        ("empty", PATH, "", ""),
    ],
)
def test_the_plan_holds_all_that_the_change_will_need(look, mode, dump, source, digest):
    found = preview(mode, conflicts=["map ab"], warnings=["2 replicas follow"])
    data, guards, asked = look(mode, outcome=found, scope="all", brought="/b/other/redis-backup.rdb")
    line = data.pop("line")
    assert line.startswith(f"DATA: {mode.upper()} - 100 live mappings")
    assert data == {
        "mode": mode,
        "scope": "all",
        "brought": "/b/other/redis-backup.rdb",
        "before": 100,
        "after": 90,
        "changes": True,
        "method": "delta",
        "why": "Redis runs",
        "restored": 4,
        "removed": 14,
        "conflicts": ["map ab"],
        "kong_off": False,
        "source": source,
        "sha256": digest,
        "warnings": ["data: 2 replicas follow"],
    }
    assert guards == []
    assert asked == [(mode, dump, {"scope": "all", "brought": "/b/other/redis-backup.rdb"})]


def test_a_backup_without_a_dump_can_still_be_emptied(look):
    data, guards, asked = look("empty", outcome=preview("empty", after=0), backup={**BACKUP, "files": []})
    assert data["line"] == f"DATA: EMPTY - 100 live mappings leave service, alias counters stay; {KEEP}"
    assert (guards, [dump for _mode, dump, _settings in asked]) == ([], [""])


def test_the_line_says_how_many_of_the_backup_still_live_and_how_to_keep(look):
    line = look("restore", outcome=preview(alive=90, expired=11))[0]["line"]
    alive = "(90 of the backup's 101 keys are still alive)"
    assert line == f"DATA: RESTORE - 100 live mappings are replaced by the backup's 90 {alive}; {KEEP}"


@pytest.mark.parametrize(
    ("about", "off"),
    [
        ({"restored": 40_000, "removed": 10_000}, False),
        ({"restored": 40_000, "removed": 10_001}, True),
        ({"size": 64 << 20}, False),
        ({"size": (64 << 20) + 1}, True),
        ({"method": "file"}, True),
    ],
    ids=["keys", "too-many-keys", "bytes", "too-many-bytes", "files"],
)
def test_the_plan_says_whether_kong_will_be_off(look, about, off):
    assert look("restore", outcome=preview(**about))[0]["kong_off"] is off


@pytest.mark.parametrize(
    ("mode", "after", "names"),
    [
        ("restore", 50, []),
        ("restore", 49, ["mappings_loss"]),
        ("merge", 49, []),
        ("empty", 0, []),
    ],
)
def test_a_restore_that_loses_over_half_is_refused(look, mode, after, names):
    assert [guard.name for guard in look(mode, outcome=preview(mode, after=after))[1]] == names


@pytest.mark.parametrize(
    ("method", "host", "warned"),
    [("delta", "redis.example", True), ("delta", "", False), ("file", "redis.example", False)],
)
def test_a_redis_elsewhere_has_a_safety_copy_of_no_one_moment(look, method, host, warned):
    data, _guards, _asked = look("restore", outcome=preview(method=method), redis_host=host, redis_port=6379)
    told = "data: Redis runs; the safety copy is made key by key, not at one point in time"
    assert data["warnings"] == ([told] if warned else [])


def test_a_preview_that_finds_no_difference_changes_nothing(look):
    assert look("restore", outcome=preview(after=100, restored=0, removed=0))[0]["changes"] is False


@pytest.mark.parametrize("mode", ["restore", "merge", "empty"])
def test_without_a_container_no_copy_can_be_made_so_nothing_changes(look, mode):
    """Its volume may have outlived it; the hint leads out."""
    data, guards, asked = look(mode, mappings=None, exists=False)
    assert (data["changes"], asked) == (False, [])
    (guard,) = guards
    assert (guard.name, guard.waivable) == ("data_refused", False)
    assert "-e redis_data=keep" in guard.hint


def test_a_redis_outside_the_project_needs_no_container(look):
    _data, guards, asked = look("restore", outcome=preview(), exists=False, redis_host="redis.internal")
    assert (guards, len(asked)) == ([], 1)
