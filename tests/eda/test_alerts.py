"""The rulebook, run by ansible-rulebook, with real events posted to it as Alertmanager posts them.

What it starts is recorded by stand-ins for the playbooks: these tests are about who may be rolled back when.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TOKEN = "not-a-secret"
# Writes down that it ran, and for which environment.
RECORD = """
- name: Write it down
  ansible.builtin.lineinfile:
    path: {calls}
    line: "{name} {{{{ env }}}}"
    create: true
    mode: "0600"
  run_once: true
"""
ANSWER = """
- name: Answer
  ansible.builtin.set_fact:
    assessment_result: {verdict: "{{ pretended_verdict | default('none') }}"}
"""
INVENTORY = {
    "allowed": {"auto_rollback": True, "pretended_verdict": "immediate"},
    "forbidden": {"auto_rollback": False, "pretended_verdict": "immediate"},
    "silent": {"pretended_verdict": "immediate"},
    "undecided": {"auto_rollback": True, "pretended_verdict": "consider"},
    "well": {"auto_rollback": True, "pretended_verdict": "none"},
}


class Rulebook:
    """A running ansible-rulebook: what it started, and whom it told."""

    def __init__(self, folder: Path) -> None:
        self.calls, self.output = folder / "calls", folder / "output"
        self.told: list[str] = []
        told = self.told

        class Pager(BaseHTTPRequestHandler):
            """Where notifications go."""

            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.pager = ThreadingHTTPServer(("127.0.0.1", 0), Pager)
        Thread(target=self.pager.serve_forever, daemon=True).start()
        collection = folder / "collections" / "ansible_collections" / "kong_masking" / "recovery"
        (collection / "playbooks").mkdir(parents=True)
        (collection / "galaxy.yml").write_text((ROOT / "galaxy.yml").read_text(encoding="utf-8"), encoding="utf-8")
        role = collection / "roles" / "assessment" / "tasks" / "main.yml"
        role.parent.mkdir(parents=True)
        role.write_text(RECORD.format(calls=self.calls, name="assess") + ANSWER, encoding="utf-8")
        for name in ("rollback", "force_rollback"):
            play = {"hosts": "{{ env }}", "gather_facts": False}
            play["tasks"] = yaml.safe_load(RECORD.format(calls=self.calls, name=name))
            (collection / "playbooks" / f"{name}.yml").write_text(json.dumps([play]), encoding="utf-8")
        hosts = {
            environment: {
                "hosts": {f"{environment}-gateway": {"ansible_connection": "local"}},
                "vars": {
                    **settings,
                    "ansible_python_interpreter": sys.executable,
                    "alert_webhook": f"http://127.0.0.1:{self.pager.server_port}/",
                },
            }
            for environment, settings in INVENTORY.items()
        }
        (folder / "hosts.yml").write_text(json.dumps(hosts), encoding="utf-8")
        self.port = free_port()
        (folder / "vars.yml").write_text(
            json.dumps({"alerts_port": self.port, "alerts_token": TOKEN}), encoding="utf-8"
        )
        command = [
            str(BIN / "ansible-rulebook"),
            *("--rulebook", "extensions/eda/rulebooks/alerts.yml"),
            *("--inventory", str(folder / "hosts.yml")),
            *("--vars", str(folder / "vars.yml")),
        ]
        environ = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self.until(self.listens, 60)

    def stop(self) -> None:
        """End everything."""
        self.process.terminate()
        self.process.wait(30)
        self.pager.shutdown()

    def listens(self) -> bool:
        """Tell whether the webhook takes connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def post(self, environment: str, status: str = "firing", token: str = TOKEN) -> int:
        """Post one group of alerts in Alertmanager's format (version 4), and answer the HTTP status."""
        where = {"environment": environment} if environment else {}
        labels = {"alertname": "GatewayErrors", "severity": "critical", **where}
        body = {
            "version": "4",
            "groupKey": f'{{}}:{{environment="{environment}"}}',
            "status": status,
            "receiver": "kong-masking",
            "groupLabels": where,
            "commonLabels": labels,
            "commonAnnotations": {"summary": "HTTP 5xx for more than five minutes"},
            "externalURL": "http://alertmanager.example",
            "alerts": [{"status": status, "labels": labels, "startsAt": "2026-07-29T12:00:00Z", "fingerprint": "0"}],
        }
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/alerts",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def started(self, environment: str) -> list[str]:
        """Which of the collection's playbooks ran for an environment, in order."""
        lines = self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []
        return [name for name, where in map(str.split, lines) if where == environment]

    def heard(self, environment: str) -> list[str]:
        """What people were told about an environment, in order."""
        return [text.removeprefix(f"{environment}: ") for text in self.told if text.startswith(f"{environment}: ")]

    def until(self, question: Any, seconds: float = 90) -> None:
        """Wait until the answer is yes; what the rulebook printed is in the failure."""
        end = time.monotonic() + seconds
        while not question():
            shown = self.output.read_text(encoding="utf-8", errors="replace")
            assert self.process.poll() is None, shown
            assert time.monotonic() < end, shown
            time.sleep(0.1)


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rulebook]:
    """One for all tests: each has an environment of its own."""
    running = Rulebook(tmp_path_factory.mktemp("rulebook"))
    try:
        yield running
    finally:
        running.stop()


FIRST = "an alert fires: GatewayErrors; assessing"


def test_immediate_is_rolled_back_where_the_environment_allows_it(rulebook: Rulebook) -> None:
    assert rulebook.post("allowed") == 200

    rulebook.until(lambda: len(rulebook.heard("allowed")) == 2)

    assert rulebook.started("allowed") == ["assess", "rollback"]
    assert rulebook.heard("allowed") == [
        FIRST,
        "a rollback was started by itself (verdict: immediate); its report says how it ended",
    ]


@pytest.mark.parametrize("environment", ["forbidden", "silent"])
def test_immediate_is_a_notification_where_the_environment_does_not_say_so(
    rulebook: Rulebook, environment: str
) -> None:
    assert rulebook.post(environment) == 200

    rulebook.until(lambda: len(rulebook.heard(environment)) == 2)

    assert rulebook.started(environment) == ["assess"]
    assert rulebook.heard(environment) == [FIRST, "verdict: immediate; nothing was changed, a person decides"]


def test_anything_less_than_immediate_is_a_notification(rulebook: Rulebook) -> None:
    assert rulebook.post("undecided") == 200

    rulebook.until(lambda: len(rulebook.heard("undecided")) == 2)

    assert rulebook.started("undecided") == ["assess"]
    assert rulebook.heard("undecided") == [FIRST, "verdict: consider; nothing was changed, a person decides"]


def test_resolved_repeated_and_unauthenticated_events_start_nothing(rulebook: Rulebook) -> None:
    assert rulebook.post("well", token="wrong") == 401
    assert rulebook.post("well", status="resolved") == 200
    assert rulebook.post("well") == 200
    assert rulebook.post("well") == 200

    rulebook.until(lambda: rulebook.started("well") == ["assess"])
    # Whatever the others had started would have begun by now.
    time.sleep(4)

    assert rulebook.started("well") == ["assess"]
    assert rulebook.heard("well") == [FIRST]


def test_an_environment_that_is_none_is_told_and_nothing_is_assessed(rulebook: Rulebook) -> None:
    assert rulebook.post("somewhere") == 200

    rulebook.until(lambda: len(rulebook.heard("somewhere")) == 1)
    # The assessment that refuses would have begun by now.
    time.sleep(4)

    assert rulebook.started("somewhere") == []
    assert rulebook.heard("somewhere") == [FIRST]


def test_an_alert_that_does_not_say_where_is_said_in_the_output_and_starts_nothing(rulebook: Rulebook) -> None:
    before = rulebook.calls.read_text(encoding="utf-8"), list(rulebook.told)
    assert rulebook.post("") == 200

    rulebook.until(lambda: "has no inventory to look in" in rulebook.output.read_text(encoding="utf-8"))
    # Whatever it had started would have begun by now.
    time.sleep(4)

    assert (rulebook.calls.read_text(encoding="utf-8"), rulebook.told) == before


def test_nothing_is_ever_forced(rulebook: Rulebook) -> None:
    started = rulebook.calls.read_text(encoding="utf-8")
    assert "force_rollback" not in started
    assert "force" not in (ROOT / "extensions" / "eda" / "rulebooks" / "alerts.yml").read_text(
        encoding="utf-8"
    ).replace("Nothing here ever uses force_rollback.", "")
