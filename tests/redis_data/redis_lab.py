"""Drive RedisJob against a real Redis of its own, and compare data sets key by key."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis
from outside import run, wait_for

from ansible_collections.kong_masking.recovery.plugins.module_utils.data.redis_job import RedisJob
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import DockerStack
from ansible_collections.kong_masking.recovery.plugins.module_utils.live import live_state
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_dump, redis_scratch
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_keyspace import keyspace
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import STACK_SPEC, StackArgs

PASSWORD = "not-a-real-password-of-the-tests"
COMPOSE = """
services:
  redis:
    image: kong-masking-ref/redis:7
    restart: unless-stopped
    command: ["redis-server", "--requirepass", "{password}", {options}]
    environment: {{REDIS_PASSWORD: {password}}}
    volumes: ["./data:/data"]
"""
JOB = """
import sys
from redis_lab import RedisLab
RedisLab.reopen(sys.argv[1]).job(*sys.argv[2:5]).run()
"""


@dataclass
class RedisLab:
    """One project; aof and options decide how its Redis keeps data."""

    directory: Path
    project: str
    aof: bool
    options: list[str] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)

    @classmethod
    def reopen(cls, directory: str) -> RedisLab:
        """Find a lab of another process again."""
        about = json.loads((Path(directory) / "lab.json").read_text(encoding="utf-8"))
        return cls(Path(directory), about["project"], about["aof"])

    def deploy(self) -> None:
        """Start Redis and wait until it answers."""
        options = ["--appendonly", "yes" if self.aof else "no", *self.options]
        text = COMPOSE.format(password=PASSWORD, options=", ".join(json.dumps(option) for option in options))
        (self.directory / "docker-compose.yml").write_text(text, encoding="utf-8")
        (self.directory / ".env").write_text(f"REDIS_PASSWORD={PASSWORD}\n", encoding="utf-8")
        about = {"project": self.project, "aof": self.aof}
        (self.directory / "lab.json").write_text(json.dumps(about), encoding="utf-8")
        self.compose("up", "-d")
        self.wait()

    def compose(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Compose on this project."""
        return run(["docker", "compose", "-p", self.project, *words], cwd=self.directory, check=check)

    def down(self) -> None:
        """Remove everything."""
        self.compose("down", "-v", "--timeout", "1", check=False)

    def wait(self) -> None:
        """Wait until Redis answers."""
        wait_for("Redis", lambda: self.client().ping(), 30)

    @property
    def stack(self) -> StackArgs:
        """The stack option as the module gets it."""
        defaults = {name: option.get("default") for name, option in STACK_SPEC["options"].items()}
        given = {"project": self.project, "environment": "test", "dir": str(self.directory), "env_file": ".env"}
        return StackArgs.from_params({**defaults, **given, **self.given})

    @property
    def engine(self) -> DockerStack:
        """The engine, asked for this project."""
        return DockerStack(self.project)

    def client(self, database: int = 0, **access: str) -> redis.Redis:
        """Return a client by the container's own address; access: another password or user."""
        about = {"password": PASSWORD, **access}
        return redis.Redis(self.engine.container("redis").address, 6379, db=database, socket_timeout=30, **about)

    def job(self, mode: str, dump: str = "", method: str = "auto", scope: str = "mappings", **further: str) -> RedisJob:
        """Return a job on this lab; further: settings of RedisJob."""
        settings = {"method": method, "scope": scope, **further}
        return RedisJob(self.stack, self.engine, Runner(), mode, dump, settings)

    def job_apart(self, mode: str, dump: str, method: str) -> subprocess.Popen[bytes]:
        """Begin a job in a process of its own."""
        path = [str(Path(__file__).parent), *sys.path]
        return subprocess.Popen(
            [sys.executable, "-c", JOB, str(self.directory), mode, dump, method],
            env={"PYTHONPATH": ":".join(path), "PATH": "/usr/bin:/bin:/usr/local/bin"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_after(self, seconds: float, mode: str, dump: str, method: str) -> None:
        """Run a job in a process of its own and kill it after so many seconds."""
        process = self.job_apart(mode, dump, method)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def dump(self, path: Path) -> str:
        """Take a copy of the live data as a backup does, and return its path."""
        live = live_state.redis_client(self.stack, self.engine.containers(), {})
        redis_dump.stream(self.engine, self.engine.container("redis"), live, str(path))
        live.close()
        return str(path)

    def fill(self, first: int, last: int, prefix: str = "i-") -> None:
        """Write pairs as the plugin does and raise the counter."""
        live = self.client()
        pipe = live.pipeline(transaction=False)
        for number in range(first, last):
            original, alias = f"{prefix}{number:017x}", f"AWS_EC2_{number:03d}"
            pipe.set(f"aws_masker:map:{alias}", original, ex=86400)
            pipe.set(reverse(original), alias, ex=86400)
        pipe.execute()
        if last - 1 > int(live.get("aws_masker:cnt:ec2") or 0):
            live.set("aws_masker:cnt:ec2", last - 1)

    def empty(self) -> None:
        """Start from nothing."""
        self.client().flushall()

    def content(self, counters: bool = False) -> dict[tuple[int, bytes], tuple[object, int]]:
        """Return (database, key) → (value, when it expires in milliseconds or -1)."""
        found = contents(self.client)
        return found if counters else {name: value for name, value in found.items() if b":cnt:" not in name[1]}

    def settled(self) -> None:
        """Bring Redis up, empty where it does not answer, whatever the test before left."""
        try:
            self.client().ping()
        except redis.exceptions.RedisError:
            self.compose("rm", "-sf", "redis")
            for path in (self.directory / "data").iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            self.compose("up", "-d")
        self.wait()

    def break_down(self, how: str) -> None:
        """Bring the server into a state: stopped, crashed or looping.

        A server without append-only files that is killed has the data of its last save, so it saves them first.
        """
        container = self.engine.container("redis").id
        if how == "stopped":
            run(["docker", "stop", "-t", "5", container])
        elif how == "crashed":
            self.client().save() if not self.aof else None
            run(["docker", "update", "--restart=no", container])
            run(["docker", "kill", container])
        elif how == "looping":
            run(["docker", "update", "--restart=unless-stopped", container])
            run(["docker", "stop", "-t", "5", container])
            for path in (self.directory / "data").rglob("*.*"):
                if path.is_file() and not path.name.endswith(".manifest"):
                    path.write_bytes(b"REDIS0011garbage" + path.read_bytes()[16:])
            if not any((self.directory / "data").iterdir()):
                (self.directory / "data" / "dump.rdb").write_bytes(b"REDIS0011garbage")
            run(["docker", "start", container])
            wait_for("a restart loop", lambda: self.engine.container("redis").restarts > 0, 30)

    def files(self) -> dict[str, bytes]:
        """Return the data files on the host."""
        folder = self.directory / "data"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def scratch(self) -> list[str]:
        """Return the throw-away containers that are there."""
        label = f"label={redis_scratch.LABEL}={self.project}"
        return run(["docker", "ps", "-aq", "--filter", label]).stdout.split()


def contents(connect: Callable[[int], redis.Redis]) -> dict[tuple[int, bytes], tuple[object, int]]:
    """Return (database, key) → (value, when it expires in ms or -1) of a server; connect answers a database's client.

    All of a kind in one go: two thousand keys asked for one by one take seconds.
    """
    found = {}
    for database in sorted(keyspace(connect(0).info("keyspace"))):
        live = connect(database)
        keys = list(live.scan_iter(count=5000))
        kinds = at_once(live, [("TYPE", key) for key in keys])
        values = at_once(live, [READ[kind](key) for key, kind in zip(keys, kinds, strict=True)])
        ends = at_once(live, [("PEXPIRETIME", key) for key in keys])
        for key, kind, value, end in zip(keys, kinds, values, ends, strict=True):
            found[database, key] = (comparable(live, key, kind, value), end)
    return found


READ = {
    b"string": lambda key: ("GET", key),
    b"hash": lambda key: ("HGETALL", key),
    b"list": lambda key: ("LRANGE", key, 0, -1),
    b"set": lambda key: ("SMEMBERS", key),
    b"zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
    b"stream": lambda key: ("XRANGE", key, "-", "+"),
}


def at_once(live: redis.Redis, commands: list[tuple]) -> list:
    """Return the answers to commands that are sent in one pipeline."""
    pipe = live.pipeline(transaction=False)
    for command in commands:
        pipe.execute_command(*command)
    return pipe.execute()


def comparable(live: redis.Redis, key: bytes, kind: bytes, value: object) -> object:
    """Return a key's value in a form that can be compared, whatever its encoding; a stream's with its groups."""
    if kind in (b"hash", b"set"):
        return sorted(value.items() if kind == b"hash" else value)
    if kind == b"stream":
        groups = [(item["name"], item["pending"], item["last-delivered-id"]) for item in live.xinfo_groups(key)]
        return value, groups
    return value


def reverse(original: str) -> str:
    """Return the reverse key of an original."""
    return f"aws_masker:rev:{base64.b64encode(original.encode()).decode()}"


def same(one: dict, other: dict) -> None:
    """Compare two contents key by key: type, value and the millisecond of expiry, exactly."""
    assert set(one) == set(other)
    for key, value in one.items():
        assert other[key] == value, key
