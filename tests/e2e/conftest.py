"""Stacks for the end-to-end tests: one for the whole run, brought back to its good state before every test."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Found beside this file, whatever pytest's import mode is.
from lab import Lab


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The stack that all tests share."""
    lab = Lab(tmp_path_factory.mktemp("lab"), f"kmr-e2e-{uuid.uuid4().hex[:8]}")
    try:
        lab.deploy()
        yield lab
    finally:
        lab.down()


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    """The shared stack in its good state, without backups and logs."""
    running_lab.reset()
    return running_lab
