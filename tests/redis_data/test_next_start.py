"""Files placed for another configuration than the one Redis starts with: found by counting, and taken back.

The servers are processes of this machine; a shell here does what the helper container does on the volumes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from plain_servers import plain_server
from redis_lab import contents

from ansible_collections.kong_masking.recovery.plugins.module_utils.data.redis_replace import FileChange
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import redis_files
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.redis_layout import SETTINGS, Layout
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_compare, redis_keys
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner

EARLIER, LIVE, WANTED = 10, 60, 30


class Process:
    """A Redis as LiveRedis shows a container: it starts with its options each time, whatever was set while it ran."""

    image_id, drift, replacing = "", "", False

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.socket = folder.parent / "s"
        self.engine, self.runner = self, Runner()
        self.came_back: list[bool] = []
        folder.mkdir()

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder)]
        self.server = subprocess.Popen(
            [*command, *self.options], stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}
        )
        for _again in range(500):
            with contextlib.suppress(redis.exceptions.RedisError):
                return self.connect()[0].client.ping()
            time.sleep(0.01)
        pytest.fail("redis-server does not start")

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait(timeout=10)

    def set(self, **settings: str) -> None:
        """Set what holds until the next start; a server that writes its first append-only file does not stop."""
        client = self.connect()[0].client
        for name, value in settings.items():
            client.config_set(name, value)
        while any(client.info("persistence")[f"aof_rewrite_{word}"] for word in ("in_progress", "scheduled")):
            time.sleep(0.01)

    def connect(self) -> tuple[SimpleNamespace, str]:
        client = redis.Redis(unix_socket_path=str(self.socket))
        return SimpleNamespace(client=client, info=client.info, close=client.close), ""

    @contextlib.contextmanager
    def kong_off(self):
        try:
            yield
        finally:
            self.came_back.append(not self.replacing)

    def container(self) -> SimpleNamespace:
        return SimpleNamespace(name="redis", id="")

    def memory_limit(self) -> int:
        return 0

    def execute(self, _container, command, env=None):
        return subprocess.run(command, check=True, env=env).returncode, b"", b""

    def layout(self) -> Layout:
        """What the server says of itself while it runs."""
        client = self.connect()[0].client
        return Layout.from_settings({name: client.config_get(name)[name] for name in SETTINGS})

    def keys(self) -> int:
        return self.connect()[0].client.dbsize()

    def files(self) -> set[str]:
        """Return the names that are ours among the data."""
        return {path.name for path in self.folder.parent.rglob(".kong-masking-recovery*")}


def fill(client: redis.Redis, count: int) -> None:
    for number in range(count):
        client.set(f"aws_masker:map:AWS_EC2_{number:03d}", f"i-{number}", ex=86400)


@pytest.fixture
def change(tmp_path, monkeypatch):
    """Return how a server is started with options, set otherwise while it runs, and its data replaced by files."""
    made = []

    def helped(_engine, _container, lines, binds):
        for bind in binds:
            source, inside, _mode = bind.split(":")
            lines = lines.replace(inside, source)
        done = subprocess.run(["sh", "-c", lines], stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stderr

    def prepared(*options, **set_since):
        live = Process(tmp_path / "data", "--enable-protected-configs", "yes", "--save", "3600", "1000000", *options)
        made.append(live)
        live.start()
        client = live.connect()[0].client
        fill(client, EARLIER)
        client.save()
        live.set(**set_since)
        fill(client, LIVE)
        return live

    def replace(live, layout):
        selection = redis_keys.Selection("restore", (b"aws_masker:",), "all")
        floor = SimpleNamespace(database=0, remember=lambda *_about: {}, of=lambda *_about: {})
        with plain_server(tmp_path / "wanted") as wanted:
            fill(wanted, WANTED)
            before = contents(lambda _number: wanted)
            job = FileChange(live, selection, floor)
            return before, job.run(live.connect()[0], redis_compare.Sources(wanted, None), layout)

    monkeypatch.setattr(redis_files, "_help", helped)
    yield prepared, replace
    for live in made:
        live.server.kill()
        live.server.wait()


STARTED = {
    "append-only-set-on": (("--appendonly", "no"), {"appendonly": "yes"}),
    "append-only-set-off": (("--appendonly", "yes"), {"appendonly": "no"}),
    "another-name": ((), {"dbfilename": "other.rdb"}),
    "as-started": (("--appendonly", "yes"), {}),
}


@pytest.mark.parametrize(("options", "set_since"), STARTED.values(), ids=STARTED)
def test_files_placed_for_the_next_start_are_what_it_loads(change, options, set_since):
    prepared, replace = change
    live = prepared(*options)
    layout = live.layout()
    live.set(**set_since)
    wanted, result = replace(live, layout)
    found = contents(lambda _number: live.connect()[0].client)
    assert {key: value for key, (value, _ttl) in found.items()} == {key: value for key, (value, _ttl) in wanted.items()}
    assert (result["keys_after"], live.came_back, live.files()) == (WANTED, [True], set())


@pytest.mark.parametrize(
    ("options", "set_since"),
    [STARTED["append-only-set-on"], (("--appendonly", "yes", "--aof-use-rdb-preamble", "no"), {"appendonly": "no"})],
    ids=["append-only-set-on", "append-only-set-off"],
)
def test_files_placed_for_what_was_set_while_it_ran_are_missed_and_the_old_ones_return(change, options, set_since):
    prepared, replace = change
    live = prepared(*options)
    fill(live.connect()[0].client, LIVE)
    live.set(**set_since)
    with pytest.raises(RecoveryError, match=rf"Redis holds 0 keys after its start, expected {WANTED};") as caught:
        replace(live, live.layout())
    assert "Redis serves them as before." in caught.value.msg
    assert (live.keys(), live.came_back, live.files()) == (LIVE, [True], set())


def test_another_directory_set_while_it_ran_is_found_and_kong_stays_off_where_the_old_data_do_not_serve(
    change, tmp_path
):
    prepared, replace = change
    (tmp_path / "elsewhere").mkdir()
    live = prepared(dir=str(tmp_path / "elsewhere"))
    missed = f"Redis holds {EARLIER} keys after its start, expected {WANTED};"
    with pytest.raises(RecoveryError, match=missed) as caught:
        replace(live, live.layout())
    assert f"Kong stays off: Redis holds {EARLIER} keys after its start, expected {LIVE}." in caught.value.msg
    assert (live.keys(), live.came_back, live.files()) == (EARLIER, [False], set())
