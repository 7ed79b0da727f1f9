"""A rollback where the target's Python has PyYAML and nothing else: refused by name, and gone through by force."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import stack_state
import yaml
from lab import Lab
from releases import break_everything, good_but_different

pytestmark = pytest.mark.slow

MISSING = ("docker", "redis", "requests")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of this version with PyYAML alone, taken from the environment that the tests run in."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    shutil.copytree(Path(yaml.__file__).parent, packages / "yaml")
    python = folder / "bin" / "python"
    code = (
        "import importlib.util as u, yaml; "
        f"print([name for name in {MISSING!r} if u.find_spec(name)], yaml.safe_load('a'))"
    )
    found = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "[] a\n"
    return python


def by(python: Path) -> tuple[str, str]:
    """What makes a run use an interpreter on its targets."""
    return "-e", f"ansible_python_interpreter={python}"


def is_waived(lab: Lab, python: Path) -> None:
    """The record of the newest run lists the guard, with the libraries and the interpreter."""
    (waived,) = lab.record()["plan"]["waived"]
    assert waived["name"] == "libraries_missing"
    assert waived["reason"] == f"This run does without {', '.join(MISSING)}, missing for {python}."


def test_a_plain_rollback_names_the_library_and_force_does_without(lab: Lab, bare: Path) -> None:
    golden = lab.golden()
    good = lab.state()
    good_but_different(lab)
    different = lab.state()

    refused = lab.play("rollback", *by(bare))

    assert refused.rc != 0
    assert f"required Python library (docker) on {platform.node()}'s Python {bare}." in refused.flat
    assert "playbooks/force_rollback.yml goes on without (guard libraries_missing)" in refused.flat
    assert stack_state.untouched(different, lab.state()) == []
    assert lab.snapshots() == []
    break_everything(lab)

    forced = lab.play("force_rollback", *by(bare))

    after = lab.state()
    assert forced.rc == 0, forced.output
    assert forced.verdict == "SERVICE: BACK"
    assert stack_state.differences(good, after, identity=False, data=False) == []
    assert stack_state.lost(good, after) == []
    assert lab.stack.probe(), "the probe did not pass"
    assert "WAIVED by force: libraries_missing - This run does without docker, redis, requests, missing" in forced.flat
    assert "WAIVED: libraries_missing" in forced.flat
    assert lab.record()["backup"]["id"] == golden
    is_waived(lab, bare)
    (snapshot,) = lab.snapshots()
    manifest = json.loads((lab.backup_path(snapshot) / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["redis"]["status"] == "proven", "the copy of the data was not loaded"


def test_force_restores_the_data_without_them_too(lab: Lab, bare: Path) -> None:
    golden = lab.golden()
    good, wanted = lab.state(), stack_state.mappings(lab.stack)
    for _time in range(3):
        assert lab.stack.probe()
    assert stack_state.mappings(lab.stack) != wanted
    break_everything(lab)

    done = lab.play("force_rollback", *by(bare), "-e", f"deployment={golden}", "-e", "redis_data=restore")

    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK"
    assert stack_state.differences(good, lab.state(), identity=False, data=False) == []
    assert stack_state.mappings(lab.stack) == wanted
    is_waived(lab, bare)


def test_verify_refuses_without_them(lab: Lab, bare: Path) -> None:
    done = lab.play("verify", *by(bare))
    assert done.rc != 0
    assert f"required Python library (docker) on {platform.node()}'s Python {bare}." in done.flat
