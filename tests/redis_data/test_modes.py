"""Each mode by each method, whatever state the live server is in: the exact content, the counters never lower."""

from __future__ import annotations

import time

import pytest
from redis_lab import aged, same

STATES = ["running", "stopped", "crashed", "looping"]


@pytest.fixture
def saved(lab, tmp_path):
    """Live data that differs from a backup in both directions; yields (dump, its content, when)."""
    container = lab.engine.container("redis")
    if container is None or not container.running:
        lab.compose("up", "-d", "--force-recreate")
    lab.wait()
    lab.empty()
    lab.fill(1, 201)
    lab.client().set("other:key", "stays")
    content, when = lab.content(), time.monotonic()
    dump = lab.dump(tmp_path / "redis-backup.rdb")
    lab.fill(301, 401)
    gone = [key for _database, key in list(lab.content())[:20] if key.startswith(b"aws_masker:map:AWS_EC2_0")]
    lab.client().delete(*gone) if gone else None
    yield dump, content, when
    lab.compose("up", "-d", "--force-recreate")
    lab.wait()


def mappings(content: dict) -> dict:
    """Return the plugin's part of a content."""
    return {key: value for key, value in content.items() if key[1].startswith(b"aws_masker:")}


@pytest.mark.parametrize("method", ["delta", "file"])
def test_restore_of_a_running_server(lab, saved, method):
    dump, content, when = saved
    result = lab.job("restore", dump, method).run()
    lab.wait()
    same(aged(content, when), lab.content(), 2000)
    assert result["method"] == method
    assert int(lab.client().get("aws_masker:cnt:ec2")) >= 400
    assert lab.client().get("other:key") == b"stays"
    assert lab.scratch() == []


@pytest.mark.parametrize("state", STATES[1:])
def test_restore_of_a_server_that_cannot_answer(lab, saved, state):
    dump, content, when = saved
    lab.break_down(state)
    result = lab.job("restore", dump).run()
    assert result["method"] == "file"
    same(mappings(aged(content, when)), mappings(lab.content()), 2000)
    assert lab.scratch() == []


@pytest.mark.parametrize("method", ["delta", "file"])
def test_merge_keeps_what_lives_and_adds_the_rest(lab, saved, method):
    dump, content, when = saved
    live, then = lab.content(), time.monotonic()
    lab.job("merge", dump, method).run()
    lab.wait()
    same({**aged(content, when), **aged(live, then)}, lab.content(), 2000)
    assert int(lab.client().get("aws_masker:cnt:ec2")) >= 400


@pytest.mark.parametrize("method", ["delta", "file"])
def test_empty_leaves_the_counters_and_what_is_not_ours(lab, saved, method):
    lab.job("empty", "", method).run()
    lab.wait()
    assert set(lab.content(counters=True)) == {(0, b"aws_masker:cnt:ec2"), (0, b"other:key")}
    assert int(lab.client().get("aws_masker:cnt:ec2")) >= 400


@pytest.mark.parametrize("state", STATES[1:])
def test_empty_of_a_server_that_cannot_answer(lab, saved, state):
    lab.break_down(state)
    lab.job("empty").run()
    assert mappings(lab.content()) == {}


def test_a_preview_counts_exactly_and_changes_nothing(lab, saved):
    dump, _content, _when = saved
    before = lab.content(counters=True)
    found = lab.job("restore", dump).preview()
    same(before, lab.content(counters=True), 2000)
    result = lab.job("restore", dump).run()
    assert (found.restored, found.removed) == (result["keys_restored"], result["keys_removed"])
    assert lab.scratch() == []


def test_a_second_run_changes_nothing(lab, saved):
    dump, _content, _when = saved
    assert lab.job("restore", dump).run()["changed"] is True
    assert lab.job("restore", dump).run()["changed"] is False


def test_the_data_is_still_there_after_a_restart(lab, saved):
    dump, content, when = saved
    lab.job("restore", dump, "file").run()
    lab.compose("restart", "redis")
    lab.wait()
    same(aged(content, when), lab.content(), 2000)
