"""The exit status and the last line tell the truth, on the screen that a user of the checkout has."""

from __future__ import annotations

import pytest
from lab import Lab

OWN_SCREEN = {"ANSIBLE_STDOUT_CALLBACK": "kong_masking.recovery.recovery_screen"}


def last_line(output: str) -> str:
    """The last line that is not empty."""
    return [line for line in output.splitlines() if line.strip()][-1].strip()


@pytest.mark.slow
def test_back_is_0_not_measured_is_3_and_refused_is_2(lab: Lab) -> None:
    lab.golden()
    back = lab.play("rollback", environ=OWN_SCREEN)
    assert (back.rc, last_line(back.stdout)) == (0, "SERVICE: BACK"), back.output
    unsure = lab.play("rollback", "-e", "stack_masking_probe=off", environ=OWN_SCREEN)
    assert (unsure.rc, last_line(unsure.stdout)) == (3, "SERVICE: BACK, 1 checks not measured"), unsure.output
    refused = lab.play("rollback", "-e", "services=nobody", environ=OWN_SCREEN)
    assert refused.rc == 2
    assert last_line(refused.stdout).startswith("SERVICE: NOT MEASURED"), refused.output
