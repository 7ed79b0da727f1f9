"""A whole verification of the stack: how long it asks, its verdict, its evidence, what it fails with."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import FAILED, PASSED, Check
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import stack_verification
from ansible_collections.kong_masking.recovery.tests.unit import samples

GOOD = [Check("container_redis", PASSED, "running", "running"), Check("redis", PASSED, "PONG", "PONG")]
BAD = [GOOD[0], Check("redis", FAILED, "PONG", "nothing")]


@pytest.fixture
def verify(monkeypatch, tmp_path):
    """Verify a stack whose checks come out so, the last answer for ever; return the result and the seconds it took."""

    def ask(budget, *answers):
        left = list(answers)

        class Asked:
            def __init__(self, *_about, **_how):
                pass

            def ask_all(self):
                return left.pop(0) if len(left) > 1 else left[0]

        monkeypatch.setattr(stack_verification, "StackChecks", Asked)
        clock = samples.FakeClock()
        begin = clock.now
        engine = samples.SmallEngine(samples.container("redis"))
        runner = Runner(clock=clock, sleep=clock.sleep)
        found = stack_verification.verify_stack(samples.stack(tmp_path), engine, runner, [], budget, write=False)
        return found, clock.now - begin

    return ask


def test_a_good_stack_is_asked_once_and_needs_no_evidence(verify):
    result, seconds = verify(30, GOOD)
    assert (result["passed"], result["diagnosis"], seconds) == (True, [], 0)
    assert result["checks"] == [item.as_dict() for item in GOOD]
    assert len(result["text"]) == len(GOOD)


def test_one_that_comes_meanwhile_passes(verify):
    result, seconds = verify(30, BAD, BAD, GOOD)
    assert result["passed"] is True
    assert 0 < seconds < 30


def test_what_fails_to_the_end_is_shown_with_evidence_and_the_next_command(verify):
    result, seconds = verify(5, BAD)
    assert (result["passed"], 0 < seconds <= 5) == (False, True)
    (evidence,) = result["diagnosis"]
    assert (evidence["service"], evidence["checks"]) == ("redis", ["redis"])
    told = stack_verification.rejection(result).as_result()
    assert told["msg"].startswith("The stack does not pass: redis: expected PONG, found nothing. EVIDENCE ")
    assert {name: told[name] for name in ("hint", *result)} == {"hint": evidence["hint"], **result}
