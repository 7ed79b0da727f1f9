"""What ansible-test installs are the versions that everything else is tested with; it takes no constraints."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
PINNED = [line.split(";")[0].strip() for line in (TESTS / "requirements" / "constraints.txt").read_text().splitlines()]


@pytest.mark.parametrize("folder", ["unit", "integration"])
def test_the_pins_are_those_of_the_constraints(folder: str) -> None:
    wanted = (TESTS / folder / "requirements.txt").read_text().split()
    assert [line for line in wanted if line not in PINNED] == []
