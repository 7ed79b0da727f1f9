"""The door to processes and files."""

from __future__ import annotations

import hashlib
import os
import stat
import sys

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import CommandError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import (
    HASH_BLOCK,
    Runner,
    Stamp,
    clean_environment,
)

STAY = Stamp(0o640, -1, -1)


@pytest.fixture
def run_command():
    """Ansible's own way to start a process."""
    with patch_module_args({}):
        return AnsibleModule(argument_spec={}).run_command


@pytest.fixture
def runner(run_command):
    return Runner(run_command)


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("PATH", True),
        ("HOME", True),
        ("LANG", True),
        ("XDG_RUNTIME_DIR", True),
        ("DOCKER_HOST", True),
        ("DOCKER_CONFIG", True),
        ("KONG_LOG_LEVEL", False),
        ("COMPOSE_FILE", False),
        ("COMPOSE_PROJECT_NAME", False),
        ("COMPOSE_PROFILES", False),
        ("REDIS_PASSWORD", False),
        ("LD_PRELOAD", False),
        ("http_proxy", False),
        ("PYTHONPATH", False),
    ],
)
def test_clean_environment(name, kept):
    assert clean_environment({name: "x"}) == ({name: "x"} if kept else {})


class TestRun:
    def test_output_and_status(self, runner):
        found = runner.run([sys.executable, "-c", "import sys; print('o'); print('e', file=sys.stderr)"])
        assert (found.rc, found.stdout, found.stderr) == (0, "o\n", "e\n")

    def test_the_child_sees_the_clean_environment_only(self, run_command):
        given = {"PATH": os.environ["PATH"], "KONG_LOG_LEVEL": "debug", "COMPOSE_FILE": "x"}
        found = Runner(run_command, given).run([sys.executable, "-c", "import os; print(sorted(os.environ))"])
        assert "KONG_LOG_LEVEL" not in found.stdout
        assert "COMPOSE_FILE" not in found.stdout

    def test_standard_input_is_closed(self, runner):
        assert runner.run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"]).stdout == "''\n"

    def test_no_shell(self, runner, tmp_path):
        argument = f"$(touch {tmp_path}/x); touch {tmp_path}/y"
        assert runner.run(["echo", argument]).stdout == argument + "\n"
        assert os.listdir(tmp_path) == []

    def test_a_status_other_than_0(self, runner):
        cmd = [sys.executable, "-c", "import sys; sys.exit('told')"]
        assert runner.run(cmd, check=False).rc == 1
        with pytest.raises(CommandError) as caught:
            runner.run(cmd)
        assert (caught.value.rc, caught.value.stderr) == (1, "told\n")

    def test_no_such_command(self, runner):
        assert runner.run(["no-such-command-anywhere"], check=False).rc == 127

    def test_what_cannot_be_executed(self, runner, tmp_path):
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(CommandError):
            runner.run([str(tmp_path / "file")])

    def test_no_end(self, runner):
        found = runner.run([sys.executable, "-c", "import time; time.sleep(9)"], timeout=0.2, check=False)
        assert (found.rc, found.stderr) == (124, "no end within 0 s")

    def test_bytes_that_are_no_utf8(self, runner):
        found = runner.run([sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'a\\xffb')"])
        assert found.stdout == "a\ufffdb"


def test_a_runner_for_files_starts_nothing():
    assert Runner().run(["true"], check=False).rc == 126


class TestWrite:
    def test_content_mode_and_nothing_beside_it(self, runner, tmp_path):
        runner.write(str(tmp_path / "f"), b"x", STAY)
        assert (tmp_path / "f").read_bytes() == b"x"
        assert mode(tmp_path / "f") == 0o640
        assert os.listdir(tmp_path) == ["f"]

    def test_private_by_default(self, runner, tmp_path):
        runner.write(str(tmp_path / "f"), b"x")
        assert mode(tmp_path / "f") == 0o600

    @pytest.mark.parametrize("broken", ["fsync", "rename"])
    def test_a_failure_leaves_the_old_content_and_no_remains(self, runner, tmp_path, monkeypatch, broken):
        (tmp_path / "f").write_bytes(b"old")

        def fail(*_args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, broken, fail)
        with pytest.raises(OSError, match="No space left"):
            runner.write(str(tmp_path / "f"), b"new")
        assert (tmp_path / "f").read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["f"]

    def test_a_link_in_place_of_the_temporary_file_is_not_followed(self, runner, tmp_path):
        (tmp_path / "victim").write_bytes(b"precious")
        os.symlink(tmp_path / "victim", tmp_path / "f.recovery-new")
        runner.write(str(tmp_path / "f"), b"new")
        assert (tmp_path / "victim").read_bytes() == b"precious"
        assert not os.path.islink(tmp_path / "f")

    def test_a_link_in_place_of_the_file_is_replaced(self, runner, tmp_path):
        (tmp_path / "victim").write_bytes(b"precious")
        os.symlink(tmp_path / "victim", tmp_path / "f")
        runner.write(str(tmp_path / "f"), b"new")
        assert (tmp_path / "victim").read_bytes() == b"precious"
        assert (tmp_path / "f").read_bytes() == b"new"


class TestWriteInPlace:
    @pytest.mark.parametrize("content", [b"", b"short", b"as long", b"much longer than before"])
    def test_the_inode_stays(self, runner, tmp_path, content):
        path = tmp_path / "f"
        path.write_bytes(b"content")
        before = os.stat(path).st_ino
        runner.write_in_place(str(path), content, STAY)
        assert (os.stat(path).st_ino, path.read_bytes(), mode(path)) == (before, content, 0o640)
        assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("size", [0, 1, HASH_BLOCK - 1, HASH_BLOCK, HASH_BLOCK + 1, 3 * HASH_BLOCK + 7])
def test_sha256(runner, tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "f").write_bytes(content)
    assert runner.sha256(str(tmp_path / "f")) == hashlib.sha256(content).hexdigest()


def test_stamp_is_of_the_file_behind_a_link(runner, tmp_path):
    (tmp_path / "f").write_bytes(b"")
    os.chmod(tmp_path / "f", 0o4750)
    os.symlink("f", tmp_path / "link")
    assert runner.stamp(str(tmp_path / "f")) == Stamp(0o4750, os.getuid(), os.getgid())
    assert runner.stamp(str(tmp_path / "link")) == runner.stamp(str(tmp_path / "f"))
    os.unlink(tmp_path / "f")
    assert runner.stamp(str(tmp_path / "link")).mode == 0o777


@pytest.mark.parametrize("before", ["nothing", "file", "link", "unfinished"])
def test_write_link(runner, tmp_path, before):
    (tmp_path / "victim").write_bytes(b"stays")
    if before == "file":
        (tmp_path / "link").write_bytes(b"old")
    if before == "link":
        os.symlink("victim", tmp_path / "link")
    if before == "unfinished":
        os.symlink("victim", tmp_path / "link.recovery-new")
    runner.write_link(str(tmp_path / "link"), "v1.conf")
    assert (os.readlink(tmp_path / "link"), (tmp_path / "victim").read_bytes()) == ("v1.conf", b"stays")
    assert sorted(os.listdir(tmp_path)) == ["link", "victim"]


def test_a_link_never_replaces_a_directory(runner, tmp_path):
    (tmp_path / "link").mkdir()
    with pytest.raises(OSError, match="directory"):
        runner.write_link(str(tmp_path / "link"), "v1.conf")
    assert os.listdir(tmp_path) == ["link"]


def test_exists_sees_a_dangling_link(runner, tmp_path):
    os.symlink("/nowhere", tmp_path / "link")
    assert runner.exists(str(tmp_path / "link")) is True
    assert runner.exists(str(tmp_path / "none")) is False


def test_remove_never_follows_a_link(runner, tmp_path):
    (tmp_path / "dir/sub").mkdir(parents=True)
    (tmp_path / "dir/sub/f").write_bytes(b"")
    os.symlink(tmp_path / "dir", tmp_path / "link")
    runner.remove(str(tmp_path / "link"))
    assert (tmp_path / "dir/sub/f").exists()
    runner.remove(str(tmp_path / "dir"))
    assert os.listdir(tmp_path) == []


def test_free_bytes(runner, tmp_path):
    assert 0 < runner.free_bytes(str(tmp_path)) < 1 << 60


def test_when_a_link_was_pointed_is_its_own_time_and_not_that_of_its_file(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    os.utime(tmp_path / "file", (1000, 1000))
    (tmp_path / "link").symlink_to("file")
    os.utime(tmp_path / "link", (2000, 2000), follow_symlinks=False)
    assert (Runner().modified(tmp_path / "link"), Runner().pointed(tmp_path / "link")) == (1000, 2000)
