"""Every playbook as AWX runs it: its layout of a job, and a survey whose answers are strings.

Nobody is at a terminal; the one that a job has is ansible-runner's own, under AWX as here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import places
import pytest
import releases
import yaml
from lab import GOLDEN, Lab, Run, user_environment
from reference_stack import ROOT

VARS = ROOT / "extensions" / "awx" / "vars"
QUESTIONS = yaml.safe_load((VARS / "questions.yml").read_text(encoding="utf-8"))["awx_questions"]
TEMPLATES = yaml.safe_load((VARS / "job_templates.yml").read_text(encoding="utf-8"))["awx_job_templates"]
# This one runs with every `make test`; the others take their minutes in `make test-full`.
FIRST = ("recovery - plan a rollback",)
JOBS = [
    pytest.param(
        one, id=one["name"].removeprefix("recovery - "), marks=[] if one["name"] in FIRST else pytest.mark.slow
    )
    for one in TEMPLATES
    if (ROOT / "playbooks" / f"{one['playbook']}.yml").exists()
]


def answers(template: dict[str, Any], environment: str) -> dict[str, str]:
    """What a person leaves in the survey: defaults, empty strings, and where live mappings may stay, "true"."""
    given = {QUESTIONS[name]["variable"]: str(QUESTIONS[name]["default"]) for name in template["survey"]}
    if "preserve_data" in given:
        given["preserve_data"] = "true"
    if "backup_with_data" in template["survey"]:
        given["deployment"] = GOLDEN
    return {**given, "env": environment}


def job(lab: Lab, template: dict[str, Any], place: Path) -> Run:
    """Lay a job out as AWX does, and run it with ansible-runner as AWX does."""
    project = places.clone(place / "project")
    shown = subprocess.run(
        [str(places.BIN / "ansible-inventory"), "-i", str(lab.inventory), "--list"],
        env={**user_environment(), "PATH": f"{places.BIN}:{user_environment()['PATH']}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    hosts = place / "inventory" / "hosts"
    hosts.parent.mkdir()
    # AWX' inventory is a script that prints what its database holds.
    hosts.write_text(f"#!/usr/bin/env python3\nprint({shown.stdout!r})\n", encoding="utf-8")
    hosts.chmod(0o700)
    settings = {
        "extravars": {
            **answers(template, lab.environment),
            "awx_job_id": 1,
            "tower_job_id": 1,
            "awx_user_name": "admin",
        },
        "settings": {"suppress_ansible_output": False, "job_timeout": 0, "pexpect_timeout": 5},
        "envvars": {
            "ANSIBLE_COLLECTIONS_PATH": f"{place}/requirements_collections:playbooks/collections",
            "ANSIBLE_ROLES_PATH": f"{place}/requirements_roles:~/.ansible/roles",
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "JOB_ID": "1",
        },
    }
    (place / "env").mkdir(mode=0o700)
    for name, value in settings.items():
        (place / "env" / name).write_text(json.dumps(value), encoding="utf-8")
    check = "--check --diff" if template.get("job_type") == "check" else ""
    (place / "env" / "cmdline").write_text(f"-i {hosts} {check}", encoding="utf-8")
    playbook = f"playbooks/{template['playbook']}.yml"
    assert (project / playbook).exists()
    command = [str(places.BIN / "ansible-runner"), "run", str(place), "-p", playbook, "--ident", "1"]
    return places.execute(command, place, {"PATH": f"{places.BIN}:{os.environ['PATH']}"})


@pytest.fixture
def different_release(lab: Lab) -> Lab:
    """A stack with a verified backup that runs another log level now."""
    lab.golden()
    lab.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(lab.stack, "kong")
    lab.wait_masked(60)
    return lab


@pytest.mark.parametrize("template", JOBS)
def test_a_job_runs_with_the_surveys_answers_as_strings(
    different_release: Lab, template: dict[str, Any], tmp_path: Path
) -> None:
    place = tmp_path / "job"
    place.mkdir()
    done = job(different_release, template, place)

    status = (place / "artifacts" / "1" / "status").read_text(encoding="utf-8")
    assert (done.rc, status) == (0, "successful"), done.output
    if template["playbook"] in ("rollback", "force_rollback") and template.get("job_type") != "check":
        assert "SERVICE: BACK" in done.output
        assert different_release.stack.containers()["kong"]["Config"]["Env"].count("KONG_LOG_LEVEL=notice") == 1
    else:
        assert different_release.stack.containers()["kong"]["Config"]["Env"].count("KONG_LOG_LEVEL=debug") == 1
    shutil.rmtree(place)
