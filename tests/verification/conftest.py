"""A stack for the verification tests: healthy, with a place for logs, and healed after every mutation."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))

# Found beside this file and among the end-to-end tests, whatever pytest's import mode is.
from lab import Lab

GATEWAYS_USER = 1000
LOGS = "./kong/logs:/usr/local/kong/logs"


class VerifiedLab(Lab):
    """The stack of the end-to-end tests, with a directory that Kong may write its logs to."""

    def _shorten_waits(self) -> None:
        super()._shorten_waits()
        logs = self.stack.directory / "kong" / "logs"
        logs.mkdir()
        os.chown(logs, GATEWAYS_USER, GATEWAYS_USER)
        compose = self.stack.directory / "docker-compose.yml"
        code = "      - ./kong/plugins/aws-masker:"
        text = compose.read_text(encoding="utf-8")
        assert code in text
        compose.write_text(text.replace(code, f"      - {LOGS}\n{code}"), encoding="utf-8")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The stack that all mutations are made on; each one takes its own change back."""
    lab = VerifiedLab(tmp_path_factory.mktemp("verification"), f"kmr-verify-{uuid.uuid4().hex[:8]}")
    try:
        lab.deploy()
        yield lab
    finally:
        lab.down()
