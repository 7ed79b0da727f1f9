"""What a release breaks, and the ways back that are timed: by hand in two ways, and by the playbooks."""

from __future__ import annotations

import base64
import filecmp
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import releases
import stack_state
from lab import ANSIBLE_PLAYBOOK, Lab
from outside import http, run, wait_for
from reference_stack import ROOT, SERVICES

UP = ("up", "-d", "--no-deps", "--no-build", "--pull", "never", "--force-recreate")
PAIRS = 5000
LOST = 67  # every 67th pair: 1.5 %
PREFIX = "aws_masker:map:AWS_EC2_"
# A play that does nothing, as long as a rollback: what Ansible itself takes on this machine. Its length is fixed, so
# that a rollback that grows does not grow the yardstick.
NO_MODULE = {"ansible.builtin.assert": {"that": [True], "quiet": True}}
EMPTY_TASKS = [*(33 * [NO_MODULE]), *(7 * [{"ansible.builtin.ping": {}}])]


@dataclass(frozen=True)
class Release:
    """A class of difference: how it comes about, and the least that somebody has to do by hand to undo it."""

    name: str
    breaks: Callable[[Lab], None]
    by_hand: Callable[[Lab], None] | None = None
    arguments: tuple[str, ...] = ()


# ---------------------------------------------------------------------- releases


def nothing(_lab: Lab) -> None:
    """Leave everything as it is."""


def kong_environment(lab: Lab) -> None:
    """Deploy another log level of Kong; the client, which reads the same file, keeps the old one."""
    lab.stack.set_env(KONG_LOG_LEVEL="debug")
    _redeploy(lab, "kong")


def kong_file(lab: Lab) -> None:
    """Deploy another configuration of Kong, loaded without a restart."""
    releases.change_kong_file(lab, "retries: 3", "retries: 4")
    load_configuration(lab)


def proxy_image(lab: Lab) -> None:
    """Deploy another image of nginx under the same tag."""
    releases.rebuild(lab, "nginx", f"bench-{time.monotonic_ns()}")
    _redeploy(lab, "nginx")


def data(lab: Lab) -> None:
    """Lose some of the mappings."""
    with lab.redis() as client:
        client.delete(*(f"{PREFIX}{number}" for number in range(1000, 1000 + PAIRS, LOST)))


def everything(lab: Lab) -> None:
    """Deploy other settings of Redis and Kong, another configuration, and another image of nginx."""
    lab.stack.set_env(KONG_LOG_LEVEL="debug", KONG_MEMORY_LIMIT="512m", REDIS_MEMORY_LIMIT="200m")
    releases.change_kong_file(lab, "retries: 3", "retries: 4")
    releases.rebuild(lab, "nginx", f"bench-{time.monotonic_ns()}")
    _redeploy(lab, "redis", "kong", "nginx", "client")


def hung(lab: Lab) -> None:
    """The same, and then no process of the three services moves any more."""
    everything(lab)
    for service in ("redis", "kong", "nginx"):
        lab.stack.compose("kill", "-s", "SIGSTOP", service)


def _redeploy(lab: Lab, *services: str) -> None:
    for service in services:
        lab.stack.compose(*UP, "-t", "1", service)
        if service == "redis":
            wait_for("Redis", lab.stack.redis_answers, 60)
    wait_for("Kong", lab.stack.kong_configured, 60)
    releases.reload_proxy(lab)
    lab.wait_masked(60)


# ---------------------------------------------------------------------- by hand


def files_back(lab: Lab) -> None:
    """Copy what differs from the backup over the stack's files, in place, and give nginx' tag its image back."""
    good = lab.good
    assert good is not None
    saved = lab.golden_copy / "files"
    for path in saved.rglob("*"):
        target = lab.stack.directory / path.relative_to(saved)
        if path.is_file() and not filecmp.cmp(path, target, shallow=False):
            shutil.copyfile(path, target)
    for reference, image in good.images.items():
        run(["docker", "tag", image, reference])


def naive(lab: Lab) -> None:
    """Copy the files, take everything down, bring everything up, as is done today."""
    files_back(lab)
    lab.stack.compose("down")
    lab.stack.compose("up", "-d", "--no-build", "--pull", "never")
    lab.wait_masked(120)


def ansible_alone(lab: Lab) -> None:
    """Play the empty tasks on the stack's host."""
    play = lab.folder / "empty.yml"
    play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": EMPTY_TASKS}]), encoding="utf-8")
    run([str(ANSIBLE_PLAYBOOK), str(play), "-i", str(lab.inventory)], cwd=ROOT)


def bare_kong(lab: Lab) -> None:
    """Recreate Kong, ask it, tell the proxy, ask through it."""
    files_back(lab)
    lab.stack.compose(*UP, "kong")
    wait_for("Kong", lab.stack.kong_configured, 60)
    releases.reload_proxy(lab)
    lab.wait_masked(60)


def bare_file(lab: Lab) -> None:
    """Load the configuration and ask."""
    files_back(lab)
    load_configuration(lab)


def bare_proxy(lab: Lab) -> None:
    """Recreate nginx and ask through it."""
    files_back(lab)
    lab.stack.compose(*UP, "nginx")
    lab.wait_masked(60)


def bare_everything(lab: Lab) -> None:
    """Recreate everything in order; the client, on nobody's path, is recreated beside."""
    files_back(lab)
    client = threading.Thread(target=lambda: lab.stack.compose(*UP, "client"))
    client.start()
    releases.recreate_by_hand(lab)
    client.join()


def load_configuration(lab: Lab) -> None:
    """Hand Kong the file on disk, and wait until masking requests pass."""
    text = releases.kong_file(lab).read_text(encoding="utf-8")
    status, answer = http("POST", f"{lab.stack.kong_admin}/config?check_hash=1", {"config": text})
    assert status in (201, 304), answer
    lab.wait_masked(60)


RELEASES = (
    Release("nothing differs", nothing),
    Release("Kong's file only", kong_file, bare_file),
    Release("data only, 10,000 keys", data, None, ("-e", "redis_data=restore")),
    Release("environment of Kong", kong_environment, bare_kong),
    Release("image of one service", proxy_image, bare_proxy),
    Release("everything", everything, bare_everything),
)
HUNG = Release("everything, and hung", hung)


# ---------------------------------------------------------------------- the lab


def seed(lab: Lab) -> None:
    """Write 10,000 keys of mappings as the plugin does, and count what is written."""
    with lab.redis() as client:
        pipe = client.pipeline(transaction=False)
        for number in range(1000, 1000 + PAIRS):
            original, alias = f"i-{number:017x}", f"AWS_EC2_{number}"
            pipe.set(f"aws_masker:map:{alias}", original, ex=86400)
            pipe.set(f"aws_masker:rev:{base64.b64encode(original.encode()).decode()}", alias, ex=86400)
        pipe.set("aws_masker:cnt:ec2", 1000 + PAIRS)
        pipe.execute()


def forget_load(lab: Lab) -> None:
    """Take the mappings away that a load has made; numbers that were given out stay so."""
    assert lab.good is not None
    with lab.redis() as client:
        found = [
            key for key in client.scan_iter(count=1000) if b":cnt:" not in key and key.decode() not in lab.good.keys
        ]
        for begin in range(0, len(found), 1000):
            client.delete(*found[begin : begin + 1000])


def prepared(folder: Path, project: str, change: Callable[[Lab], None] = nothing) -> Lab:
    """Deploy a stack as in the field, with long health intervals and a client that ignores SIGTERM, and back it up.

    change is made to the stack's files before.
    """
    lab = Lab(folder, project, patient=True)
    change(lab)
    try:
        lab.deploy()
        every = lab.stack.compose("config", "--services").stdout.split()
        releases.up(lab.stack, *(name for name in every if name not in SERVICES), *SERVICES)
        seed(lab)
        lab.good = lab.state()
        lab.golden()
    except BaseException:
        lab.down()
        raise
    return lab


def check_back(lab: Lab) -> list[str]:
    """Compare the release that runs with the good one, its containers' identities and data aside."""
    assert lab.good is not None
    return stack_state.differences(lab.good, lab.state(), identity=False, data=False)


def repository() -> str:
    """The commit that is measured."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
