"""The end-to-end tests' stack, and playbooks that are broken off while they run."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

# Found beside this file and beside the end-to-end tests, whatever pytest's import mode is.
import stack_state
from lab import Lab

FLEET = "kmr-fleet-"


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The stack that all tests share."""
    lab = Lab(tmp_path_factory.mktemp("faults"), f"kmr-faults-{uuid.uuid4().hex[:8]}")
    try:
        lab.deploy()
        yield lab
    finally:
        lab.down()


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    """The shared stack in its good state; whatever the test does, nothing outside the project may change."""
    running_lab.reset()
    before = outside(running_lab)
    yield running_lab
    assert outside(running_lab) == before


def outside(lab: Lab) -> tuple[dict[str, Any], list[str]]:
    """Everything that is not this project's; a fleet's second stack is worked on too."""
    found = stack_state.containers_outside(lab.project)
    strangers = {name: about for name, about in found.items() if not name.startswith(f"/{FLEET}")}
    return strangers, stack_state.names_of("volume", lab.project)
