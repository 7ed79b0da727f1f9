"""Servers that are configured otherwise: names and places of files, renamed commands, passwords, limits, replicas."""

from __future__ import annotations

import contextlib
import random
import secrets
import time

import pytest
import redis
from outside import run, wait_for
from plain_servers import plain_server
from redis_lab import PASSWORD, RedisLab, reverse, same

from ansible_collections.kong_masking.recovery.plugins.module_utils.data.counter_record import MARGIN
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_data import RedisUnavailable

ROTATED = "another-password-that-is-not-real"


@pytest.fixture
def made(request, tmp_path):
    """A lab with further options of redis-server; the parameter is (append-only or not, options)."""
    append, options = request.param
    lab = RedisLab(tmp_path / "lab", f"kmr-redis-{secrets.token_hex(3)}", append, list(options))
    lab.directory.mkdir()
    try:
        lab.deploy()
        lab.fill(1, 51)
        lab.client().set("other:key", "stays")
        yield lab
    finally:
        lab.down()


def changed(lab, tmp_path, **settings):
    """Take a dump, change the live data, restore; return (content of then, result)."""
    content = lab.content()
    dump = lab.dump(tmp_path / "redis-backup.rdb")
    lab.fill(61, 71)
    lab.client().delete("aws_masker:map:AWS_EC2_005")
    result = lab.job("restore", dump, **settings).run()
    lab.wait()
    return content, result


PLACES = {
    "names": (True, ["--dbfilename", "my dump.rdb", "--appenddirname", "my-aof", "--appendfilename", "my.aof"]),
    "no-save-points": (False, ["--save", "", "--dbfilename", "other.rdb"]),
}


@pytest.mark.parametrize("made", PLACES.values(), ids=PLACES, indirect=True)
@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_files_of_other_names_are_the_ones_that_it_loads(made, tmp_path, stopped):
    content = made.content()
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.fill(61, 71)
    if stopped:
        made.break_down("stopped")
    made.job("restore", dump, "file").run()
    made.compose("restart", "redis")
    made.wait()
    found = made.content()
    ours = {key: value for key, value in content.items() if key[1] != b"other:key"}
    same(ours, {key: value for key, value in found.items() if key[1] != b"other:key"})
    assert int(made.client().get("aws_masker:cnt:ec2")) >= 70


@pytest.mark.parametrize("made", [(True, ["--rename-command", "CONFIG", "hidden"])], ids=["aof"], indirect=True)
def test_a_renamed_config_says_what_still_works(made, tmp_path):
    content, result = changed(made, tmp_path)
    assert result["method"] == "delta"
    same(content, made.content())
    with pytest.raises(RecoveryError, match="CONFIG is renamed or forbidden") as caught:
        made.job("empty", "", "file").run()
    assert "What still works" in caught.value.hint
    made.break_down("stopped")
    before = made.files()
    with pytest.raises(RecoveryError, match="CONFIG is renamed or forbidden"):
        made.job("empty").run()
    assert made.files() == before
    assert made.scratch() == []


@pytest.mark.parametrize("made", [(False, [])], ids=["rdb"], indirect=True)
def test_a_rotated_password_is_taken_from_the_file_or_from_what_is_given(made, tmp_path):
    live = made.client()
    before = made.content(counters=True)
    live.config_set("requirepass", ROTATED)
    with pytest.raises(RedisUnavailable, match="does not accept the password"):
        made.job("empty").run()
    (made.directory / ".env").write_text(f"REDIS_PASSWORD={ROTATED}\n", encoding="utf-8")
    assert made.job("empty").preview().removed == 100
    (made.directory / ".env").write_text(f"REDIS_PASSWORD={PASSWORD}\n", encoding="utf-8")
    made.given = {"redis_password": ROTATED}
    assert made.job("empty").preview().removed == 100
    made.client(password=ROTATED).config_set("requirepass", PASSWORD)
    same(before, made.content(counters=True))


@pytest.mark.parametrize(
    "made",
    [(False, ["--user", "recovery", "on", ">not-real", "~*", "&*", "+@all"])],
    ids=["acl"],
    indirect=True,
)
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_user_of_the_access_lists(made, tmp_path, state):
    """The default user may next to nothing, as where every client has its own name."""
    content = made.content()
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.given = {"redis_user": "recovery", "redis_password": "not-real"}
    assert made.dump(tmp_path / "again.rdb")
    made.fill(61, 71)
    if state == "stopped":
        made.break_down("stopped")
    else:
        made.client().acl_setuser("default", enabled=False)
    result = made.job("restore", dump, "file").run()
    same(content, made.content())
    assert result["method"] == "file"


@pytest.mark.parametrize("made", [(False, ["--maxmemory-policy", "volatile-lru"])], ids=["evicting"], indirect=True)
def test_what_cannot_fit_is_refused_before_any_change(made, tmp_path):
    made.fill(1000, 6000)
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.empty()
    made.fill(1, 11)
    used = made.client().info("memory")["used_memory"]
    made.client().config_set("maxmemory", used + (1 << 20))
    before = made.content(counters=True)
    for method in ("delta", "file"):
        with pytest.raises(RecoveryError, match=r"keys would be evicted \(volatile-lru\)"):
            made.job("restore", dump, method).run()
    with pytest.raises(RecoveryError, match="do not fit"):
        made.job("restore", dump).preview()
    same(before, made.content(counters=True))
    assert made.client().info("stats")["evicted_keys"] == 0


@pytest.mark.parametrize("made", [(True, ["--maxmemory-policy", "noeviction"])], ids=["full"], indirect=True)
@pytest.mark.parametrize("mode", ["empty", "restore"])
def test_a_full_server_gets_less_data_by_its_files_and_those_of_before_again(made, tmp_path, mode):
    """It refuses even a transaction that only removes."""
    content = made.content()
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.client().config_set("maxmemory", 8 << 20)
    with contextlib.suppress(redis.exceptions.OutOfMemoryError):
        for number in range(10_000):
            made.client().set(f"aws_masker:map:AWS_EC2_{number + 1000}", random.Random(number).randbytes(4000))
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        made.client().set("another", "x" * 4000)
    full, snapshot = made.content(), made.dump(tmp_path / "snapshot.rdb")
    brought = dump if mode == "restore" else ""
    job = made.job(mode, brought)
    assert (job.preview().method, job.preview().why[:14]) == ("file", "Redis may use ")
    result = made.job(mode, brought).run()
    made.wait()
    assert result["method"] == "file"
    found = made.content()
    same({key: value for key, value in content.items() if mode == "restore" or key[1] == b"other:key"}, found)
    made.client().set("other:key", "room again")
    made.client().config_set("maxmemory", 8 << 20)  # the new start has forgotten it
    undo = made.job("undo", snapshot, brought=brought)
    assert (undo.preview().method, undo.run()["method"]) == ("file", "file")
    made.wait()
    same({**full, (0, b"other:key"): made.content()[0, b"other:key"]}, made.content())


@pytest.mark.parametrize("made", [(True, ["--databases", "40"])], ids=["many-databases"], indirect=True)
@pytest.mark.parametrize("method", ["delta", "file"])
def test_data_in_a_high_database_come_back_too(made, tmp_path, method):
    made.client(33).set("aws_masker:map:X", "i-33")
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.client(33).set("aws_masker:map:X", "i-later")
    made.job("restore", dump, method).run()
    made.wait()
    assert made.client(33).get("aws_masker:map:X") == b"i-33"


LIBRARY = "#!lua name=ours\nredis.register_function('ours', function() return 'still here' end)"


@pytest.mark.parametrize("made", [(True, [])], ids=["aof"], indirect=True)
@pytest.mark.parametrize("mode", ["empty", "restore"])
def test_functions_of_the_server_stay(made, tmp_path, mode):
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.client().function_load(LIBRARY)
    result = made.job(mode, dump if mode == "restore" else "", "file").run()
    made.wait()
    assert made.client().fcall("ours", 0) == b"still here"
    assert result["warnings"] == []


@pytest.mark.parametrize("made", [(True, [])], ids=["aof"], indirect=True)
def test_functions_that_only_the_backup_has_come_back_with_its_data(made, tmp_path):
    made.client().function_load(LIBRARY)
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.client().function_flush()
    made.job("restore", dump, "file").run()
    made.wait()
    assert made.client().fcall("ours", 0) == b"still here"


@pytest.mark.parametrize("made", [(False, [])], ids=["rdb"], indirect=True)
def test_replicas_are_named_and_get_the_same_change(made, tmp_path):
    address = made.engine.container("redis").address
    replica = ["--replicaof", address, "6379", "--masterauth", PASSWORD]
    with plain_server(tmp_path / "replica", "", *replica) as follower:
        wait_for("the replica", lambda: follower.info("replication")["master_link_status"] == "up", 20)
        _content, result = changed(made, tmp_path)
        assert result["warnings"] == ["1 replicas follow this Redis and get the same change"]
        wait_for("the same keys", lambda: set(follower.keys()) == set(made.client().keys()), 10)


@pytest.mark.parametrize("made", [(True, [])], ids=["aof"], indirect=True)
@pytest.mark.parametrize("method", ["delta", "file"])
def test_only_the_named_databases_change(made, tmp_path, method):
    for database in (1, 2):
        made.client(database).set("aws_masker:map:X", f"i-{database}")
    dump = made.dump(tmp_path / "redis-backup.rdb")
    for database in (0, 1, 2):
        made.client(database).set("aws_masker:map:X", "i-later")
    before = made.content()
    made.job("restore", dump, method, databases=[1, 5]).run()
    made.wait()
    assert made.client(1).get("aws_masker:map:X") == b"i-1"
    rest = {key: value for key, value in before.items() if key[0] != 1}
    same(rest, {key: value for key, value in made.content().items() if key[0] != 1})


@pytest.mark.parametrize("made", [(True, [])], ids=["aof"], indirect=True)
@pytest.mark.parametrize("mode", ["restore", "empty"])
def test_no_number_is_given_again_in_the_plugin_s_own_database_when_redis_cannot_be_asked(made, tmp_path, mode):
    made.given = {"redis_database": 3}
    plugin = made.client(3)
    plugin.set("aws_masker:cnt:ec2", 500)
    plugin.set("aws_masker:map:AWS_EC2_500", "i-500")
    # Nothing of the plugin lies in the first database: it must not be looked for, nor begun there.
    made.client(0).delete("aws_masker:cnt:ec2")
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.job(mode, dump if mode == "restore" else "", "file").run()
    made.wait()
    assert int(made.client(3).get("aws_masker:cnt:ec2")) == 500, "kept where it can be read"
    made.break_down("looping")
    made.job(mode, dump if mode == "restore" else "", "file").run()
    made.wait()
    assert int(made.client(3).get("aws_masker:cnt:ec2")) == 500 + MARGIN
    assert not made.client(0).exists("aws_masker:cnt:ec2")


@pytest.mark.parametrize("made", [(False, [])], ids=["rdb"], indirect=True)
@pytest.mark.parametrize("method", ["delta", "file"])
def test_counters_that_shall_not_be_kept_go_with_the_rest(made, tmp_path, method):
    result = made.job("empty", "", method, keep_counters=False).run()
    made.wait()
    assert set(made.content(counters=True)) == {(0, b"other:key")}
    assert result["mappings_after"] == 0
    made.fill(1, 3)
    made.job("empty").run()
    assert made.client().get("aws_masker:cnt:ec2") == b"2"


@pytest.mark.parametrize("made", [(False, [])], ids=["rdb"], indirect=True)
def test_a_backup_whose_pairs_disagree_is_a_failed_check_that_names_them(made, tmp_path):
    made.client().set("aws_masker:map:AWS_EC2_007", "i-of-somebody-else", ex=3600)
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.empty()
    for method in ("delta", "file"):
        result = made.job("restore", dump, method).run()
        made.wait()
        (check,) = result["checks"]
        shown = reverse(f"i-{7:017x}")[: len("aws_masker:rev:") + 4] + "…"
        assert (check["name"], check["status"], result["wrong_pairs"]) == ("redis_pairs", "failed", [shown])
        assert "somebody" not in str(result)
        made.empty()


@pytest.mark.parametrize("made", [(True, [])], ids=["aof"], indirect=True)
def test_the_plan_says_how_much_of_a_backup_is_still_alive(made, tmp_path):
    for number in range(20):
        made.client().set(f"aws_masker:map:SHORT{number}", "x", px=4000)
    dump = made.dump(tmp_path / "redis-backup.rdb")
    time.sleep(4.2)
    found = made.job("restore", dump).preview()
    assert (found.alive, found.expired) == (102, 20)


@pytest.mark.parametrize("made", [(True, [])], ids=["aof"], indirect=True)
def test_a_paused_server_is_started_anew_and_its_data_count(made, tmp_path):
    dump = made.dump(tmp_path / "redis-backup.rdb")
    made.fill(61, 71)
    content = made.content()
    run(["docker", "pause", made.engine.container("redis").id])
    result = made.job("merge", dump).run()
    assert (result["method"], result["why"]) == ("delta", "Redis was merely stopped")
    same(content, made.content())


@pytest.mark.parametrize("made", [(False, [])], ids=["rdb"], indirect=True)
def test_files_are_placed_for_the_next_start_and_not_for_what_was_set_while_it_ran(made, tmp_path):
    made.client().config_set("appendonly", "yes")
    wait_for("the first append-only file", lambda: not made.client().info("persistence")["aof_rewrite_in_progress"], 10)
    content, result = changed(made, tmp_path, method="file")
    same(content, made.content())
    assert result["warnings"] == [
        "Redis runs with appendonly yes, after a start no: its files were placed for the start."
    ]
    assert not [name for name in made.files() if name.startswith(".kong-masking-recovery")]
