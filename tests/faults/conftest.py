"""The end-to-end tests' stack, and playbooks that are broken off while they run."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

# Found beside this file and beside the end-to-end tests, whatever pytest's import mode is.
import stack_state
from lab import Lab


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
    outside = stack_state.containers_outside(running_lab.project), stack_state.names_of("volume")
    yield running_lab
    assert (stack_state.containers_outside(running_lab.project), stack_state.names_of("volume")) == outside
