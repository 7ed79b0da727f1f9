"""An alert about a stack that is really broken: assessed, and rolled back where its environment allows that."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import stack_state
from lab import ANSIBLE_PLAYBOOK, Lab, user_environment
from ports import free_port
from reference_stack import ROOT
from releases import break_everything

TOKEN = "not-a-secret"


def rulebook(lab: Lab, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start ansible-rulebook from its own environment, as docs/events.md says; answer it and its port."""
    nox = [str(ANSIBLE_PLAYBOOK.parent / "nox"), "--session", "eda", "--install-only"]
    subprocess.run(nox, cwd=ROOT, check=True, capture_output=True)
    java = subprocess.run([str(ROOT / "tools" / "java")], check=True, capture_output=True, text=True).stdout.strip()
    port = free_port()
    (folder / "alerts.yml").write_text(json.dumps({"alerts_port": port, "alerts_token": TOKEN}), encoding="utf-8")
    bin_folder = ROOT / ".cache" / "nox" / "eda" / "bin"
    environ = {
        **user_environment(),
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "JAVA_HOME": java,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
    }
    command = [str(bin_folder / "ansible-rulebook"), "--rulebook", "extensions/eda/rulebooks/alerts.yml"]
    command += ["-i", str(lab.inventory), "--vars", str(folder / "alerts.yml")]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    end = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
        assert process.poll() is None, (folder / "output").read_text(encoding="utf-8")
        assert time.monotonic() < end, (folder / "output").read_text(encoding="utf-8")
        time.sleep(0.2)
    return process, port


def alert(port: int, environment: str) -> None:
    """Post what Alertmanager posts."""
    labels = {"alertname": "GatewayErrors", "environment": environment}
    body = {
        "version": "4",
        "groupKey": "{}",
        "status": "firing",
        "commonLabels": labels,
        "alerts": [{"labels": labels}],
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/alerts",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.slow
@pytest.mark.parametrize("allowed", [True, False])
def test_a_broken_stack_comes_back_by_itself_only_where_that_is_allowed(
    lab: Lab, tmp_path: Path, allowed: bool
) -> None:
    lab.golden()
    good = lab.state()
    break_everything(lab)
    broken = lab.state()
    lab.write_inventory(auto_rollback=allowed, assess_window=10)
    process, port = rulebook(lab, tmp_path)
    says = (
        "a rollback was started by itself (verdict: immediate)"
        if allowed
        else "verdict: immediate; nothing was changed"
    )
    try:
        alert(port, lab.environment)
        end = time.monotonic() + 180
        while says not in (tmp_path / "output").read_text(encoding="utf-8", errors="replace"):
            assert process.poll() is None, (tmp_path / "output").read_text(encoding="utf-8")
            assert time.monotonic() < end, (tmp_path / "output").read_text(encoding="utf-8")
            time.sleep(0.5)
    finally:
        process.terminate()
        process.wait(30)
        lab.write_inventory()

    wanted = good if allowed else broken
    found = stack_state.differences(wanted, lab.state(), identity=not allowed, data=False)
    # The broken Kong is started again and again by the engine.
    restless = () if allowed else ("service kong started_at:", "service kong status:")
    assert [line for line in found if not line.startswith(restless)] == []
    assert len(lab.snapshots()) == int(allowed)
