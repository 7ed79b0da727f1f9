"""A molecule scenario's stack is played with by hand, from nothing but docs/playing.md, whose blocks are run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import places
import pytest
from reference_stack import ROOT

PAGE = (ROOT / "docs" / "playing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ITS_OWN = "MOLECULE_EPHEMERAL_DIRECTORY=$PWD/.cache/molecule/default"


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[str]:
    """The page's first block, with a folder of the test's own."""
    assert BLOCKS[0].count(ITS_OWN) == 1
    known = BLOCKS[0].replace(ITS_OWN, f"MOLECULE_EPHEMERAL_DIRECTORY={tmp_path}/default")
    yield known
    leave = known.replace("molecule converge", "molecule destroy")
    subprocess.run(["bash", "-e", "-c", leave], cwd=ROOT, stdin=subprocess.DEVNULL, check=True)


@pytest.mark.slow
def test_the_page_alone_leads_to_a_stack_to_play_with(prepared: str) -> None:
    done = places.execute(["bash", "-e", "-c", prepared + BLOCKS[1]], ROOT)
    assert done.rc == 0, done.output
    assert "USABLE" in done.flat
    assert "NOTHING TO DO" in done.flat
