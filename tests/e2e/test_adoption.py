"""A stack that a script has deployed until now is adopted from nothing but docs/adopting.md, whose blocks are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import places
import pytest
import stack_state
from lab import ANSIBLE_PLAYBOOK, Run
from outside import wait_for
from reference_stack import ROOT, SERVICES, ReferenceStack
from stack_state import State

PAGE = (ROOT / "docs" / "adopting.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
OLD = "deploy-20250729-120000"
# A host with the standalone Compose only.
DOCKER_WITHOUT_PLUGIN = """#!/bin/sh
if [ "$1" = compose ]; then echo "docker: 'compose' is not a docker command." >&2; exit 1; fi
exec {docker} "$@"
"""


@pytest.fixture
def old_stack(tmp_path: Path) -> Iterator[ReferenceStack]:
    """Fixed names, built-only services, ./redis/data, .env beside config/production.env, a backup of the old script."""
    stack = ReferenceStack.create(tmp_path / "claude", f"kmr-adopt-{uuid.uuid4().hex[:8]}", "production")
    file = stack.directory / "docker-compose.yml"
    text = file.read_text(encoding="utf-8").replace("interval: 30s", "interval: 3s")
    for service in SERVICES:
        text = text.replace(f"\n  {service}:\n", f"\n  {service}:\n    container_name: claude-{service}\n", 1)
    file.write_text(text.replace("/client:1\n", "/client:1\n    stop_grace_period: 1s\n"), encoding="utf-8")
    with (stack.directory / ".env").open("a", encoding="utf-8") as env:
        env.write("ONLY_COMPOSE_READS_THIS=1\n")
    old = stack.directory / "deploy" / "backups" / "pre-deploy" / OLD
    old.mkdir(parents=True)
    shutil.copy2(stack.env_file, old / "config.env")
    (old / "services-state.json").write_bytes(b"")
    try:
        stack.deploy()
        assert set(names(stack)) == {f"claude-{service}" for service in SERVICES}
        yield stack
    finally:
        stack.down(remove_directory=True)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """The PATH of a host that has `docker-compose` and no `docker compose`, nor Ansible."""
    folder = tmp_path / "bin"
    folder.mkdir()
    docker = shutil.which("docker")
    (folder / "docker").write_text(DOCKER_WITHOUT_PLUGIN.format(docker=docker), encoding="utf-8")
    (folder / "docker").chmod(0o755)
    listed = subprocess.run(
        ["docker", "info", "--format", "{{json .ClientInfo.Plugins}}"], capture_output=True, text=True, check=False
    )
    (plugin,) = re.findall(r'"Path":"([^"]*/docker-compose)"', listed.stdout)
    (folder / "docker-compose").symlink_to(plugin)
    others = [one for one in os.environ["PATH"].split(os.pathsep) if one != str(ANSIBLE_PLAYBOOK.parent)]
    return os.pathsep.join([str(folder), *others])


def names(stack: ReferenceStack) -> dict[str, str]:
    """Container name → id."""
    return {one["Name"].lstrip("/"): one["Id"] for one in stack.containers().values()}


def differences(before: State, after: State, *, identity: bool) -> list[str]:
    """What differs, the backups of this test aside."""
    found = stack_state.differences(before, after, identity=identity, data=False)
    return [one for one in found if not one.startswith("file deploy/backups/")]


def follow(blocks: list[str], stack: ReferenceStack, clone: Path, path: str) -> list[Run]:
    """Run the page's blocks one after the other as in one shell, with the stack's true place in the second one."""
    assert blocks[1].count("STACK=/opt/claude ") == 1
    setup, where, *others = blocks
    where = where.replace("STACK=/opt/claude ", f"STACK={stack.directory} ")
    # What a shell remembers between commands is its variables.
    known = f"{{\n{setup}{where}}} >/dev/null\n"
    runs = []
    for number, block in enumerate([setup + where, *(known + other for other in others)]):
        done = places.execute(["bash", "-e", "-c", block], clone, {"PATH": path})
        assert done.rc == 0, f"block {number + 2}:\n{block}\n{done.output}"
        runs.append(done)
    return runs


@pytest.mark.slow
def test_the_page_alone_leads_to_a_stack_that_can_be_rolled_back(
    old_stack: ReferenceStack, tmp_path: Path, path: str
) -> None:
    before, running = stack_state.capture(old_stack), names(old_stack)
    clone = places.clone(tmp_path / "recovery")
    # What `make setup` would make takes long, and is here already: it looks whether it is the right one.
    (clone / ".venv").symlink_to(ROOT / ".venv")

    found = follow(BLOCKS, old_stack, clone, path)
    where, differing, _inventory, verified, listed, *_backups, rehearsed = found

    assert where.stdout.split()[-1] == old_stack.project
    assert differing.stdout.split() == ["ONLY_COMPOSE_READS_THIS"]
    assert "SERVICE: BACK" not in verified.stdout
    assert verified.changed == 0
    assert OLD in listed.stdout
    assert "original layout" in listed.flat
    assert "TARGET: deploy-" in rehearsed.flat
    assert names(old_stack) == running, "something was restarted on the way"
    assert differences(before, stack_state.capture(old_stack), identity=True) == []

    # The next release, deployed as always, is a bad one.
    good = stack_state.capture(old_stack)
    for file in (old_stack.env_file, old_stack.directory / ".env"):
        file.write_text(
            file.read_text(encoding="utf-8").replace("KONG_LOG_LEVEL=notice", "KONG_LOG_LEVEL=debug"), encoding="utf-8"
        )
    kong = old_stack.directory / "kong" / "kong.yml"
    kong.write_text("services: [broken\n", encoding="utf-8")
    old_stack.compose("up", "-d", "--no-deps", "--no-build", "kong")

    rollback = ["ansible-playbook", "playbooks/rollback.yml", "-e", "env=production"]
    done = places.execute(rollback, clone, {"PATH": f"{clone}/.venv/bin:{path}"})

    assert done.rc == 0, done.output
    assert done.verdict.rstrip('"').startswith("SERVICE: BACK"), done.output
    wait_for("a masked request", old_stack.probe, 20)
    assert set(names(old_stack)) == {f"claude-{service}" for service in SERVICES}
    assert differences(good, stack_state.capture(old_stack), identity=False) == []
