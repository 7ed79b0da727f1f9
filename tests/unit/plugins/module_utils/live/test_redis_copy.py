"""A copy of a Redis container with empty data, and how it is asked where the server keeps its own."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import Mount
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import redis_copy
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_data import Access
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples


class Api:
    """An engine that starts a copy of a container; what redis-cli prints in it is given."""

    def __init__(self, said, state="running"):
        self.said, self.state, self.asked, self.removed = said, state, [], []
        self.api = self

    def inspect_container(self, name):
        return {
            "Id": name,
            "Name": f"/{name}",
            "Image": "sha256:redis",
            "Config": {"Cmd": ["redis-server", "/etc/redis.conf"], "WorkingDir": "/srv/mappings"},
            "HostConfig": {},
            "State": {"Status": self.state},
        }

    def create_host_config(self, **about):
        return about

    def create_container(self, _image, **about):
        self.network, self.working_dir = about["host_config"]["network_mode"], about["working_dir"]
        return {"Id": "copy"}

    def start(self, _name):
        pass

    def remove_container(self, name, **_about):
        self.removed.append(name)

    def execute(self, container, cmd, env=None):
        self.asked.append((container.id, cmd, env))
        return 0, self.said, b""

    def foreign_labels(self, _image):
        return {}

    project = "gateway"


def asked_of_a_copy(said, access, state="running"):
    api, clock = Api(said, state), samples.FakeClock()
    runner = Runner(clock=clock, sleep=clock.sleep)
    try:
        return api, redis_copy.ask_layout(api, runner, samples.container("redis"), ["secret"], access)
    finally:
        assert api.removed == ["copy"]
        assert api.network == "none"


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (Access(), ["-p", "6379"]),
        (Access(port=6380), ["-p", "6380"]),
        (Access("ann", True, "/ca.pem", 6380), ["-p", "6380", "--tls", "--insecure", "--user", "ann"]),
    ],
    ids=["usual", "another-port", "tls-and-user"],
)
def test_the_copy_is_asked_where_the_server_listens(access, words):
    api, found = asked_of_a_copy(b"dir\n/data\nappendonly\nno\ndbfilename\nx.rdb\n", access)
    assert found.target == "/data/x.rdb"
    assert api.working_dir == "/srv/mappings", "where a server without dir keeps its data"
    assert api.asked == [("copy", ["redis-cli", *words, "CONFIG", "GET", "*"], {"REDISCLI_AUTH": "secret"})]


def test_a_copy_that_is_not_found_names_port_and_settings():
    with pytest.raises(RecoveryError, match="does not answer TLS on port 6380 within 15 s") as caught:
        asked_of_a_copy(b"Could not connect\n", Access("", True, "", 6380))
    assert "stack_redis_port" in caught.value.hint
    assert "Nothing was changed" in caught.value.msg


def test_a_copy_that_ends_at_once_is_not_waited_for():
    with pytest.raises(RecoveryError, match=r"on port 6379 and has ended\. Nothing was changed"):
        asked_of_a_copy(b"", Access(), "exited")


@pytest.mark.parametrize("said", [b"NOAUTH Authentication required.\n", b"WRONGPASS invalid username-password pair\n"])
def test_a_copy_that_takes_none_of_our_passwords_is_asked_once(said):
    api, clock = Api(said), samples.FakeClock()
    runner = Runner(clock=clock, sleep=clock.sleep)
    with pytest.raises(RecoveryError, match="takes none of the known passwords"):
        redis_copy.ask_layout(api, runner, samples.container("redis"), ["one", "two"], Access())
    assert [env["REDISCLI_AUTH"] for _id, _cmd, env in api.asked] == ["one", "two"]


DATA = Mount("volume", "/volumes/data", "/data", writable=True)
DATA_IS_EMPTY = {"/data": ""}
CONF = "/etc/redis/redis.conf"
CASES = {
    "data-alone": ([DATA], ["redis-server"], "/data", [], [], DATA_IS_EMPTY),
    "file-read-only": (
        [DATA, Mount("bind", "/s/r.conf", CONF, writable=False)],
        ["redis-server", CONF],
        "/data",
        ["/s/r.conf"],
        [f"/s/r.conf:{CONF}:ro"],
        DATA_IS_EMPTY,
    ),
    "file-writable": (
        [DATA, Mount("bind", "/s/r.conf", CONF, writable=True)],
        ["redis-server", CONF],
        "/data",
        ["/s/r.conf"],
        [f"/s/r.conf:{CONF}:ro"],
        DATA_IS_EMPTY,
    ),
    "directory-of-the-configuration": (
        [DATA, Mount("bind", "/s/etc", "/etc/redis", writable=True)],
        ["redis-server", CONF],
        "/data",
        ["/s/etc/redis.conf"],
        ["/s/etc:/etc/redis:ro"],
        DATA_IS_EMPTY,
    ),
    "directory-of-a-further-file": (
        [DATA, Mount("bind", "/s/acl", "/acl", writable=True)],
        ["redis-server", "--aclfile", "/acl/users.acl"],
        "/data",
        ["/s/acl/users.acl"],
        ["/s/acl:/acl:ro"],
        DATA_IS_EMPTY,
    ),
    "in-a-shell": (
        [DATA, Mount("bind", "/s/etc", "/etc/redis", writable=True)],
        ["sh", "-c", f"exec redis-server '{CONF}' --port 6379"],
        "/data",
        ["/s/etc/redis.conf"],
        ["/s/etc:/etc/redis:ro"],
        DATA_IS_EMPTY,
    ),
    "data-directory-by-the-command": (
        [Mount("bind", "/s/d", "/var/lib/redis", writable=True)],
        ["redis-server", "--dir", "/var/lib/redis/data"],
        "/data",
        [],
        [],
        {"/var/lib/redis": ""},
    ),
    "configuration-among-the-data": (
        [Mount("bind", "/s/d", "/data", writable=True)],
        ["redis-server", "/data/redis.conf"],
        "/data",
        ["/s/d/redis.conf"],
        ["/s/d/redis.conf:/data/redis.conf:ro"],
        DATA_IS_EMPTY,
    ),
    "configuration-among-data-that-lie-there": (
        [Mount("bind", "/s/d", "/srv/redis", writable=True)],
        ["redis-server", "/srv/redis/redis.conf"],
        "/",
        ["/s/d/redis.conf", "/s/d/dump.rdb"],
        ["/s/d/redis.conf:/srv/redis/redis.conf:ro"],
        {"/srv/redis": ""},
    ),
    "in-memory": ([Mount("tmpfs", "", "/data", writable=True)], ["redis-server"], "/data", [], [], DATA_IS_EMPTY),
    "a-name-that-only-begins-alike": (
        [Mount("bind", "/s/etc", "/etc/red", writable=True)],
        ["redis-server", CONF],
        "/data",
        [],
        [],
        {"/etc/red": ""},
    ),
}


@pytest.mark.parametrize(("mounts", "command", "place", "on_the_host", "binds", "tmpfs"), CASES.values(), ids=CASES)
def test_what_the_copy_sees(mounts, command, place, on_the_host, binds, tmpfs):
    about = samples.settings(command=command, working_dir=place)
    container = samples.container("redis", mounts=tuple(mounts), settings=about)
    assert redis_copy.copy_mounts(container, on_the_host.__contains__) == (binds, tmpfs)
