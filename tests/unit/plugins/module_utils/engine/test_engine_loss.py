"""An engine that went away in the middle is told from an action that failed."""

from __future__ import annotations

import docker
import pytest
import requests

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.engine_loss import engine_lost
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import CommandError, RecoveryError


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (requests.exceptions.ConnectionError("aborted"), True),
        (CommandError(["docker"], 1, "", "Cannot connect to the Docker daemon at unix:///x. Is it running?"), True),
        (CommandError(["docker"], 1, "", "no such service: kong"), False),
        (docker.errors.APIError("conflict"), False),
        (RecoveryError("x"), False),
    ],
)
def test_an_engine_that_went_away_is_told_from_a_failure(error, lost):
    assert engine_lost(error) is lost
