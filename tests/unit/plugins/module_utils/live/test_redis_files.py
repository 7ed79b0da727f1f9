"""The shell lines that replace a stopped server's data, run in a directory, and cut off after each of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import redis_files as files
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_data import Access
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

SETTINGS = {"dbfilename": "dump.rdb", "appenddirname": "appendonlydir", "appendfilename": "appendonly.aof"}
OLD, NEW = b"old", b"new"


def layout(folder: Path, append: str, **further: str) -> files.Layout:
    return files.Layout.from_settings({"dir": str(folder), "appendonly": append, **SETTINGS, **further})


LAYOUTS = {
    "dump": ("no", {}),
    "another-name": ("no", {"dbfilename": "other name.rdb"}),
    "append-only": ("yes", {}),
    "append-only-names": ("yes", {"appenddirname": "dir", "appendfilename": "my.aof"}),
    "append-only-before-7": ("yes", {"appenddirname": ""}),
}


def old_data(folder: Path, about: files.Layout) -> None:
    """Lay out what a server has left."""
    (folder / about.dump).write_bytes(OLD)
    if about.append and about.append_dir:
        (folder / about.append_dir).mkdir()
        (folder / about.append_dir / f"{about.append_name}.7.base.rdb").write_bytes(OLD)
        (folder / about.append_dir / f"{about.append_name}.7.incr.aof").write_bytes(OLD)
        (folder / about.append_dir / f"{about.append_name}.manifest").write_bytes(OLD)
    elif about.append:
        (folder / about.append_name).write_bytes(OLD)


def run(lines: str, dump: Path) -> int:
    return subprocess.run(
        ["sh", "-c", lines.replace(files.HELPER_DUMP, str(dump))], stderr=subprocess.DEVNULL, check=False
    ).returncode


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def new_state(about: files.Layout, folder: Path) -> dict[str, bytes]:
    """What there must be afterwards, and nothing else."""
    found = {str(Path(about.target).relative_to(folder)): NEW}
    path, content = about.manifest
    if path:
        found[str(Path(path).relative_to(folder))] = content.encode()
    return found


@pytest.fixture(params=LAYOUTS)
def place(request, tmp_path):
    """A data directory with old data; yields (folder, layout, dump)."""
    append, further = LAYOUTS[request.param]
    folder, dump = tmp_path / "data", tmp_path / "new.rdb"
    folder.mkdir()
    dump.write_bytes(NEW)
    about = layout(folder, append, **further)
    old_data(folder, about)
    return folder, about, dump


def test_the_new_data_are_there_and_nothing_of_the_old(place):
    folder, about, dump = place
    assert run(files.script(about, commit=True), dump) == 0
    assert state(folder) == new_state(about, folder)


def test_nothing_begun_is_nothing_to_finish(place):
    folder, about, dump = place
    before = state(folder)
    assert run(files.script(about, commit=False), dump) == files.NOTHING_TO_FINISH
    assert state(folder) == before


def test_cut_off_after_any_line_the_old_data_are_whole_or_the_new_ones_are_finished(place):
    folder, about, dump = place
    before = state(folder)
    lines = files.script(about, commit=True).splitlines()
    outcomes = set()
    for count in range(3, len(lines)):
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        old_data(folder, about)
        run("\n".join([*lines[:count], "trap - EXIT"]), dump)
        finished = run(files.script(about, commit=False), dump)
        whole = [new_state(about, folder)] if finished == 0 else [before, new_state(about, folder)]
        assert state(folder) in whole, lines[count - 1]
        outcomes.add(finished)
    assert outcomes == {0, files.NOTHING_TO_FINISH}


def test_a_full_disk_leaves_the_old_data_alone(place):
    folder, about, _dump = place
    before = state(folder)
    assert run(files.script(about, commit=True), folder.parent / "cannot-be-read") not in (0, files.NOTHING_TO_FINISH)
    assert state(folder) == before


def test_settings_are_read_from_what_the_client_prints():
    assert files.parse_settings("dir\n/data\nsave\n\ndbfilename\nx.rdb\n") == {
        "dir": "/data",
        "save": "",
        "dbfilename": "x.rdb",
    }


class Api:
    """An engine that starts a copy of a container; what redis-cli prints in it is given."""

    def __init__(self, said):
        self.said, self.asked, self.removed = said, [], []
        self.api = self

    def inspect_container(self, name):
        return {
            "Id": name,
            "Name": f"/{name}",
            "Image": "sha256:redis",
            "Config": {"Cmd": ["redis-server", "/etc/redis.conf"]},
            "HostConfig": {},
            "State": {"Status": "running"},
        }

    def create_host_config(self, **about):
        return about

    def create_container(self, _image, **about):
        self.network = about["host_config"]["network_mode"]
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


def asked_of_a_copy(said, access):
    api, clock = Api(said), samples.FakeClock()
    runner = Runner(clock=clock, sleep=clock.sleep)
    try:
        return api, files.ask_layout(api, runner, samples.container("redis"), ["secret"], access)
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
    assert api.asked == [("copy", ["redis-cli", *words, "CONFIG", "GET", "*"], {"REDISCLI_AUTH": "secret"})]


def test_a_copy_that_is_not_found_names_port_and_settings():
    with pytest.raises(RecoveryError, match="does not answer TLS on port 6380 within 15 s") as caught:
        asked_of_a_copy(b"Could not connect\n", Access("", True, "", 6380))
    assert "stack_redis_port" in caught.value.hint
    assert "Nothing was changed" in caught.value.msg
