"""The copy of a stream ends where the data end, and it is the stream of the very server that was asked."""

from __future__ import annotations

import io
import posixpath
import tarfile
from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.libraries import docker
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_dump
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_data import Access
from ansible_collections.kong_masking.recovery.tests.unit import samples

DATA = b"REDIS0010" + b"d" * 90 + b"\xff" + b"c" * 8
MARK = b"m" * 40
MARKED = b"SYNC sent to master, writing bytes of bulk transfer until EOF marker to '-'\n"
NEW = MARKED + b"Transfer finished with success after 108 bytes\n"
OLD = MARKED + b"Transfer finished with success.\n"
SIZED = b"SYNC sent to master, writing 108 bytes to '-'\nTransfer finished with success.\n"


class Engine:
    """A container in which redis-cli reaches a server with this run_id, and gets this stream; failing: and ends so."""

    def __init__(self, chunks, run_id=b"run_id:ours\r\n", failing=False):
        self.chunks, self.run_id, self.failing, self.asked = chunks, run_id, failing, []

    def execute(self, _container, cmd, env=None):
        self.asked.append((cmd, env))
        return 0, b"# Server\r\nredis_version:7.0.15\r\n" + self.run_id, b""

    def stream(self, _container, cmd, env):
        self.asked.append((cmd, env))
        yield from self.chunks
        if self.failing:
            raise RecoveryError("redis-cli in gateway-redis-1 ended with status 1.")


def client(place=("10.0.0.2", 6379), access=Access()):  # noqa: B008  # it cannot be changed
    return SimpleNamespace(
        place=place,
        password="x",
        access=access,
        info=lambda: {"run_id": "ours"},
        prompt_stream=dict,
        restore_settings=lambda _before: None,
    )


def redis(*command, mounts=(), **other):
    about = samples.settings(command=["redis-server", *command], **other)
    return samples.container("redis", addresses={"n": "10.0.0.2"}, settings=about, mounts=mounts)


@pytest.mark.parametrize(
    ("sent", "said"),
    [(DATA + MARK, NEW), (DATA + MARK, OLD), (DATA, NEW), (DATA, SIZED), (DATA, b"")],
    ids=["with-the-mark", "older-client", "without-it", "sized", "silent"],
)
def test_the_copy_is_the_data_and_nothing_else(tmp_path, sent, said):
    engine = Engine([(b"", said[:70]), (sent[:50], b""), (sent[50:], b""), (b"", said[70:])])
    path = tmp_path / "redis-backup.rdb"
    size = redis_dump.stream(engine, redis(), client(), str(path))
    assert (path.read_bytes(), size) == (DATA, len(DATA))


@pytest.mark.parametrize(
    ("container", "place", "access", "words"),
    [
        (redis(), ("10.0.0.2", 6379), Access(), ["-p", "6379"]),
        (redis(), ("127.0.0.1", 16379), Access(), ["-p", "6379"]),
        (redis("--port", "6380", network_mode="host"), ("127.0.0.1", 6380), Access(), ["-p", "6380"]),
        (redis("--port", "7000"), ("127.0.0.1", 16379), Access("ann"), ["-p", "7000", "--user", "ann"]),
    ],
    ids=["its-address", "published", "the-host's-network", "published-other-port-and-user"],
)
def test_the_stream_is_asked_at_the_servers_own_port_and_the_password_is_no_argument(
    tmp_path, container, place, access, words
):
    engine = Engine([(DATA, b"")])
    redis_dump.stream(engine, container, client(place, access), str(tmp_path / "x.rdb"))
    secret = {"REDISCLI_AUTH": "x"}
    whole = ["redis-cli", *words]
    assert engine.asked == [([*whole, "INFO", "server"], secret), ([*whole, "--rdb", "-"], secret)]


@pytest.mark.parametrize(
    ("inside", "found"),
    [(b"run_id:theirs\r\n", "theirs"), (b"Could not connect to Redis at 127.0.0.1:6379\n", "no answer")],
    ids=["a-neighbour", "nobody"],
)
def test_the_data_of_a_neighbour_are_never_taken_for_ours(tmp_path, inside, found):
    engine, path = Engine([(DATA, b"")], inside), tmp_path / "x.rdb"
    with pytest.raises(redis_dump.NoStreamError) as caught:
        redis_dump.stream(engine, redis(), client(), str(path))
    assert caught.value.msg == (
        "redis-cli inside gateway-redis-1 does not reach the Redis at 10.0.0.2:6379: "
        f"run_id expected ours, found {found}."
    )
    assert len(engine.asked) == 1
    assert not path.exists()


REPLCONF = b"error: NOPERM this user has no permissions to run the 'replconf' command\n"
SYNC = b"SYNC with master failed: -NOPERM this user has no permissions to run the 'sync' command\n"


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([(b"", REPLCONF), (b"", SYNC)], "gives no stream of its data: SYNC with master failed: -NOPERM .* 'sync'"),
        ([(b"", b"SYNC with master failed: -ERR unknown command 'SYNC'\n")], "SYNC with master failed: -ERR unknown"),
        ([], "ended with status 1"),
        ([(b"OCI runtime exec failed: no redis-cli\n", b"")], "ended with status 1"),
    ],
    ids=["forbidden", "renamed", "silent", "no-redis-cli"],
)  # fmt: skip
def test_a_stream_that_the_server_does_not_give_leaves_no_file_and_says_why(tmp_path, chunks, reason):
    path = tmp_path / "x.rdb"
    with pytest.raises(redis_dump.NoStreamError, match=reason):
        redis_dump.stream(Engine(chunks, failing=True), redis(), client(), str(path))
    assert not path.exists()


def test_what_is_no_dump_is_no_stream_whatever_redis_cli_says(tmp_path):
    with pytest.raises(redis_dump.NoStreamError, match="does not begin like a Redis dump"):
        redis_dump.stream(Engine([(b"-ERR", b"")]), redis(), client(), str(tmp_path / "x.rdb"))


@pytest.mark.parametrize("chunks", [[(DATA[:3], b""), (DATA[3:50], b"")], [(DATA, b"")]], ids=["cut", "whole"])
def test_a_stream_that_broke_off_is_a_failure(tmp_path, chunks):
    with pytest.raises(RecoveryError, match="ended with status 1") as caught:
        redis_dump.stream(Engine(chunks, failing=True), redis(), client(), str(tmp_path / "x.rdb"))
    assert not isinstance(caught.value, redis_dump.NoStreamError)


class Archives:
    """An engine that hands out what lies in a container: absolute path → content; folders are those of the paths."""

    def __init__(self, files, refuses=False):
        self.files, self.refuses = files, refuses
        self.api = self

    def get_archive(self, _container, path):
        if self.refuses:
            raise docker.errors.APIError("no")
        found = {name: data for name, data in self.files.items() if f"{name}/".startswith(f"{path}/")}
        if not found:
            raise docker.errors.NotFound("no such file")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, data in found.items():
                member = tarfile.TarInfo(posixpath.relpath(name, posixpath.dirname(path)))
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return [packed.getvalue()], {}


LYING = {
    "/srv/redis/mappings": b"REDIS",
    "/srv/redis/aof/a.aof.1.base.rdb": b"base",
    "/srv/redis/aof/a.aof.manifest": b"file",
    "/srv/redis/redis.conf": b"requirepass x",
    "/srv/redis/older.rdb": b"older",
}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["mappings", "aof"], {"mappings", "aof/a.aof.1.base.rdb", "aof/a.aof.manifest"}),
        (["mappings", "appendonly.aof"], {"mappings"}),
        (["dump.rdb", "appendonlydir"], set()),
        ([], {"aof/a.aof.1.base.rdb", "aof/a.aof.manifest", "older.rdb"}),
    ],
    ids=["both", "one", "none", "not-known"],
)
def test_the_files_of_a_redis_are_those_that_its_settings_name(names, found):
    copied = redis_dump.copy_files(Archives(LYING), redis(), "/srv/redis", names)
    assert copied == {name: LYING[f"/srv/redis/{name}"] for name in found}


def test_files_that_cannot_be_copied_are_no_missing_files():
    with pytest.raises(RecoveryError, match=r"The files of gateway-redis-1 in /data/dump\.rdb cannot be copied"):
        redis_dump.copy_files(Archives({}, refuses=True), redis(), "/data", ["dump.rdb"])


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ([], "/data"),
        (["/data"], "/data"),
        (["/data/redis"], "/data/redis"),
        (["/database"], "/data"),
        (["/var/lib/redis"], "/var/lib/redis"),
        (["/etc/redis.conf", "/bitnami/redis/data"], "/bitnami/redis/data"),
        (["/var/lib/redis", "/data"], "/data"),
        (["/logs"], "/data"),
    ],
)
def test_where_a_redis_that_nobody_could_ask_most_likely_keeps_them(places, found):
    mounts = tuple(samples.bind("/srv", place, writable=True) for place in places)
    assert redis_dump.usual_directory(redis(mounts=mounts)) == found


@pytest.mark.parametrize(
    ("files", "holds"),
    [
        ({}, False),
        ({"/srv/redis/redis.conf": b"x", "/srv/redis/users.acl": b"x"}, False),
        ({"/srv/redis/deep/mappings": b"x"}, True),
        ({"/srv/other": b"x"}, False),
    ],
    ids=["nothing", "settings", "a-file-of-any-name", "elsewhere"],
)
def test_whether_any_file_could_be_data(files, holds):
    assert redis_dump.holds_files(Archives(files), redis(), "/srv/redis") is holds


def test_a_place_that_nobody_can_look_into_may_hold_data():
    assert redis_dump.holds_files(Archives({}, refuses=True), redis(), "/data") is True


def test_data_may_lie_in_what_a_redis_may_write_to_and_in_the_usual_place():
    mounts = (samples.bind("/s", "/bitnami", writable=True), samples.bind("/c", "/etc/redis"))
    assert redis_dump.places(redis(mounts=mounts)) == ["/data", "/bitnami"]


@pytest.mark.parametrize(("empty", "copied"), [(1, True), (2, True), (3, False)])
def test_an_answer_that_got_lost_on_its_way_out_is_asked_for_again(tmp_path, monkeypatch, empty, copied):
    monkeypatch.setattr(redis_dump.time, "sleep", lambda _seconds: None)
    engine = Engine([(DATA, b"")])
    execute, lost = engine.execute, iter([b""] * empty)
    engine.execute = lambda *about: (0, b"", b"") if next(lost, None) == b"" else execute(*about)
    if copied:
        assert redis_dump.stream(engine, redis(), client(), str(tmp_path / "copy.rdb")) == len(DATA)
    else:
        with pytest.raises(redis_dump.NoStreamError, match="found no answer"):
            redis_dump.stream(engine, redis(), client(), str(tmp_path / "copy.rdb"))
