"""When a live Redis counts as one that cannot answer, and when its data must not be replaced behind its back."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import Mount
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.libraries import redis
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import (
    live_state,
    redis_copy,
    redis_files,
    redis_live,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.redis_layout import Layout
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_data import Access, RedisUnavailable
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import STACK_SPEC, StackArgs
from ansible_collections.kong_masking.recovery.tests.unit import samples


class Engine:
    """An engine with one image and no container."""

    def container(self, _service):
        return None

    def image_id(self, reference):
        return "sha256:7" if reference == "redis:7" else ""


class Client:
    def __init__(self, **about):
        self.about = about

    def info(self):
        return {"role": "master", "redis_mode": "standalone", **self.about}


@pytest.fixture
def stack(tmp_path):
    defaults = {name: option.get("default") for name, option in STACK_SPEC["options"].items()}
    given = {"project": "gateway", "environment": "test", "dir": str(tmp_path), "redis_host": "redis.example"}
    return StackArgs.from_params({**defaults, **given})


@pytest.fixture
def connected(stack, monkeypatch):
    """Return what connect answers when the attempts end one after the other as given."""

    def ask(*attempts):
        now, left = [0.0], list(attempts)

        def client(*_about):
            attempt = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(attempt, Exception):
                raise attempt
            return attempt

        monkeypatch.setattr(live_state, "redis_client", client)
        runner = Runner(clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
        return redis_live.LiveRedis(stack, Engine(), runner).connect()

    return ask


def test_a_server_that_answers(connected):
    client = Client()
    assert connected(client) == (client, "")


def test_a_server_that_is_away_cannot_answer(connected):
    assert connected(RedisUnavailable("no PING")) == (None, "no PING")


def test_a_password_that_is_not_accepted_is_no_server_that_cannot_answer(connected):
    with pytest.raises(RedisUnavailable, match="not accept"):
        connected(RedisUnavailable("does not accept the password", password=True))


def test_a_server_that_loads_is_waited_for(connected):
    client = Client()
    loading = RedisUnavailable("is loading", loading=True)
    assert connected(loading, loading, client) == (client, "")
    with pytest.raises(RecoveryError, match="is loading Waited 120 s") as caught:
        connected(loading)
    assert "wait until it has loaded" in caught.value.hint, "its good files must not be replaced meanwhile"


@pytest.mark.parametrize(
    ("about", "reason"), [({"role": "slave"}, "replica"), ({"redis_mode": "cluster"}, "Cluster is not supported")]
)
def test_what_takes_no_single_transaction_is_refused(connected, about, reason):
    with pytest.raises(RecoveryError, match=reason):
        connected(Client(**about))


@pytest.mark.parametrize(
    ("image", "reason"), [("", "is not set"), ("redis:9", "is redis:9, which this host does not have")]
)
def test_the_scratch_server_of_a_redis_elsewhere_needs_an_image(stack, image, reason):
    with pytest.raises(RecoveryError, match=reason):
        redis_live.scratch_image(dataclasses.replace(stack, redis_image=image), Engine(), None)
    assert redis_live.scratch_image(dataclasses.replace(stack, redis_image="redis:7"), Engine(), None) == "sha256:7"


def test_replicas_are_named():
    assert redis_live.warnings({"connected_slaves": 2}) == ["2 replicas follow this Redis and get the same change"]
    assert redis_live.warnings({"connected_slaves": 0}) == redis_live.warnings({}) == []


@pytest.mark.parametrize(
    ("given", "env", "passwords"),
    [
        ("", {}, [""]),
        ("", {"REDIS_PASSWORD": "of-the-file"}, ["of-the-file", ""]),
        ("given", {"REDIS_PASSWORD": "of-the-file"}, ["given", "of-the-file", ""]),
        ("of-the-file", {"REDIS_PASSWORD": "of-the-file"}, ["of-the-file", ""]),
    ],
)
def test_passwords_are_tried_in_their_order(stack, given, env, passwords):
    assert live_state.redis_passwords(dataclasses.replace(stack, redis_password=given), None, env) == passwords


@pytest.mark.parametrize(
    ("access", "options"),
    [
        (Access(), {"password": "x"}),
        (Access("me"), {"password": "x", "username": "me"}),
        (Access("me", True, "/ca.pem"), {"password": "x", "username": "me", "ssl": True, "ssl_ca_certs": "/ca.pem"}),
        (Access("", True), {"password": "x", "ssl": True, "ssl_ca_certs": None}),
        (Access(database=2), {"password": "x", "db": 2}),
        (
            Access("", True, named=False),
            {"password": "x", "ssl": True, "ssl_ca_certs": None, "ssl_check_hostname": False},
        ),
        (Access(named=False, port=6380), {"password": "x"}),
    ],
)
def test_access(access, options):
    assert access.options("x") == options


@pytest.mark.parametrize(
    ("access", "password", "words"),
    [
        (Access(), "x", ["-p", "6379"]),
        (Access(port=6380), "x", ["-p", "6380"]),
        (Access("me", True, "/ca.pem"), "x", ["-p", "6379", "--tls", "--insecure", "--user", "me"]),
        (Access("me"), "", ["-p", "6379"]),
    ],
    ids=["usual", "another-port", "tls-and-user", "without-a-password-nobody"],
)
def test_how_redis_cli_asks_inside(access, password, words):
    assert access.words_inside(samples.container("redis"), password) == ["redis-cli", *words]


@pytest.mark.parametrize(
    ("host", "named"), [("", False), ("redis.example", True)], ids=["the-project's-own", "elsewhere"]
)
def test_port_and_tls_are_also_those_of_the_projects_own(stack, host, named):
    given = dataclasses.replace(stack, redis_host=host, redis_tls=True, redis_ca="/ca.pem", redis_port=6380)
    assert live_state.redis_access(given) == Access("", True, "/ca.pem", 6380, named)


def own(tmp_path, said=b"", **other):
    """A Redis of the project that nobody here reaches; said: what its redis-cli prints inside."""
    engine = samples.SmallEngine(samples.container("redis", **other), answers={"timeout": (0, said, b"")})
    return engine, redis_live.LiveRedis(samples.stack(tmp_path), engine, Runner())


@pytest.mark.parametrize("said", [b"PONG\n", b"NOAUTH Authentication required.\n"], ids=["answers", "its-password"])
def test_one_that_answers_inside_its_container_is_healthy(tmp_path, said):
    engine, live = own(tmp_path, said, env={"REDIS_PASSWORD": "secret"})
    with pytest.raises(RecoveryError, match=r"answers inside its container, .* cannot be used from this host: Why\."):
        live.need_silent("Why.")
    assert engine.done == ["redis: timeout 3 redis-cli -p 6379 PING"]


@pytest.mark.parametrize(
    ("said", "tries", "found"),
    [(b"PONG\n", 3, True), (b"PONG\n", 999, False), (b"", 3, False)],
    ids=["comes-up", "never-reached", "silent-inside-too"],
)
def test_one_that_has_just_come_up_is_waited_for(tmp_path, monkeypatch, said, tries, found):
    """It answers its own client already; the way to it from this host is there a moment later."""
    clock, asked = samples.FakeClock(), []

    def ask(*_about):
        asked.append(clock.now)
        if len(asked) < tries:
            raise RedisUnavailable("does not answer PING.", closed=True)
        return Client()

    monkeypatch.setattr(live_state, "redis_client", ask)
    engine = samples.SmallEngine(samples.container("redis"), answers={"timeout": (0, said, b"")})
    live = redis_live.LiveRedis(samples.stack(tmp_path), engine, Runner(clock=clock, sleep=clock.sleep))
    client, problem = live.connect()
    assert (client is not None, bool(problem)) == (found, not found)
    assert (len(asked) > 1) is bool(said)
    assert clock.now - asked[0] <= redis_live.COMING_SECONDS + redis_live.PAUSE


@pytest.mark.parametrize(
    "said",
    [b"", b"Could not connect to Redis at 127.0.0.1:6379: Connection refused\n", b"LOADING Redis is loading\n"],
    ids=["hangs", "nobody", "loading"],
)
def test_one_that_is_silent_inside_too_cannot_answer(tmp_path, said):
    own(tmp_path, said)[1].need_silent("Why.")


@pytest.mark.parametrize("state", ["exited", "paused", "restarting"])
def test_nothing_is_asked_inside_a_container_that_does_not_run(tmp_path, state):
    engine, live = own(tmp_path, b"PONG\n", state=state)
    live.need_silent("Why.")
    assert engine.done == []


def test_kong_comes_back_to_whole_data_alone_and_a_doubt_hides_no_failure(tmp_path, monkeypatch):
    live = own(tmp_path)[1]
    answers = iter([(Client(), ""), (None, "away"), RecoveryError("a replica")])

    def connect(patience):
        assert patience == 0, "Kong may not come before it, however long it loads"
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(live, "connect", connect)
    assert [live._whole(), live._whole(), live._whole()] == [True, False, False]
    live.replacing = True
    assert not live._whole()


BOOT = Layout("/data", "dump.rdb", append=False, append_dir="appendonlydir", append_name="appendonly.aof")
DRIFT = "Redis runs with appendonly yes, after a start no"
SET_SINCE = dataclasses.replace(BOOT, append=True)


class Configured:
    """A Redis that tells its settings; None: CONFIG is renamed."""

    def __init__(self, layout):
        self.client, self.known = self, layout

    def config_get(self, name):
        if self.known is None:
            raise redis.exceptions.ResponseError("unknown command 'CONFIG'")
        return {name: self.known.settings[name]}


@pytest.mark.parametrize(
    ("set_since", "copy", "found", "drift"),
    [
        (BOOT, BOOT, BOOT, ""),
        (SET_SINCE, BOOT, BOOT, f"{DRIFT}: its files were placed for the start."),
        (SET_SINCE, None, SET_SINCE, ""),
    ],
    ids=["as-it-was-started", "set-while-it-ran", "a-copy-does-not-answer"],
)
def test_the_files_are_those_of_the_next_start(tmp_path, monkeypatch, set_since, copy, found, drift):
    def ask(*_about):
        if copy is None:
            raise RecoveryError("A copy says nothing.")
        return copy

    monkeypatch.setattr(redis_copy, "ask_layout", ask)
    live = own(tmp_path)[1]
    assert (live.layout(Configured(set_since)), live.drift) == (found, drift)


def test_a_redis_that_does_not_tell_its_settings_is_asked_no_further(tmp_path, monkeypatch):
    monkeypatch.setattr(redis_copy, "ask_layout", lambda *_about: pytest.fail("a copy was started"))
    with pytest.raises(RecoveryError, match="CONFIG is renamed or forbidden"):
        own(tmp_path)[1].layout(Configured(None))


@pytest.mark.parametrize(
    ("kind", "layout", "can"), [("volume", BOOT, True), ("tmpfs", BOOT, False), ("volume", None, False)]
)
def test_whether_files_can_be_replaced_is_known_without_a_copy(tmp_path, kind, layout, can):
    live = own(tmp_path, mounts=(Mount(kind, "/volumes/data", "/data", writable=True),))[1]
    assert live.replaceable(Configured(layout)) is can


@pytest.mark.parametrize(
    ("left", "done"),
    [
        ("", []),
        (redis_files.OLD, ["redis: rm -rf /data/.kong-masking-recovery.old /data/.kong-masking-recovery.back"]),
        (redis_files.BACK, ["redis: rm -rf /data/.kong-masking-recovery.old /data/.kong-masking-recovery.back"]),
    ],
    ids=["nothing", "old", "half-put-back"],
)
def test_what_a_killed_run_has_kept_aside_is_removed_where_it_is(tmp_path, left, done):
    place = tmp_path / "volume"
    (place / left).mkdir(parents=True)
    engine, live = own(tmp_path, mounts=(samples.bind(place, "/data", writable=True),))
    live.forget_old(Configured(BOOT))
    assert engine.done == done
