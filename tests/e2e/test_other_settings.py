"""A stack with what the reference stack has not: another database, UDP, a job that may fail, logs among its files."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import releases
import stack_state
from lab import MAPPINGS, Lab, standing
from outside import run

DATABASE = 2
FURTHER = """
  statsd:
    image: kong-masking-ref/client:1
    command: ["sleep", "infinity"]
    init: true
    restart: unless-stopped
    ports:
      - "127.0.0.1::8125/udp"
    networks: [masking]

  init:
    image: kong-masking-ref/client:1
    command: ["true"]
    restart: on-failure
    networks: [masking]
"""
OVERRIDE = """
services:
  client:
    env_file: !override [DIRECTORY/config/client.env]
"""
ONE_FILE = "      - ./nginx/conf.d/default.conf:/etc/nginx/conf.d/default.conf:ro\n"
FOLDER_AND_LOGS = "      - ./nginx/conf.d:/etc/nginx/conf.d:ro\n      - ./nginx/conf.d/logs:/var/log/own\n"


class OtherLab(Lab):
    """The reference stack with other settings of its parts."""

    def deploy(self) -> None:
        """Change the files, then bring everything up."""
        changes = {
            "docker-compose.yml": {ONE_FILE: FOLDER_AND_LOGS, "\nnetworks:\n": f"{FURTHER}\nnetworks:\n"},
            "kong/kong.yml": {"      use_redis: true\n": f"      use_redis: true\n      redis_database: {DATABASE}\n"},
        }
        for name, texts in changes.items():
            path = self.stack.directory / name
            text = path.read_text(encoding="utf-8")
            for old, new in texts.items():
                assert text.count(old) == 1, (name, old)
                text = text.replace(old, new)
            path.write_text(text, encoding="utf-8")
        # By its absolute path, as some write it.
        override = OVERRIDE.replace("DIRECTORY", str(self.stack.directory))
        (self.stack.directory / "docker-compose.override.yml").write_text(override, encoding="utf-8")
        (self.stack.directory / "config" / "client.env").write_text("RELEASE=one\n", encoding="utf-8")
        log(self).parent.mkdir()
        log(self).write_text("first\n", encoding="utf-8")
        super().deploy()
        releases.up(self.stack, "statsd", "init")
        run(["docker", "wait", f"{self.project}-init-1"])

    def write_inventory(self, **further: Any) -> None:
        """Name the database beside the usual settings."""
        super().write_inventory(stack_redis_database=DATABASE, **further)

    def seed(self) -> None:
        """Make mappings by real requests and as the plugin writes them, all in its database."""
        super().seed()
        with stack_state.connect(self.stack) as client:
            for key in client.scan_iter():
                client.copy(key, key, destination_db=DATABASE, replace=True)
                client.delete(key)


def log(lab: Lab) -> Path:
    """A log that lies below a mounted directory of configuration."""
    return lab.stack.directory / "nginx" / "conf.d" / "logs" / "access.log"


def mappings(lab: Lab) -> dict[bytes, bytes]:
    """The mappings and counters of the plugin's database, by their content."""
    place = {"host": "127.0.0.1", "port": lab.stack.ports.redis, "password": lab.stack.redis_password}
    with redis.Redis(**place, db=DATABASE) as client:
        names = [key for key in client.scan_iter("aws_masker:*") if client.type(key) == b"string"]
        return {name: client.get(name) for name in names}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One such stack for this module's tests, with a backup of its good state."""
    with standing(OtherLab(tmp_path_factory.mktemp("other"), f"kmr-other-{uuid.uuid4().hex[:8]}")) as lab:
        yield lab


@pytest.mark.slow
def test_its_backup_is_complete_its_verification_passes_and_a_rollback_changes_nothing(other: Lab) -> None:
    manifest = json.loads((other.backup_path(other.golden()) / "manifest.json").read_text(encoding="utf-8"))
    held = {item["target"] for item in manifest["files"] if item.get("target")}
    before = other.state()

    verified = other.play("verify")
    done = other.play("rollback")

    assert manifest["complete"], manifest["notes"]
    assert {"config/client.env", "docker-compose.override.yml", "nginx/conf.d/default.conf"} <= held
    assert not [path for path in held if "logs" in path]
    assert manifest["redis"]["mappings"] >= MAPPINGS
    assert verified.rc == 0, verified.output
    assert "not measured" not in verified.verdict, verified.output
    assert (done.rc, done.changed) == (0, 0), done.output
    assert other.state().identities() == before.identities()


@pytest.mark.slow
def test_a_rollback_brings_the_mappings_back_and_leaves_the_log_alone(other: Lab) -> None:
    other.golden()
    before, held = other.state(), mappings(other)
    place = {"host": "127.0.0.1", "port": other.stack.ports.redis, "password": other.stack.redis_password}
    with redis.Redis(**place, db=DATABASE) as client:
        client.delete(*[name for name in held if name.startswith(b"aws_masker:map:AWS_EC2_1")])
    with log(other).open("a", encoding="utf-8") as file:
        file.write("second\n")
    rotated = log(other).with_name("access.log.1")
    rotated.write_text("older\n", encoding="utf-8")
    (other.stack.directory / "config" / "client.env").write_text("RELEASE=two\n", encoding="utf-8")
    releases.up(other.stack, "client")

    done = other.play("rollback", "-e", "redis_data=restore")

    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK", done.output
    restored = mappings(other)
    counters = {name for name in held if b":cnt:" in name}
    assert {name: restored.get(name) for name in set(held) - counters} == {
        name: held[name] for name in set(held) - counters
    }
    assert all(int(restored[name]) >= int(held[name]) for name in counters), "a counter fell"
    assert log(other).read_text(encoding="utf-8") == "first\nsecond\n"
    assert rotated.read_text(encoding="utf-8") == "older\n"
    after = other.state()
    assert stack_state.environment_of(after, "client") == stack_state.environment_of(before, "client")
    for name in ("kong", "redis", "nginx", "statsd", "init"):
        assert after.services[name] == before.services[name], name
    assert other.play("rollback", "-e", "redis_data=restore").changed == 0
