"""The exception family and the guards as results."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import (
    CommandError,
    DamagedBackupError,
    NotReadyError,
    RecoveryError,
)

CMD = ["docker", "compose", "--project-name", "gateway", "up"]


@pytest.mark.parametrize("kind", [RecoveryError, DamagedBackupError, NotReadyError])
def test_as_result(kind):
    assert kind("What.", "Next.", path="x", number=3).as_result() == {
        "msg": "What. Next.",
        "hint": "Next.",
        "details": {"path": "x", "number": 3},
    }


def test_without_a_hint():
    assert RecoveryError("What.").as_result() == {"msg": "What.", "hint": "", "details": {}}


@pytest.mark.parametrize(
    ("out", "err", "tail"),
    [
        ("", "one\ntwo\nthree\nfour\n", "two | three | four"),
        ("only out\n", "", "only out"),
        ("out", "err", "err"),
        ("", " \n", "no output"),
    ],
    ids=["last-three", "stdout", "stderr-first", "nothing"],
)
def test_command_error_says_the_end_of_the_output(out, err, tail):
    error = CommandError(CMD, 17, out, err, "Next.")
    assert error.msg == f"docker compose --project-name … ended with status 17: {tail}"
    assert error.as_result() == {
        "msg": f"{error.msg} Next.",
        "hint": "Next.",
        "details": {},
        "cmd": CMD,
        "rc": 17,
        "stdout": out,
        "stderr": err,
    }
