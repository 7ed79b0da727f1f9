"""The documents say what is there: playbooks, modules, tests, variables, links."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDERS = {"unit": "unit/plugins/module_utils"}


def rows_of(heading: str) -> set[str]:
    """The first cells of the table below a heading of the README."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))


def test_every_playbook_is_in_the_readme_and_no_other() -> None:
    assert rows_of("Playbooks") == {path.stem for path in (ROOT / "playbooks").glob("*.yml")}


def test_every_module_is_in_the_readme_and_no_other() -> None:
    assert rows_of("Modules") == {path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py")}


def test_every_role_is_linked_from_the_readme() -> None:
    assert all(f"roles/{path.name}/README.md" in README for path in (ROOT / "roles").iterdir() if path.is_dir())


def targets_of_make() -> set[str]:
    lines = re.findall(r"^([a-z0-9_ -]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return {name for names in lines for name in names.split()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_target_of_make_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE))
    named = re.findall(r"`make ((?:[a-z0-9_-]+ ?)+)", text)
    named += re.findall(r"^(?:\$ )?make ((?:[a-z0-9_-]+ ?)+)", blocks, re.MULTILINE)
    assert {name for names in named for name in names.split()} - targets_of_make() == set()


def test_every_part_of_the_test_suite_is_in_the_readme_and_in_the_help_of_make() -> None:
    parts = set(re.findall(r'Part\("([a-z0-9_-]+)"', (ROOT / "tools" / "parts.py").read_text(encoding="utf-8")))
    assert "slow-redis_data" in parts
    assert parts - set(re.findall(r"`make ([a-z0-9_-]+)`", README.split("\n## Tests\n")[1])) == set()
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert parts - {line.split()[0] for line in told.stdout.splitlines()} == set()


def test_the_version_to_install_is_the_collections() -> None:
    version = re.findall(r"^version: (\S+)", (ROOT / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)[0]
    assert f"kong_masking-recovery-{version}.tar.gz" in README


def test_tables_of_variables_are_those_of_the_roles() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "role_readmes.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}renew them: make format"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    assert [one for one in targets if "://" not in one and not (document.parent / one).exists()] == []


@pytest.mark.parametrize("page", ["promises", "faults"])
def test_every_test_that_a_promise_names_exists(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)/((?:\w+/)*test_\w+\.py)::(test_\w+)`", text)
    assert len(named) == text.count(".py::"), "each of them is looked for"
    missing = [
        f"{folder}/{file}::{name}"
        for folder, file, name in named
        for path in [ROOT / "tests" / FOLDERS.get(folder, folder) / file]
        if not path.exists() or not re.search(rf"def {name}\b", path.read_text(encoding="utf-8"))
    ]
    assert missing == []


def test_every_promise_has_a_line() -> None:
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (P\d+a?) ", text, re.MULTILINE) == [
        *(f"P{number}" for number in range(1, 7)),
        "P6a",
        *(f"P{number}" for number in range(7, 34)),
    ]


def test_each_room_of_the_design_needs_only_those_below_it() -> None:
    """The folders of module_utils stand in docs/design.md from the top down."""
    folder = ROOT / "plugins" / "module_utils"
    section = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").split("plugins/module_utils/ each")[1]
    rooms = re.findall(r"^  (\w+)  ", section.split("\ninventories/")[0], re.MULTILINE)
    assert sorted(rooms) == sorted(path.name for path in folder.iterdir() if any(path.glob("*.py")))
    upwards = [
        f"{file.relative_to(folder)} needs {needed}"
        for number, room in enumerate(rooms)
        for file in (folder / room).glob("*.py")
        for needed in re.findall(r"^ *from \.\.(\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        if needed in rooms[:number]
    ]
    assert upwards == []
