"""extensions/awx, applied by awx.awx itself to a controller that remembers: its modules check every argument."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from controller import Controller

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PLAYBOOK = ROOT / "extensions" / "awx" / "configure.yml"
TEMPLATES = yaml.safe_load((PLAYBOOK.parent / "vars" / "job_templates.yml").read_text(encoding="utf-8"))
WORKFLOW = "recovery - assess, approve, roll back, verify, report"


def configure(controller: Controller) -> dict[str, int]:
    """Run the playbook as the documentation says, and answer the recap of localhost."""
    collections = subprocess.run([ROOT / "tools" / "awx-collection"], capture_output=True, text=True, check=True)
    environ = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "LANG": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": collections.stdout.strip(),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "CONTROLLER_HOST": controller.url,
        "CONTROLLER_OAUTH_TOKEN": "not-a-secret",
    }
    further = {"awx_wait_for_project": False, "ansible_python_interpreter": sys.executable}
    command = [str(BIN / "ansible-playbook"), str(PLAYBOOK), "-e", json.dumps(further)]
    done = subprocess.run(
        command, env=environ, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    (recap,) = [line for line in done.stdout.splitlines() if line.startswith("localhost ")]
    return {name: int(number) for name, number in (word.split("=") for word in recap.split(" : ")[1].split())}


@pytest.fixture(scope="module")
def awx() -> Controller:
    """A controller to which everything was applied once."""
    controller = Controller()
    configure(controller)
    return controller


def test_every_object_is_made(awx: Controller) -> None:
    assert awx.names("projects") == ["kong_masking.recovery"]
    assert awx.names("inventories") == ["gateway stacks"]
    assert awx.names("inventory_sources") == ["development", "production", "staging"]
    assert awx.names("job_templates") == sorted(one["name"] for one in TEMPLATES["awx_job_templates"])
    assert awx.names("workflow_job_templates") == [WORKFLOW]
    assert len(awx.names("schedules")) == 5


def test_a_template_runs_its_playbook_in_its_mode(awx: Controller) -> None:
    def one(name: str) -> dict[str, Any]:
        (found,) = awx.found("job_templates", {"name": name})
        return {key: found[key] for key in ("playbook", "job_type", "diff_mode", "ask_limit_on_launch")}

    assert one("recovery - plan a rollback") == {
        "playbook": "playbooks/rollback.yml",
        "job_type": "check",
        "diff_mode": True,
        "ask_limit_on_launch": True,
    }
    assert one("recovery - roll back")["job_type"] == "run"


def test_a_survey_asks_for_the_environment_and_requires_little_else(awx: Controller) -> None:
    for template in awx.names("job_templates"):
        survey = awx.survey(template)
        assert survey["env"]["choices"] == ["production", "staging", "development"], template
        needed = [name for name, question in survey.items() if question["required"]]
        assert needed == (["env", "deployment"] if template.endswith("recover data") else ["env"]), template


def test_every_schedule_answers_what_its_template_requires(awx: Controller) -> None:
    templates = awx.objects["job_templates"]
    for schedule in awx.objects["schedules"].values():
        survey = awx.survey(templates[schedule["unified_job_template"]]["name"])
        assert set(schedule["extra_data"]) <= set(survey), schedule["name"]
        needed = {name for name, question in survey.items() if question["required"]}
        assert needed <= set(schedule["extra_data"]), schedule["name"]
        for name, value in schedule["extra_data"].items():
            assert value in survey[name]["choices"], schedule["name"]


def test_the_workflow_leads_from_the_assessment_over_an_approval_to_the_report(awx: Controller) -> None:
    assert awx.after("assess") == {"always": ["approve"]}
    assert awx.after("approve") == {"success": ["rollback"]}
    assert awx.after("rollback") == {"always": ["verify"]}
    assert awx.after("verify") == {"always": ["report"]}
    assert awx.after("report") == {}
    assert awx.names("workflow_approval_templates") == ["Roll back?"]
    # What the workflow asks reaches the rollback, whose survey knows every answer.
    assert set(awx.survey(WORKFLOW)) <= set(awx.survey("recovery - roll back"))


def test_a_second_run_makes_nothing_anew(awx: Controller) -> None:
    before = {endpoint: awx.names(endpoint) for endpoint in awx.objects if endpoint != "workflow_job_template_nodes"}
    surveys = json.dumps(awx.surveys, sort_keys=True)

    again = configure(awx)

    assert again["changed"] == 0
    assert {endpoint: awx.names(endpoint) for endpoint in before} == before
    assert json.dumps(awx.surveys, sort_keys=True) == surveys


def test_the_execution_environment_is_taken_by_ansible_builder(tmp_path: Path) -> None:
    command = [str(BIN / "ansible-builder"), "create", "--context", str(tmp_path), "--output-filename", "Containerfile"]

    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert (tmp_path / "_build" / "requirements.txt").read_bytes() == (ROOT / "requirements.txt").read_bytes()
    assert (tmp_path / "_build" / "bindep.txt").read_bytes() == (ROOT / "bindep.txt").read_bytes()
    assert "ansible-core==2.21.5" in (tmp_path / "Containerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("more", [[], ["--force"]], ids=["found-in-place", "installed"])
def test_the_project_serves_as_its_own_requirement(tmp_path: Path, more: list[str]) -> None:
    place = tmp_path / "requirements_collections"
    # AWX puts the project's own path after the one that it installs to.
    environ = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": f"{place}:playbooks/collections",
    }
    galaxy = [
        str(BIN / "ansible-galaxy"),
        "collection",
        "install",
        "--offline",
        "--collections-path",
        str(place),
        *more,
    ]

    for command in (
        [*galaxy, "-r", "collections/requirements.yml"],
        [str(BIN / "ansible-doc"), "kong_masking.recovery.backup_create"],
    ):
        done = subprocess.run(
            command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    assert (
        place / "ansible_collections" / "kong_masking" / "recovery" / "playbooks" / "rollback.yml"
    ).exists() == bool(more)
