"""Several hosts: the first that can be reached goes alone; its failure stops the others, an absent one stops nobody."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import releases
import stack_state
from lab import Lab, Run
from target_python import target_python

PLUGINS = Path(__file__).parent / "connection"


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Another stack of the same environment on the same engine."""
    lab = Lab(tmp_path_factory.mktemp("fleet"), f"kmr-fleet-{uuid.uuid4().hex[:8]}")
    try:
        lab.deploy()
        yield lab
    finally:
        lab.down()


def play(lab: Lab, *hosts: tuple[str, Lab | None], playbook: str = "rollback", deployment: str = "") -> Run:
    """Roll all hosts back; one without a stack cannot be reached."""
    text = f"{lab.environment}:\n  hosts:\n"
    for name, one in hosts:
        text += f"    {name}:\n      ansible_python_interpreter: {target_python()}\n"
        text += f"      ansible_connection: {'local' if one else 'nowhere'}\n"
        stack = (one or lab).stack
        text += f"      stack_dir: {stack.directory}\n      stack_project: {stack.project}\n"
        text += f"      stack_masking_probe: echo\n      stack_echo_url: {stack.upstream}\n"
    lab.inventory.write_text(text, encoding="utf-8")
    try:
        named = ("-e", f"deployment={deployment}") if deployment else ()
        return lab.play(playbook, *named, environ={"ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS)})
    finally:
        lab.write_inventory()


@pytest.mark.fault("a host of a fleet cannot be reached")
def test_an_unreachable_host_stops_nobody_and_is_said_to_be_unchanged(lab: Lab, second: Lab) -> None:
    second.reset()
    states = []
    for one in (lab, second):
        one.golden()
        states.append(one.state())
        releases.good_but_different(one)
    done = play(lab, ("gone", None), ("first", lab), ("second", second))
    assert done.rc != 0, "a host that was left out is no success"
    assert "No change made on gone: it cannot be reached" in done.flat
    # A snapshot lies on its own host only: the printed way back goes to no other one.
    for host in ("first", "second"):
        assert f" --limit {host} -e deployment=rollback-" in done.flat, done.output
    for one, before in zip((lab, second), states, strict=True):
        assert stack_state.differences(before, one.state(), identity=False, data=False) == []
    # The canary was through before anything happened to the second host.
    assert one_after_the_other(lab, second)


def one_after_the_other(first: Lab, then: Lab) -> bool:
    """Whether the first one's run had ended before the other one's began, by their journals."""
    times = []
    for one in (first, then):
        (path,) = (one.stack.directory / ".recovery" / "journal").glob("*.jsonl")
        lines = path.read_text(encoding="utf-8").splitlines()
        times.append((lines[0], lines[-1]))
    mono = [[float(line.split('"mono": ')[1].split(",")[0]) for line in pair] for pair in times]
    return mono[0][1] < mono[1][0]


@pytest.mark.fault("the canary of a fleet fails")
def test_a_canary_that_fails_stops_the_others(lab: Lab, second: Lab) -> None:
    second.reset()
    second.golden()
    releases.good_but_different(second)
    shutil.rmtree(lab.stack.directory / "backups", ignore_errors=True)
    before = second.state()
    done = play(lab, ("first", lab), ("second", second))
    assert done.rc != 0
    assert "No change made on second: first, which went first, failed." in done.flat
    assert stack_state.untouched(before, second.state()) == []
    assert not (second.stack.directory / ".recovery" / "journal").exists()


@pytest.mark.slow
def test_backups_of_one_play_have_one_id_and_a_backup_that_one_host_lacks_moves_nobody(lab: Lab, second: Lab) -> None:
    second.reset()
    hosts = (("first", lab), ("second", second))
    for one in (lab, second):
        shutil.rmtree(one.stack.directory / "backups", ignore_errors=True)
    taken = play(lab, *hosts, playbook="backup")
    assert taken.rc == 0, taken.output
    ids = [
        sorted(path.name for path in (one.stack.directory / "backups" / "pre-deploy").iterdir()) for _name, one in hosts
    ]
    assert ids[0] == ids[1]
    (backup,) = ids[0]
    good = [one.state() for _name, one in hosts]
    for one in (lab, second):
        releases.good_but_different(one)
    changed = [one.state() for _name, one in hosts]
    kept = second.stack.directory / "backups" / "pre-deploy" / backup
    kept.rename(second.folder / "away")

    done = play(lab, *hosts, deployment=backup)

    assert done.rc != 0
    assert f"No change made on first: second cannot go back to it. There is no backup {backup}." in done.flat
    for (_name, one), before in zip(hosts, changed, strict=True):
        assert stack_state.untouched(before, one.state()) == []
    (second.folder / "away").rename(kept)
    done = play(lab, *hosts, deployment=backup)
    assert done.rc == 0, done.output
    for (_name, one), before in zip(hosts, good, strict=True):
        assert stack_state.differences(before, one.state(), identity=False, data=False) == []
