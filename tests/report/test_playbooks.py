"""report.yml over a fleet, what a terminal shows, and webhooks that are dead, slow or wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_history import history
from ansible_collections.kong_masking.recovery.plugins.module_utils.reports.run_report import history_document
from ansible_collections.kong_masking.recovery.tests.unit import journal_samples
from playbooks import SCREEN, EmptyEngine, Webhooks, fleet, play

CANARY = "Canary-of-a-webhook-address"
ROLE = """
- hosts: gw1
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: kong_masking.recovery.notification
      vars:
        notification_event: "{{ event }}"
        notification_facts: {cause: "redis://user:Canary-of-a-password@db gave up", service: "SERVICE: NOT BACK"}
"""


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    one = Webhooks()
    try:
        yield one
    finally:
        one.close()


def test_the_report_over_a_fleet_is_that_of_all_its_journals_and_the_screen_is_plain(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    before = sorted(str(path) for path in (tmp_path / "gw1").rglob("*"))

    done = play("report", inventory, "-e", f"recovery_report_dir={tmp_path}/out", environ=SCREEN)

    assert done.returncode == 0, done.output
    found = json.loads((tmp_path / "out" / "history.json").read_text(encoding="utf-8"))
    whole = history_document(history(journal_samples.ten_runs()), "staging (gw1, gw2)", 50, found["generated"])
    assert found["figures"] == whole["figures"]
    assert found["scope"] == "staging (gw1, gw2)"
    assert {item["host"] for item in found["runs"]} == {"gw1", "gw2"}
    lines = done.stdout.splitlines()
    assert lines[0] == "Report one run, or the key figures over all of them"
    assert lines[1] == "gw1: 10 runs of staging (gw1, gw2)"
    assert not [line for line in lines if line.startswith(("TASK", "ok:", "PLAY ["))]
    assert [line for line in lines if len(line) > 80 and str(tmp_path) not in line] == []
    assert sorted(str(path) for path in (tmp_path / "gw1").rglob("*")) == before, "the host was changed"


def test_check_mode_writes_nothing_and_one_run_is_found_by_its_id(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    common = ("--limit", "gw2", "-e", "run=rollback-20260704-030300", "-e", f"recovery_report_dir={tmp_path}/out")

    checked = play("report", inventory, *common, "--check")
    assert checked.returncode == 0, checked.output
    assert not (tmp_path / "out").exists()

    done = play("report", inventory, *common, environ=SCREEN)
    assert done.returncode == 0, done.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"rollback-20260704-030300.{kind}" for kind in ("html", "json", "md")}
    assert "# SERVICE: NOT BACK" in done.stdout


def test_runs_of_several_hosts_that_have_the_same_id_have_a_page_each(tmp_path: Path) -> None:
    """After the canary, the others of a fleet begin in the same second."""
    inventory = fleet(tmp_path)
    run, text = journal_samples.ten_runs()[0]
    for name in ("gw1", "gw2"):
        journal = tmp_path / name / ".recovery" / "journal" / f"{run}.jsonl"
        journal.write_text(text.replace("gw1", name), encoding="utf-8")

    done = play("report", inventory, "-e", f"run={run}", "-e", f"recovery_report_dir={tmp_path}/out", environ=SCREEN)

    assert done.returncode == 0, done.output
    for name in ("gw1", "gw2"):
        page = json.loads((tmp_path / "out" / name / f"{run}.json").read_text(encoding="utf-8"))
        assert page["run"]["host"] == name
        assert f"{tmp_path}/out/{name}/{run}.html" in done.stdout.replace("\n", "")


def test_a_host_that_cannot_be_reached_is_said_to_be_unchanged_with_its_runbook(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    runbook = tmp_path / "runbooks" / "development" / "gw3" / "RUNBOOK.md"
    runbook.parent.mkdir(parents=True)
    runbook.write_text("# By hand\n", encoding="utf-8")

    where = f"recovery_runbook_dir={tmp_path}/runbooks"
    done = play("report", inventory, "-e", where, environ=SCREEN, env="development")

    assert done.returncode == 4, done.output
    assert "No change made on gw3: it cannot be reached." in done.stdout.splitlines()
    assert str(runbook) in done.stdout


def told_by(webhooks: Webhooks, names: tuple[str, ...]) -> list[dict[str, str]]:
    """Webhooks of the server by their names, each address a secret."""
    return [{"name": name, "url": f"{webhooks.url}/{name}/{CANARY}", "format": "generic"} for name in names]


def test_webhooks_at_the_end_are_waited_for_briefly_and_fail_nothing(tmp_path: Path, webhooks: Webhooks) -> None:
    addresses = told_by(webhooks, ("good", "slow", "broken"))
    addresses += [{"name": "dead", "url": f"http://127.0.0.1:1/{CANARY}"}, {"name": "nonsense", "url": f"{CANARY}://"}]
    inventory = fleet(tmp_path, recovery_webhooks=addresses)
    book = tmp_path / "book.yml"
    book.write_text(ROLE, encoding="utf-8")

    done = play(book, inventory, "-e", "event=failure", "-vvv", environ={"ANSIBLE_LOG_PATH": str(tmp_path / "log")})

    assert done.returncode == 0, done.output
    for text in ("NOTIFIED: good: status 200", "NOTIFIED: broken: status 500"):
        assert text in done.stdout
    assert done.stdout.count("no answer, which changes nothing here") == 3
    assert "Canary" not in done.output
    assert "Canary" not in (tmp_path / "log").read_text(encoding="utf-8")
    assert "Canary" not in json.dumps(webhooks.told)
    assert {name for name, _body in webhooks.told} == {"good", "slow", "broken"}
    assert {body["service"] for _name, body in webhooks.told} == {"NOT BACK"}
    print(f"five webhooks, three of them silent: {done.seconds:.1f} s in all")


def test_a_slow_webhook_at_the_start_is_not_waited_for(tmp_path: Path, webhooks: Webhooks) -> None:
    inventory = fleet(tmp_path, recovery_webhooks=told_by(webhooks, ("slow",)))
    book = tmp_path / "book.yml"
    book.write_text(ROLE, encoding="utf-8")

    quick = play(book, inventory, "-e", "event=start", "-e", "notification_timeout=25")
    assert quick.returncode == 0, quick.output
    # It is still thinking when the play is over: nobody waited for its answer, and the message arrives all the same.
    webhooks.wait(1)
    assert [name for name, _body in webhooks.told] == ["slow"]
    assert not webhooks.end.is_set()
    assert quick.seconds < 25, "the play waited"
    none = play(book, inventory, "-e", "event=start", "-e", '{"recovery_webhooks": []}')
    print(f"a webhook that never answers: {quick.seconds / none.seconds:.2f} times the seconds of none at all")


def test_a_rollback_that_finds_no_backup_ends_truthfully_with_a_page_and_tells_the_webhooks(
    tmp_path: Path, webhooks: Webhooks
) -> None:
    contacts = [{"name": "Ada", "minutes": 0}, {"name": "Lea", "minutes": 15}]
    inventory = fleet(tmp_path, recovery_webhooks=told_by(webhooks, ("good",)), recovery_contacts=contacts)
    for path in (tmp_path / "gw1" / ".recovery" / "journal").iterdir():
        path.unlink()
    engine = EmptyEngine()
    detected = (datetime.now(UTC) - timedelta(minutes=17)).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        done = play(
            "rollback", inventory, "--limit", "gw1", "-e", f"incident_detected_at={detected}",
            environ={**SCREEN, "DOCKER_HOST": engine.address},
        )  # fmt: skip
    finally:
        engine.close()

    assert done.returncode == 2, done.output
    lines = done.stdout.splitlines()
    assert lines[-1] == "SERVICE: NOT MEASURED, the run ended before any change"
    assert "ESCALATION: minute 17, business stakeholders decide: call Lea" in lines
    assert "No backup can be used for environment staging" in " ".join(line.strip() for line in lines)
    # First of all where to follow it, and beside that log a page that says the same.
    log = next(line for line in lines if line.startswith("LOG: ")).split(":", 2)[2]
    assert lines.index(f"LOG: {os.uname().nodename}:{log}") < 3
    page = Path(log).with_suffix(".html").read_text(encoding="utf-8")
    assert "No backup can be used for environment staging" in page
    assert [(body["event"], body["service"]) for _name, body in webhooks.told] == [
        ("start", ""),
        ("failure", "NOT MEASURED, the run ended before any change"),
    ]
    assert webhooks.told[1][1]["escalation"] == "minute 17, business stakeholders decide: call Lea"
    assert "Canary" not in done.output


def test_where_nothing_runs_the_decision_is_immediate_and_automation_hears_of_it(tmp_path: Path) -> None:
    inventory = fleet(tmp_path)
    engine = EmptyEngine()
    options = ("-e", "assess_window=3", "-e", "assess_interval=1", "-e", "assess_fail_on=immediate")
    try:
        done = play("assess", inventory, "--limit", "gw1", *options, environ={**SCREEN, "DOCKER_HOST": engine.address})
    finally:
        engine.close()

    assert done.returncode == 2, done.output
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("VERDICT: IMMEDIATE, ")], done.output
    assert any(line.startswith("YES          Critical functionality broken (AWS masking fails)") for line in lines)
    assert any(line.startswith("NOT MEASURED Data corruption detected in Redis") for line in lines)
    assert "ansible-playbook playbooks/rollback.yml -e env=staging --limit gw1" in lines


def test_check_mode_tells_nobody(tmp_path: Path, webhooks: Webhooks) -> None:
    inventory = fleet(tmp_path, recovery_webhooks=told_by(webhooks, ("good",)))
    done = play("report", inventory, "--check", "-e", "notify=true")
    assert done.returncode == 0, done.output
    assert webhooks.told == []


def test_a_test_message_says_which_webhook_took_it(tmp_path: Path, webhooks: Webhooks) -> None:
    addresses = [*told_by(webhooks, ("good",)), {**told_by(webhooks, ("good",))[0], "events": ["failure"]}]
    inventory = fleet(tmp_path, recovery_webhooks=addresses)
    done = play("report", inventory, "-e", "notify=true", "-e", f"recovery_report_dir={tmp_path}/out", environ=SCREEN)
    assert done.returncode == 0, done.output
    assert "gw1: NOTIFIED: good: status 200" in done.stdout.splitlines()
    assert [(name, body["event"]) for name, body in webhooks.told] == [("good", "test")]
