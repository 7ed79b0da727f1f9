"""An engine that went away in the middle is told from an action that failed."""

from __future__ import annotations

import docker
import pytest
import requests

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.engine_loss import engine_lost, helpless
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


ID = "5dddabe8101ba1da7202d1b828e3566681fea55ffa66a96b45bfc9d3a228dc0c"
STUCK = f"cannot stop container: {ID}: tried to kill container, but did not receive an exit event"
RESTART = f"pkill -9 -f '[c]ontainerd-shim.* -id {ID}'; systemctl restart docker"


@pytest.mark.parametrize(
    ("error", "command"),
    [
        (docker.errors.APIError(STUCK), RESTART),
        (CommandError(["docker", "compose", "up"], 1, "", f"Error response from daemon: {STUCK}"), RESTART),
        (docker.errors.APIError("kong: did not receive an exit event"), "-id ID'; systemctl restart docker"),
        (requests.exceptions.ReadTimeout("read timed out"), "journalctl -u docker"),
    ],
)
def test_an_engine_that_cannot_do_it_is_named_with_what_helps(error, command):
    assert command in helpless(error)


@pytest.mark.parametrize(
    "error", [requests.exceptions.ConnectionError("aborted"), docker.errors.APIError("conflict"), RecoveryError("x")]
)
def test_another_failure_is_not_the_engines(error):
    assert helpless(error) == ""


def test_a_network_that_somebody_made_by_hand_is_named_with_what_to_do():
    said = 'network gateway_default was found but has incorrect label com.docker.compose.network set to ""'
    assert helpless(CommandError(["docker"], 1, "", said)).endswith(": docker network rm gateway_default")
