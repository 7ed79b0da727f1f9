"""Things that many tests need: a stack, containers, an inspect answer, a Runner that only remembers."""

from __future__ import annotations

import dataclasses
import hashlib
import os

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import Container, Mount
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import DockerStack
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Result, Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.runs.lock import StackLock
from ansible_collections.kong_masking.recovery.plugins.module_utils.stack_args import StackArgs


def stack(root="/opt/gateway", **other):
    """The stack's arguments as a module gets them, validated."""
    values = {
        "project": "gateway",
        "environment": "production",
        "dir": str(root),
        "compose_files": ["docker-compose.yml"],
        "env_file": "config/production.env",
        "backup_dir": None,
        "config_paths": [],
        "redis_service": "redis",
        "kong_service": "kong",
        "proxy_service": "nginx",
        "mapping_prefixes": ["aws_masker:"],
        "masking_plugin": "aws-masker",
        "proxy_port": 0,
        "health_path": "/health",
        "probe_path": "/v1/messages",
    }
    return StackArgs.from_params({**values, **other})


def settings(**other):
    """What makes two containers differ to their user."""
    values = {
        "command": [],
        "entrypoint": [],
        "user": "",
        "working_dir": "",
        "stop_grace_seconds": None,
        "healthcheck": {},
        "memory": 0,
        "cpus": 0.0,
        "restart": "always",
        "ports": {},
        "binds": [],
        "networks": ["gateway_default"],
    }
    return {**values, **other}


def container(service, **other):
    """A running container of the project."""
    values = {
        "id": f"{service}-id",
        "name": f"gateway-{service}-1",
        "service": service,
        "image_id": f"sha256:{service}",
        "image_ref": f"gateway-{service}",
        "config_hash": f"hash-{service}",
        "compose_version": "2.40.0",
        "depends_on": (),
        "env": {},
        "state": "running",
        "health": "none",
        "exit_code": 0,
        "oom_killed": False,
        "restarts": 0,
        "created": "2026-07-29T09:00:00.5Z",
        "started_at": "2026-07-29T09:00:01.5Z",
        "mounts": (),
        "ports": {},
        "addresses": {"gateway_default": ""},
        "aliases": (service,),
        "restart_policy": "always",
        "settings": settings(),
    }
    return Container(**{**values, **other})


def bind(source, destination, writable=False):
    """A bind mount."""
    return Mount("bind", str(source), destination, writable)


class RememberingRunner(Runner):
    """Starts nothing: it remembers the commands and answers from a table of first words."""

    def __init__(self, answers=None, **other):
        super().__init__(environ={"PATH": "/usr/bin"}, **other)
        self.commands = []
        self.answers = answers or {}

    def run(self, cmd, timeout=120.0, check=True):
        self.commands.append(cmd)
        answer = self.answers.get(cmd[0], "")
        if isinstance(answer, Exception):
            raise answer
        return Result(cmd, 0, answer, "", 0.0)


class SmallEngine(DockerStack):
    """A few containers that start and stop as told; commands inside are answered by their first words.

    Several of one service are told apart by their ids.
    seen: (service, path inside) → content where a container sees another file than the host; None: it cannot be read.
    """

    def __init__(self, *containers, answers=None, processes=None, seen=None, images=None, workers=None, nets=()):
        self.project = "gateway"
        self.all = {item.id: item for item in containers}
        self.answers, self.states, self.seen, self.workers = answers or {}, processes or {}, seen or {}, workers or {}
        self.images = {**{item.image_ref: item.image_id for item in containers}, **(images or {})}
        self.done, self.kept, self.strangers, self.nets = [], [], [], list(nets)

    def _become(self, container, **fields):
        self.all[container.id] = dataclasses.replace(self.all[container.id], **fields)

    def containers(self):
        return {service: self.container(service) for service in sorted({item.service for item in self.all.values()})}

    def container(self, service):
        return next(iter(self.replicas(service)), None)

    def replicas(self, service):
        return [item for item in self.all.values() if item.service == service]

    def everyone(self):
        return self.strangers

    def networks(self):
        return self.nets

    def own_networks(self):
        return [
            item for item in self.nets if (item.get("Labels") or {}).get("com.docker.compose.project") == self.project
        ]

    def has_network(self):
        return True

    def stop(self, container, longest=30):
        self.done.append(f"stop {container.service}")
        self._become(container, state="exited")

    def start(self, container):
        self.done.append(f"start {container.service}")
        self._become(container, state="running")

    def _policy(self, container, name):
        self._become(container, restart_policy=name)

    def execute(self, container, cmd, env=None):
        if cmd[0] in ("sha256sum", "cat") and cmd[0] not in self.answers:
            found = [(path, self._inside(container, path)) for path in cmd[1:] if path != "--"]
            known = [(path, data) for path, data in found if data is not None]
            sums = "\n".join(f"{hashlib.sha256(data).hexdigest()}  {path}" for path, data in known).encode()
            output = sums if cmd[0] == "sha256sum" else b"".join(data for _path, data in known)
            return int(len(known) < len(found)), output, b""
        self.done.append(f"{container.service}: {' '.join(cmd)}")
        return self.answers.get(cmd[0], (0, b"", b""))

    def _inside(self, container, path):
        if (container.service, path) in self.seen:
            return self.seen[container.service, path]
        place = container.mounted_at(path)
        return Runner().read(place) if place and os.path.isfile(place) else None

    def processes(self, container):
        states = self.states.get(container.service, ["S"])
        return [(number, 1, state, "program") for number, state in enumerate(states, 100)]

    def worker_ages(self, container):
        return self.workers.get(container.service, [])

    def image_id(self, reference):
        return reference if reference in self.images.values() else self.images.get(reference, "")

    def image_facts(self, _reference):
        return {"env": {}, "labels": {}, "volumes": []}

    def keep_image(self, image_id):
        self.kept.append(image_id)

    def logs(self, container, lines=20):
        return self.answers.get(f"logs {container.service}", "")


class FakeClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def held_lock(of, run="rollback-20260729-120000", kind="rollback", force=False):
    """Take the lock of a stack for a run from elsewhere, as if a colleague were at work."""
    owner = {"user": "ann", "host": "laptop", "machine": "elsewhere", "process": "1:1"}
    lock = StackLock(of, Runner())
    return lock, lock.acquire({"run": run, "kind": kind}, owner, "now", force)
