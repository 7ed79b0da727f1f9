"""AWX's job templates and the playbooks are the same list, and a survey asks only for what a playbook understands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
AWX = ROOT / "extensions" / "awx"
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}


def read(name: str) -> Any:
    """One of the files of settings."""
    return yaml.safe_load((AWX / "vars" / f"{name}.yml").read_text(encoding="utf-8"))


TEMPLATES = read("job_templates")["awx_job_templates"]
QUESTIONS = read("questions")["awx_questions"]


def test_every_playbook_has_a_job_template() -> None:
    assert sorted(PLAYBOOKS - {one["playbook"] for one in TEMPLATES}) == []


def test_every_job_template_has_a_playbook() -> None:
    assert sorted({one["playbook"] for one in TEMPLATES} - PLAYBOOKS) == []


def test_every_survey_asks_for_the_environment_first() -> None:
    assert [one["name"] for one in TEMPLATES if one["survey"][0] != "env"] == []


def test_every_question_is_asked_and_sets_what_the_content_reads() -> None:
    content = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("roles", "playbooks")
        for path in (ROOT / folder).rglob("*.yml")
        if "collections" not in path.parts
    )
    asked = {name for one in [*TEMPLATES, *read("workflows")["awx_workflows"]] for name in one["survey"]}
    assert asked == set(QUESTIONS)
    ready = {name for one in TEMPLATES for name in one["survey"]}
    assert [name for name in ready if not re.search(rf"\b{QUESTIONS[name]['variable']}\b", content)] == []


def test_answers_are_strings() -> None:
    for name, question in QUESTIONS.items():
        choices = question.get("choices", [])
        answers = [question["default"], *(choices if isinstance(choices, list) else [])]
        assert all(isinstance(answer, str) for answer in answers), name


def test_a_yes_or_no_that_a_survey_leaves_empty_passes_the_role_that_has_it() -> None:
    """A specification of type bool refuses an empty word."""
    specs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    options = {
        name: about
        for spec in specs
        for entry in spec["argument_specs"].values()
        for name, about in entry.get("options", {}).items()
    }
    asked = {one["variable"]: one for one in QUESTIONS.values()}
    direct = {
        name: one for name, one in asked.items() if name in options and set(one.get("choices", ())) >= {"true", "false"}
    }
    assert "backup_critical" in direct
    assert [name for name in direct if options[name].get("type") == "bool"] == []
