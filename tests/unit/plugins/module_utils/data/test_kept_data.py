"""What a Redis that was started anew did not load again, brought back out of the newest copy that has more."""

from __future__ import annotations

import contextlib
import hashlib
import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.data import kept_data
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import DamagedBackupError, RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_keys
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

COUNTER = "aws_masker:cnt:ec2"
HELD = {"keys": 200, "mappings": 100, "counters": {COUNTER: 100}}
PLAIN = {"keys": 200, "mappings": 100, "counters": {}}
EMPTY = {"keys": 0, "mappings": 0, "counters": {}}
FELL = "1 of 1 alias counters fell"


@pytest.mark.parametrize(
    ("copied", "now", "why"),
    [
        (HELD, HELD, ""),
        (HELD, {**HELD, "keys": 900, "counters": {COUNTER: 450}}, ""),
        (HELD, {**HELD, "counters": {COUNTER: 99}}, FELL),
        (HELD, EMPTY, FELL),
        (HELD, {**HELD, "keys": 7, "mappings": 3}, ""),
        (PLAIN, {**PLAIN, "mappings": 99}, ""),
        (PLAIN, {**PLAIN, "mappings": 98}, "98 mappings instead of 100, 200 keys"),
        ({**PLAIN, "mappings": 0}, {**EMPTY, "keys": 1}, ""),
        ({**PLAIN, "mappings": 0}, EMPTY, "0 mappings instead of 0, 0 keys"),
        (EMPTY, EMPTY, ""),
    ],
    ids=[
        "the-same",
        "more",
        "a-counter-fell",
        "empty",
        "expired-by-themselves",
        "no-counters-and-some-expired",
        "no-counters-and-fewer",
        "no-counters-and-some-keys",
        "no-counters-and-no-keys",
        "nothing-held",
    ],
)
def test_fell_behind(copied, now, why):
    assert kept_data.fell_behind(copied, now) == why


class Jobs:
    """Stands in for RedisJob; remembers what was asked and the counters that were written down by then."""

    def __init__(self, stack):
        self.stack, self.asked, self.floors = stack, [], []

    def __call__(self, stack, _engine, _runner, mode, dump, settings):
        self.asked.append((mode, dump, settings))
        with (
            contextlib.suppress(FileNotFoundError),
            open(stack.path(".recovery/counters.json"), encoding="utf-8") as found,
        ):
            self.floors.append(json.load(found))
        return self

    def run(self):
        return {"changed": True, "keys_restored": 3, "why": "Redis runs"}


class Client:
    """A Redis that says its counters."""

    def __init__(self, facts):
        self.facts, self.client = facts, self

    def numbers(self, keys):
        return {key: self.facts["counters"].get(key.decode(), 0) for key in keys}

    def close(self):
        pass


def closed():
    raise RecoveryError("Redis does not accept the password.")


@pytest.fixture
def bring_back(tmp_path, monkeypatch):
    """Return bring_back for a live Redis with these facts and copies of the data with those."""

    def go(now, *copies, digest="", everything=False):
        stack = samples.stack(tmp_path)
        folders = []
        for number, facts in enumerate(copies):
            folder = tmp_path / f"backups/rollback-state/rollback-2026072{number}-120000"
            folder.mkdir(parents=True)
            dump = b"" if facts is None else json.dumps(facts).encode()
            (folder / "redis-backup.rdb").write_bytes(dump)
            entry = {
                "path": "redis-backup.rdb",
                "size": len(dump),
                "sha256": digest or hashlib.sha256(dump).hexdigest(),
            }
            about = {"environment": stack.environment, "project": stack.project, "redis": facts or {"status": "absent"}}
            manifest = {"format": 1, "id": folder.name, "files": [entry] if facts else [], **about}
            (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
            folders.append(str(folder))
        jobs = Jobs(stack)
        monkeypatch.setattr(kept_data, "RedisJob", jobs)
        monkeypatch.setattr(live_state, "data_facts", lambda *_about: (now, ""))
        monkeypatch.setattr(live_state, "redis_client", lambda *_about: closed() if now is None else Client(now))
        monkeypatch.setattr(redis_keys, "numbers", lambda client, _number, keys: client.numbers(keys))
        return kept_data.bring_back(stack, samples.SmallEngine(), Runner(), folders, everything), jobs, folders

    return go


def test_nothing_is_done_where_nothing_was_lost(bring_back):
    found, jobs, _folders = bring_back(HELD, HELD)
    assert (found, jobs.asked) == ({}, [])


def test_all_of_the_copy_is_merged_and_the_counters_go_on_above_it(bring_back):
    found, jobs, folders = bring_back(EMPTY, HELD)
    assert jobs.asked == [("merge", f"{folders[0]}/redis-backup.rdb", {"scope": "all"})]
    assert jobs.floors == [{COUNTER: 100_100}]
    assert found == {"changed": True, "keys_restored": 3, "why": f"Redis came back with less: {FELL}"}


def test_a_copy_without_data_is_passed_over(bring_back):
    _found, jobs, folders = bring_back(EMPTY, None, HELD)
    assert [dump for _mode, dump, _settings in jobs.asked] == [f"{folders[1]}/redis-backup.rdb"]


def test_without_counters_the_mappings_are_counted(bring_back):
    found, jobs, _folders = bring_back(EMPTY, PLAIN)
    assert (len(jobs.asked), found["why"]) == (1, "Redis came back with less: 0 mappings instead of 100, 0 keys")


def test_a_redis_that_lets_nobody_in_is_left_alone(bring_back):
    """The plan leaves such a Redis running and warns of it."""
    found, jobs, _folders = bring_back(None, HELD)
    assert (found, jobs.asked) == ({}, [])


def test_no_copy_at_all(bring_back):
    found, jobs, _folders = bring_back(EMPTY)
    assert (found, jobs.asked) == ({}, [])


def test_a_copy_that_changed_since(bring_back):
    with pytest.raises(DamagedBackupError, match="changed since it was made"):
        bring_back(EMPTY, HELD, digest="0" * 64)


def test_all_of_the_newest_copy_is_wanted_where_somebody_says_so_and_no_counter_is_raised(bring_back):
    found, jobs, folders = bring_back(HELD, HELD, HELD, everything=True)
    assert [dump for _mode, dump, _settings in jobs.asked] == [f"{folders[0]}/redis-backup.rdb"]
    assert (jobs.floors, found["why"]) == ([], "what clients wrote before this run")
