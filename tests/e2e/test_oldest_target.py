"""A rollback on the oldest Python that a target may have, with the libraries' last versions for it."""

from __future__ import annotations

import subprocess

import pytest
import stack_state
from lab import ANSIBLE_PLAYBOOK, Lab
from reference_stack import ROOT
from releases import break_everything


@pytest.mark.slow
def test_a_broken_release_is_rolled_back_by_the_oldest_python(lab: Lab) -> None:
    subprocess.run(
        [str(ANSIBLE_PLAYBOOK.parent / "nox"), "--session", "target", "--install-only"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    python = ROOT / ".cache" / "nox" / "target" / "bin" / "python"
    version = subprocess.run([str(python), "--version"], capture_output=True, text=True, check=True).stdout
    print(f"\n{version.strip()} on the target")
    lab.golden()
    good = lab.state()
    break_everything(lab)

    done = lab.play("rollback", "-e", f"ansible_python_interpreter={python}")

    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK"
    assert stack_state.differences(good, lab.state(), identity=False, data=False) == []
