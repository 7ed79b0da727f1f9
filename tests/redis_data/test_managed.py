"""A Redis outside the Compose project, with TLS and a user of its access lists: by delta only, copied key by key."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import time
from datetime import UTC, datetime
from typing import ClassVar

import pytest
import redis
from redis_lab import RedisLab, reverse, same

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_job import BackupJob
from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_store import BackupStore
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_data import RedisUnavailable
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner, Stamp
from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import STACK_SPEC, StackArgs

USER, PASSWORD = "recovery", "not-a-real-password-of-the-tests"
RIGHTS = ["~*", "+@read", "+@write", "+@connection", "+@transaction", "+info", "+dump", "+restore", "+time", "-@admin"]


def certificate(folder) -> None:
    """Make a certificate of 127.0.0.1 that is its own authority."""
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


class ManagedRedis(RedisLab):
    """A server of this machine that is reached as a provider's would be."""

    port = 0
    further: ClassVar[dict] = {}

    @property
    def stack(self) -> StackArgs:
        defaults = {name: option.get("default") for name, option in STACK_SPEC["options"].items()}
        given = {"project": self.project, "environment": "test", "dir": str(self.directory), "redis_host": "127.0.0.1"}
        access = {"redis_port": self.port, "redis_tls": True, "redis_ca": str(self.directory / "ca.pem")}
        who = {"redis_user": USER, "redis_password": PASSWORD, "redis_image": "kong-masking-ref/redis:7"}
        return StackArgs.from_params({**defaults, **given, **access, **who, **self.further})

    def client(self, database: int = 0) -> redis.Redis:
        return redis.Redis(
            "127.0.0.1", self.port, password="admin", ssl=True, ssl_ca_certs=str(self.directory / "ca.pem"), db=database
        )

    def back_up(self) -> dict:
        """Take a backup of the data alone and return its manifest."""
        store = BackupStore(self.stack.backup_dir, Runner())
        job = BackupJob(self.stack, self.engine, Runner(), store, datetime.now(UTC), "host")
        return job.create("data", "", {}, Stamp(0o700, -1, -1))


@pytest.fixture(scope="module")
def managed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("managed")
    certificate(folder)
    made = ManagedRedis(folder, f"kmr-managed-{secrets.token_hex(3)}", aof=False)
    with socket.create_server(("127.0.0.1", 0)) as free:
        made.port = free.getsockname()[1]
    tls = ["--tls-port", str(made.port), "--port", "0", "--tls-auth-clients", "no", "--tls-ca-cert-file", "ca.pem"]
    tls += ["--tls-cert-file", "ca.pem", "--tls-key-file", "key.pem", "--requirepass", "admin", "--save", ""]
    server = subprocess.Popen(["redis-server", *tls], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        for _again in range(200):
            with contextlib.suppress(redis.exceptions.ConnectionError):
                made.client().ping()
                break
            time.sleep(0.05)
        made.client().execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *RIGHTS)
        yield made
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def filled(managed):
    managed.empty()
    managed.fill(1, 301)
    managed.client(2).set("elsewhere", "x", px=3_600_000)
    return managed


def test_the_safety_copy_is_made_key_by_key_proven_and_says_that_it_is_no_point_in_time(filled):
    content = filled.content()
    manifest = filled.back_up()
    about = manifest["redis"]
    assert (about["status"], about["point_in_time"], about["mappings"]) == ("proven", False, 300)
    assert about["reason"].startswith("not point-in-time")
    filled.empty()
    filled.job("restore", f"{manifest['path']}/redis-backup.rdb", scope="all").run()
    same(content, filled.content())
    assert int(filled.client().get("aws_masker:cnt:ec2")) == 300
    assert filled.scratch() == []


@pytest.mark.parametrize("mode", ["restore", "merge", "empty"])
def test_each_mode_by_delta(filled, mode):
    manifest = filled.back_up()
    dump = f"{manifest['path']}/redis-backup.rdb"
    filled.fill(401, 451)
    filled.client().delete("aws_masker:map:AWS_EC2_005", reverse(f"i-{5:017x}"))
    result = filled.job(mode, "" if mode == "empty" else dump).run()
    assert (result["method"], result["kong_off"]) == ("delta", False)
    assert result["why"] == "Redis is outside the project: only a delta applies"
    assert result["mappings_after"] == {"restore": 300, "merge": 350, "empty": 0}[mode]
    assert int(filled.client().get("aws_masker:cnt:ec2")) == 450
    assert filled.client(2).get("elsewhere") == b"x"


def test_its_files_are_never_replaced(filled):
    before = filled.content(counters=True)
    with pytest.raises(RecoveryError, match="cannot be replaced"):
        filled.job("empty", "", "file").run()
    same(before, filled.content(counters=True))


def test_a_wrong_password_is_a_clear_failure_and_changes_nothing(filled):
    before = filled.content(counters=True)
    filled.further = {"redis_password": "wrong"}
    try:
        with pytest.raises(RedisUnavailable, match="does not accept the password") as caught:
            filled.job("empty").run()
        assert PASSWORD not in str(caught.value.as_result())
    finally:
        filled.further = {}
    same(before, filled.content(counters=True))


def test_without_an_image_for_the_scratch_server_it_says_what_to_set(filled):
    manifest = filled.back_up()
    filled.further = {"redis_image": "nowhere/none:1"}
    try:
        with pytest.raises(RecoveryError, match=r"stack_redis_image is nowhere/none:1, which this host does not have"):
            filled.job("restore", f"{manifest['path']}/redis-backup.rdb").run()
        with pytest.raises(RecoveryError, match="No data could be saved"):
            filled.back_up()
    finally:
        filled.further = {}


def test_a_secret_is_in_no_representation_of_the_settings(filled):
    assert PASSWORD not in repr(filled.stack)
