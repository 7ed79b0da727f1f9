"""Dumps that real servers of many versions wrote: restored as a plain server reads them, or refused untouched."""

from __future__ import annotations

import contextlib
import functools
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import redis
from redis_lab import RedisLab, contents, same

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError

DUMPS = sorted((Path(__file__).parent / "public_dumps").glob("*.rdb"))
# Replacing files restarts Redis: one dump of each version shows what the others would.
FIRST_OF_VERSION = sorted({path.read_bytes()[:9]: path for path in reversed(DUMPS)}.values())


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A live Redis that keeps append-only files: the harder case for a change of files."""
    made = RedisLab(tmp_path_factory.mktemp("redis"), f"kmr-redis-{secrets.token_hex(3)}", aof=True)
    try:
        made.deploy()
        yield made
    finally:
        made.down()


@contextlib.contextmanager
def plain_server(dump: Path, folder: Path):
    """Start a plain server on a dump and yield a function that answers a database's client; None when it refuses."""
    shutil.copyfile(dump, folder / "dump.rdb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    connect = functools.partial(redis.Redis, "127.0.0.1", port, socket_timeout=30)
    try:
        while server.poll() is None:
            with contextlib.suppress(redis.exceptions.ConnectionError):
                connect(0).ping()
                break
            time.sleep(0.02)
        yield connect if server.poll() is None else None
    finally:
        server.kill()
        server.wait()


def restored_or_refused(lab: RedisLab, dump: Path, folder: Path, method: str) -> str:
    """Restore all of a dump, compare with what a plain server reads, and return what became of it."""
    with plain_server(dump, folder) as connect:
        wanted = contents(connect) if connect is not None else None
    lab.empty()
    lab.fill(1, 20)
    before = lab.content(counters=True)
    job = lab.job("restore", str(dump), method, "all")
    if wanted is None:
        with pytest.raises(RecoveryError, match="cannot load the dump"):
            job.run()
        same(before, lab.content(counters=True))
        return "refused"
    job.run()
    same(wanted, lab.content())
    return "restored"


@pytest.fixture(scope="module")
def outcomes():
    """What became of each dump; the tests of this module fill it."""
    return {}


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
def test_each_dump_by_delta(lab, dump, tmp_path, outcomes):
    outcomes[dump] = restored_or_refused(lab, dump, tmp_path, "delta")


@pytest.mark.parametrize("dump", FIRST_OF_VERSION, ids=lambda path: path.stem)
def test_a_dump_of_each_version_by_files(lab, dump, tmp_path):
    restored_or_refused(lab, dump, tmp_path, "file")


def test_both_outcomes_were_seen(outcomes):
    """The tests above would prove little if every dump were refused, or none."""
    found = list(outcomes.values())
    print(f"{found.count('restored')} restored, {found.count('refused')} refused")
    assert len(found) == len(DUMPS) > 40
    assert found.count("restored") > 30
    assert "refused" in found
