"""The guide's scenarios with their symptoms produced for real: what an engineer does first brings the service back.

Scenario 1, a broken configuration of Kong, is in test_broken_release.py; recovered data is in test_data_modes.py.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
import stack_state
from lab import Lab
from outside import run, wait_for


def damage_redis(lab: Lab) -> None:
    """Damage the dump and the append-only files of a stopped Redis, so that it cannot start with them."""
    lab.stack.compose("stop", "-t", "5", "redis")
    for path in (lab.stack.directory / "redis" / "data").rglob("*"):
        if path.suffix in (".rdb", ".aof") and path.stat().st_size > 20:
            content = bytearray(path.read_bytes())
            content[len(content) // 2 : len(content) // 2 + 8] = b"\xff" * 8
            path.write_bytes(content)
    for path in (lab.stack.directory / "redis" / "data").rglob("*.base.rdb"):
        path.write_bytes(b"REDIS0010 no more")
    lab.stack.compose("up", "-d", "--no-deps", "redis")
    wait_for("a restart loop", lambda: lab.stack.containers()["redis"]["RestartCount"] >= 2, 30)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["empty", "restore"])
def test_corrupted_redis_data_is_replaced_by_nothing_or_by_the_backups(lab: Lab, data: str) -> None:
    lab.golden()
    before = lab.state()
    damage_redis(lab)

    done = lab.play("rollback", "-e", f"redis_data={data}")

    after = lab.state()
    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK"
    assert stack_state.differences(before, after, identity=False, data=False) == []
    pairs = ("aws_masker:map:", "aws_masker:rev:")
    wanted = {} if data == "empty" else {name: key for name, key in before.keys.items() if name.startswith(pairs)}
    assert {name: key for name, key in after.keys.items() if name.startswith(pairs)} == wanted
    with stack_state.connect(lab.stack) as client:
        assert int(client.get("aws_masker:cnt:ec2") or 0) > 149, "an alias could be given out twice"
    snapshot = json.loads((lab.backup_path(lab.snapshots()[-1]) / "manifest.json").read_text(encoding="utf-8"))
    assert snapshot["redis"]["status"] == "unproven"
    assert "KEYS: unknown before" in done.flat, "counts before and after"


@pytest.mark.slow
def test_the_projects_network_is_made_anew_by_force(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    network = f"{lab.project}_masking"
    old = stack_state.network_id(network)
    for found in lab.stack.containers().values():
        run(["docker", "network", "disconnect", "-f", network, found["Id"]])
    run(["docker", "network", "rm", network])
    others = stack_state.names_of("network", lab.project)

    done = lab.play("force_rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert stack_state.lost(before, after) == []
    assert stack_state.network_id(network) not in ("", old)
    assert [name for name in stack_state.names_of("network", lab.project) if name != network] == others
    for source, target in (("kong", "redis"), ("nginx", "kong")):
        assert lab.stack.compose("exec", "-T", source, "getent", "hosts", target).stdout.split()[1:] != []


@pytest.mark.slow
def test_a_network_that_one_service_has_lost_is_made_anew_by_force_and_joined_by_a_plain_rollback(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    network = f"{lab.project}_masking"
    old = stack_state.network_id(network)
    run(["docker", "network", "disconnect", "-f", network, lab.stack.containers()["redis"]["Id"]])
    assert lab.play("rollback").rc == 0
    assert stack_state.network_id(network) == old
    run(["docker", "network", "disconnect", "-f", network, lab.stack.containers()["redis"]["Id"]])
    assert lab.play("force_rollback").rc == 0
    assert stack_state.network_id(network) != old
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []
    assert stack_state.lost(before, lab.state()) == []


@pytest.mark.slow
def test_limits_that_got_kong_killed_are_those_of_the_backup_again(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    lab.stack.set_env(KONG_MEMORY_LIMIT="12m")
    lab.stack.compose("up", "-d", "--no-deps", "kong", check=False)
    wait_for("Kong killed by the kernel", lambda: killed(lab), 40)

    done = lab.play("rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    assert after.services["kong"]["memory"] == before.services["kong"]["memory"]
    assert lab.stack.containers()["kong"]["State"]["OOMKilled"] is False
    assert stack_state.differences(before, after, identity=False, data=False) == []
    record = lab.record()
    assert any("memory" in why for why in record["plan"]["services"]["kong"]["why"])
    told = [
        next(one for one in record[when] if one["name"] == "container_kong") for when in ("checks_before", "checks")
    ]
    assert [one["status"] for one in told] == ["failed", "passed"]
    assert "restarts" in told[0]["found"]
    use = next(one["found"] for one in record["checks"] if one["name"] == "resources")
    assert re.search(rf"{lab.project}-kong-1 \d+ of \d+ MiB", use), use


def killed(lab: Lab) -> bool:
    """Whether the kernel killed Kong for its memory at least once: 137 is its exit status."""
    state = lab.stack.containers()["kong"]
    return bool(state["State"]["OOMKilled"] or (state["RestartCount"] >= 2 and state["State"]["ExitCode"] == 137))


def test_everything_hangs_and_force_is_through_without_waiting_for_it(lab: Lab) -> None:
    """All processes are frozen: nothing answers and nothing stops when told to."""
    lab.golden()
    before = lab.state()
    for found in lab.stack.containers().values():
        for process in Path("/proc").glob("[0-9]*"):
            if in_container(process, found["Id"]):
                subprocess.run(["kill", "-STOP", process.name], check=False)
    began = time.monotonic()

    done = lab.play("force_rollback")

    print(f"\nforce, everything frozen: {time.monotonic() - began:.1f} s")
    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK"
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []
    assert stack_state.lost(before, lab.state()) == []


def in_container(process: Path, container: str) -> bool:
    """Whether a process of the host belongs to a container, by its control group."""
    try:
        return container in (process / "cgroup").read_text(encoding="ascii")
    except OSError:
        return False
