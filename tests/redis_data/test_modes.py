"""Each mode by each method, whatever state the live server is in: the exact content, the counters never lower."""

from __future__ import annotations

import pytest
from redis_lab import same

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError

MODES = ["restore", "merge", "empty"]
BROKEN = ["stopped", "crashed", "looping"]


@pytest.fixture
def saved(lab, tmp_path):
    """Live data that differs from a backup in both directions; yields (dump, its content, live content)."""
    lab.settled()
    lab.empty()
    lab.fill(1, 201)
    lab.client().set("other:key", "of the backup")
    content = lab.content()
    dump = lab.dump(tmp_path / "redis-backup.rdb")
    lab.fill(301, 401)
    lab.client().set("other:key", "stays")
    gone = [key for _database, key in list(lab.content())[:20] if key.startswith(b"aws_masker:map:AWS_EC2_0")]
    lab.client().delete(*gone) if gone else None
    return dump, content, lab.content()


def expected(mode: str, saved, live: bool = True) -> dict:
    """Return what there must be after a mode by now; live: whether the live data can be read at all."""
    _dump, backup, now = saved
    other = (0, b"other:key")
    if not live:
        return {} if mode == "empty" else backup
    if mode == "merge":
        return {**backup, **now}
    left_alone = {other: now[other]}
    return left_alone if mode == "empty" else {**backup, **left_alone}


def run(lab, mode, method, saved, **settings):
    return lab.job(mode, "" if mode == "empty" else saved[0], method, **settings).run()


@pytest.mark.parametrize("method", ["delta", "file"])
@pytest.mark.parametrize("mode", MODES)
def test_a_running_server(lab, saved, mode, method):
    counter = int(lab.client().get("aws_masker:cnt:ec2"))
    result = run(lab, mode, method, saved)
    lab.wait()
    wanted = expected(mode, saved)
    same(wanted, lab.content())
    assert result["method"] == method
    assert result["mappings_after"] == sum(key[1].startswith(b"aws_masker:map:") for key in wanted)
    assert int(lab.client().get("aws_masker:cnt:ec2")) >= counter
    assert [check["status"] for check in result["checks"]] == ["passed"]
    assert lab.scratch() == []


@pytest.mark.parametrize("method", ["auto", pytest.param("file", marks=pytest.mark.slow)])
@pytest.mark.parametrize("state", BROKEN)
@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_cannot_answer(lab, saved, mode, state, method):
    """A merely stopped server is started for its data to count; what it cannot read is replaced by the backup."""
    counter = int(lab.client().get("aws_masker:cnt:ec2"))
    lab.break_down(state)
    result = run(lab, mode, method, saved)
    readable = state != "looping"
    assert result["method"] == ("delta" if readable and method == "auto" else "file")
    same(expected(mode, saved, readable), lab.content())
    assert int(lab.client().get("aws_masker:cnt:ec2")) >= counter
    assert lab.scratch() == []


@pytest.mark.parametrize("state", ["stopped", "looping"])
def test_a_delta_of_a_server_that_cannot_answer_is_refused_untouched(lab, saved, state):
    lab.break_down(state)
    before = lab.files()
    with pytest.raises(RecoveryError, match="needs a running Redis"):
        run(lab, "restore", "delta", saved)
    assert lab.files() == before


def test_a_preview_counts_exactly_and_changes_nothing(lab, saved):
    before = lab.content(counters=True)
    for mode in MODES:
        found = lab.job(mode, "" if mode == "empty" else saved[0]).preview()
        same(before, lab.content(counters=True))
        wanted = expected(mode, saved)
        assert found.before == sum(key[1].startswith(b"aws_masker:map:") for key in before)
        assert found.after == sum(key[1].startswith(b"aws_masker:map:") for key in wanted)
    found = lab.job("restore", saved[0]).preview()
    assert (found.alive, found.expired) == (402, 0)
    result = run(lab, "restore", "auto", saved)
    assert (found.restored, found.removed) == (result["keys_restored"], result["keys_removed"])
    assert lab.scratch() == []


def test_a_second_run_changes_nothing(lab, saved):
    for mode in ("merge", "restore", "empty"):
        assert run(lab, mode, "auto", saved)["changed"] is True
        assert run(lab, mode, "auto", saved)["changed"] is False


def test_the_data_is_still_there_after_a_restart(lab, saved):
    run(lab, "restore", "file", saved)
    lab.compose("restart", "redis")
    lab.wait()
    same(expected("restore", saved), lab.content())


@pytest.mark.parametrize("method", ["delta", "file"])
def test_what_is_written_again_expires_in_the_very_millisecond(lab, tmp_path, method):
    lab.settled()
    lab.empty()
    lab.fill(1, 1201)  # more than are asked for at once
    wanted, dump = lab.content(), lab.dump(tmp_path / "redis-backup.rdb")
    lab.client().delete(*[key for _database, key in wanted])
    lab.job("restore", dump, method).run()
    lab.wait()
    assert len(wanted) > 2000
    same(wanted, lab.content())


def expiring(lab) -> dict[tuple[int, bytes], int]:
    """Return (database, key) → when it expires, in ms by the server's clock."""
    return {key: end for key, (_value, end) in lab.content().items() if end > 0}


@pytest.mark.parametrize("right", ["-pexpiretime", "-time"])
def test_a_user_that_may_not_ask_for_moments_keeps_the_times_to_live(lab, saved, right):
    """As a Redis before 7.0, which does not know the question."""
    before = expiring(lab)
    lab.client().execute_command("ACL", "SETUSER", "default", right)
    try:
        run(lab, "merge", "file", saved)
        lab.wait()
    finally:
        lab.client().execute_command("ACL", "SETUSER", "default", "+@all")
    after = expiring(lab)
    assert {key for key in before if abs(after[key] - before[key]) > 1000} == set()


def test_empty_then_restore_of_the_copy_from_before_is_the_state_of_before(lab, saved, tmp_path):
    """What the printed return command does."""
    before = lab.content()
    copy = lab.dump(tmp_path / "snapshot.rdb")
    run(lab, "empty", "auto", saved)
    lab.job("restore", copy).run()
    same(before, lab.content())
