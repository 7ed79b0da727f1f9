"""The runbook of a backup, executed by hand, brings the stack back without Ansible."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import releases
import stack_state
from lab import Lab, user_environment


def blocks(runbook: Path, *kinds: str) -> list[str]:
    """The commands of the blocks of these kinds, in their order."""
    text = runbook.read_text(encoding="utf-8")
    found = re.findall(r"^```(sh[^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for kind, body in found if kind in kinds]


def execute(commands: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the blocks as somebody does who pastes them one after the other and stops at the first that fails."""
    script = "set -eu\n" + "\n".join(commands)
    # A variable of the calling shell must not end up in the containers.
    environ = {**user_environment(), "KONG_LOG_LEVEL": "debug", "COMPOSE_FILE": "/nowhere.yml"}
    return subprocess.run(["sh"], input=script, env=environ, text=True, capture_output=True, check=False, timeout=300)


def test_its_own_commands_bring_a_broken_stack_back(lab: Lab) -> None:
    golden = lab.golden()
    good = lab.state()
    releases.break_everything(lab)
    (lab.stack.directory / "docker-compose.override.yml").write_text("services: {}\n", encoding="utf-8")

    done = execute(blocks(lab.backup_path(golden) / "RUNBOOK.md", "sh"))

    after = lab.state()
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert done.stdout.rstrip().endswith("SERVICE: BACK"), output
    assert stack_state.differences(good, after, identity=False, data=False) == []
    assert stack_state.lost(good, after) == []
    assert lab.stack.probe()
    verified = lab.play("verify")
    assert verified.rc == 0, verified.output
    plan = lab.play("rollback", "--check", "-e", f"deployment={golden}")
    assert "NOTHING TO DO" in plan.flat, plan.output
    secrets = [one for one in lab.canaries if one in output]
    assert secrets == []


@pytest.mark.slow
def test_lost_mappings_come_back_and_no_alias_is_given_out_twice(lab: Lab) -> None:
    golden = lab.golden()
    good = lab.state()
    with lab.redis() as client:
        client.flushall()
        client.set("aws_masker:cnt:ec2", 5000)

    done = execute(blocks(lab.backup_path(golden) / "RUNBOOK.md", "sh", "sh data"))

    assert done.returncode == 0, done.stdout + done.stderr
    after = lab.state()
    assert stack_state.lost(good, after) == []
    with lab.redis() as client:
        assert int(client.get("aws_masker:cnt:ec2") or 0) >= 5000
    assert lab.play("verify").rc == 0


@pytest.mark.slow
def test_kongs_file_alone_comes_back_without_a_restart(lab: Lab) -> None:
    golden = lab.golden()
    good = lab.state()
    releases.change_kong_file(lab, "read_timeout: 60000", "read_timeout: 30000")
    releases.load_kong_file(lab)
    before = lab.state()

    runbook = lab.backup_path(golden) / "RUNBOOK.md"
    done = execute([*blocks(runbook, "sh")[:2], *blocks(runbook, "sh kong-only")])

    after = lab.state()
    assert done.returncode == 0, done.stdout + done.stderr
    assert after.identities() == before.identities()
    assert (after.kong_hash, after.files) == (good.kong_hash, good.files)


@pytest.mark.parametrize("kind", ["deploy", pytest.param("data", marks=pytest.mark.slow)])
def test_every_backup_has_one_without_secrets_and_the_controller_has_it_too(lab: Lab, kind: str) -> None:
    brought = lab.folder / "runbooks" / lab.environment / f"{lab.environment}-gateway" / "RUNBOOK.md"
    # An earlier backup's, of another test.
    brought.unlink(missing_ok=True)
    done = lab.play("backup", "-e", f"kind={kind}", "-e", "backup_verify=false")
    assert done.rc == 0, done.output
    (backup_id,) = lab.backups()

    text = (lab.backup_path(backup_id) / "RUNBOOK.md").read_text(encoding="utf-8")

    assert [one for one in lab.canaries if one in text] == []
    assert backup_id in text
    assert brought.exists() is (kind == "deploy"), "a backup of the data alone brings no stack back"
    if kind == "deploy":
        assert brought.read_text(encoding="utf-8") == text
