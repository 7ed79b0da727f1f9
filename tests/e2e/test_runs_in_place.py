"""It runs where it lies: in a bare clone, in its playbooks' folder, installed from its archive, in a job runner."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import places
import pytest
import releases
import stack_state
from lab import Lab, Run
from stack_state import State


@pytest.fixture(scope="module")
def project(running_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in an unrelated directory whose inventory names the stack."""
    clone = places.clone(tmp_path_factory.mktemp("elsewhere") / "my checkout")
    places.configure(clone, running_lab)
    return clone


@pytest.fixture
def before(lab: Lab) -> State:
    """The good state; what runs after it is another log level, with a backup to go back to."""
    lab.golden()
    good = lab.state()
    lab.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(lab.stack, "kong", "client")
    return good


def assert_rolled_back(lab: Lab, before: State, done: Run) -> None:
    assert done.rc == 0, done.output
    assert done.verdict.rstrip('"') == "SERVICE: BACK", done.output
    after = lab.state()
    assert stack_state.environment_of(after, "kong")["KONG_LOG_LEVEL"] == "notice"
    assert stack_state.differences(before, after, identity=False, data=False) == []
    assert after.services["kong"]["id"] != before.services["kong"]["id"]
    assert lab.stack.probe()


@pytest.mark.slow
def test_in_the_root_of_a_bare_clone(lab: Lab, before: State, project: Path) -> None:
    listed = places.playbook("playbooks/list_backups.yml", lab, project)

    assert listed.rc == 0, listed.output
    assert lab.golden() in listed.output
    assert listed.changed == 0

    assert_rolled_back(lab, before, places.playbook("playbooks/rollback.yml", lab, project))


@pytest.mark.slow
def test_in_the_playbooks_folder_of_a_bare_clone(lab: Lab, before: State, project: Path) -> None:
    assert_rolled_back(lab, before, places.playbook("rollback.yml", lab, project / "playbooks"))


def test_installed_from_its_archive_by_its_full_name_from_anywhere(
    lab: Lab, before: State, project: Path, tmp_path: Path
) -> None:
    collections = places.install(project, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environ = {"ANSIBLE_COLLECTIONS_PATH": str(collections)}

    done = places.playbook("kong_masking.recovery.rollback", lab, elsewhere, "-i", str(lab.inventory), environ=environ)

    assert_rolled_back(lab, before, done)
    # Outside the checkout the screen is Ansible's own: a line is an item of a list, in quotes.
    printed = re.split(r"[\"',]| LOG: ", done.flat.partition("TO TAKE IT BACK: ")[2])[0]
    assert " kong_masking.recovery.rollback " in printed, done.output
    _program, *rest = shlex.split(printed)
    back = places.execute([str(places.ANSIBLE_PLAYBOOK), *rest], elsewhere, environ)
    assert back.rc == 0, back.output
    assert stack_state.environment_of(lab.state(), "kong")["KONG_LOG_LEVEL"] == "debug", back.output
    installed = collections / "ansible_collections" / "kong_masking" / "recovery"
    assert not [path for path in installed.rglob("*") if path.is_symlink()]
    assert not (installed / "playbooks" / "collections").exists()


@pytest.mark.slow
def test_as_the_project_of_a_runner_with_a_survey_that_answers_in_strings(
    lab: Lab, before: State, project: Path, tmp_path: Path
) -> None:
    answers = {
        "env": lab.environment,
        "deployment": "",
        "services": "",
        "redis_data": "",
        "preserve_data": "true",
        "recovery_timeout": "120",
    }

    done = places.runner(lab, project, tmp_path / "runner", "playbooks/rollback.yml", answers)

    assert_rolled_back(lab, before, done)


@pytest.mark.parametrize("folder", [".", "playbooks"])
def test_an_environment_that_nobody_configured_is_refused_in_every_folder(
    running_lab: Lab, project: Path, folder: str
) -> None:
    name = "rollback.yml" if folder == "playbooks" else "playbooks/rollback.yml"
    command = [str(places.ANSIBLE_PLAYBOOK), name, "-e", "env=production"]

    done = places.execute(command, project / folder)

    assert done.rc != 0, done.output
    assert "production is not configured: edit inventories/production/hosts.yml" in done.flat
