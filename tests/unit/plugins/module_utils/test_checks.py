"""Verdicts: nothing is assumed, and a server that starts is not a broken one."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import (
    ADVISORY,
    CRITICAL,
    FAILED,
    NOT_MEASURED,
    PASSED,
    Check,
    NotMeasured,
    Question,
    answer,
    answer_all,
    ask_groups,
    failures,
    in_a_row,
    passed,
    retry,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import NoAnswerError, RecoveryError
from ansible_collections.kong_masking.recovery.tests.unit.samples import FakeClock


def check(status, level=CRITICAL, name="redis"):
    return Check(name, status, "PONG", "nothing", level)


def rows(*checks):
    return [item.as_dict() for item in checks]


def raising(error):
    def ask():
        raise error

    return ask


@pytest.mark.parametrize(
    ("ask", "status", "found"),
    [
        (lambda: (True, "PONG"), PASSED, "PONG"),
        (lambda: (False, "LOADING"), FAILED, "LOADING"),
        (raising(NotMeasured("upstream: 529")), NOT_MEASURED, "upstream: 529"),
        (raising(RecoveryError("refused", "hint")), FAILED, "refused"),
    ],
    ids=["good", "bad", "not-measured", "cannot-be-asked"],
)
def test_answer(ask, status, found):
    made = answer(Question("redis", "PONG", ask, ADVISORY))
    assert (made.name, made.status, made.expected, made.found, made.level) == ("redis", status, "PONG", found, ADVISORY)
    assert made.ms >= 0


@pytest.mark.parametrize(
    ("ask", "lasting"),
    [(lambda: (False, "broken"), True), (raising(RecoveryError("no answer")), False), (raising(KeyError("x")), False)],
    ids=["judged", "could-not-look", "unknown-case"],
)
def test_only_what_was_looked_at_is_lasting(ask, lasting):
    made = answer(Question("kong_file", "x", ask, lasting=True))
    assert made.lasting is lasting
    assert set(made.as_dict()) == {"name", "status", "expected", "found", "level", "ms"}


def test_an_unknown_case_is_a_failed_check_and_the_others_are_still_answered():
    """One surprise (a field that is missing in an answer, for instance) must not hide every other result."""
    asked = [Question("odd", "x", raising(KeyError("name"))), Question("good", "x", lambda: (True, "fine"))]
    assert [(item.name, item.status) for item in answer_all(asked)] == [("odd", FAILED), ("good", PASSED)]


def test_answers_come_in_the_order_of_the_questions():
    asked = [Question(str(number), "x", lambda: (True, "y")) for number in range(20)]
    assert [item.name for item in answer_all(asked)] == [str(number) for number in range(20)]
    assert answer_all([]) == []


@pytest.mark.parametrize(
    ("found", "good"),
    [
        ([], False),
        ([check(PASSED)], True),
        ([check(PASSED), check(FAILED)], False),
        ([check(PASSED), check(FAILED, ADVISORY)], True),
        ([check(NOT_MEASURED)], True),
    ],
    ids=["nothing-proves-nothing", "passed", "one-failed", "advisory-failed", "not-measured"],
)
def test_passed(found, good):
    assert passed(rows(*found)) is good


def test_failures_names_the_critical_ones():
    found = rows(
        check(FAILED), check(FAILED, ADVISORY, "disk"), check(PASSED, name="kong"), check(FAILED, name="proxy")
    )
    assert failures(found) == "redis: expected PONG, found nothing; proxy: expected PONG, found nothing"


class TestRetry:
    @pytest.mark.parametrize(
        ("outcomes", "budget", "asked", "status"),
        [
            ([PASSED], 10, 1, PASSED),
            ([FAILED, FAILED, PASSED], 10, 3, PASSED),
            ([FAILED] * 9, 1, 5, FAILED),
            ([FAILED] * 9, 0, 1, FAILED),
            ([NOT_MEASURED, PASSED], 10, 1, NOT_MEASURED),
        ],
        ids=["at-once", "later", "budget", "asks-once", "not-measured-is-no-failure"],
    )
    def test_until_good_or_over(self, outcomes, budget, asked, status):
        clock, left = FakeClock(), list(outcomes)
        found = retry(lambda: [check(left.pop(0))], budget, clock, clock.sleep)
        assert (len(outcomes) - len(left), found[0].status) == (asked, status)
        assert clock.now - 1000.0 <= budget

    @pytest.mark.parametrize(
        ("first", "asked"),
        [
            ([("file", True)], 1),
            ([("file", True), ("redis", False)], 2),
            ([("redis", False)], 2),
        ],
        ids=["alone", "beside-one-that-may-pass", "none"],
    )
    def test_nobody_waits_for_what_waiting_does_not_change(self, first, asked):
        clock, answers = FakeClock(), []

        def ask():
            answers.append(1)
            failed = first if len(answers) == 1 else []
            return [Check(name, FAILED, "x", "y", lasting=lasting) for name, lasting in failed] or [check(PASSED)]

        retry(ask, 10, clock, clock.sleep)
        assert len(answers) == asked


def question(name, good=True, *needs, level=CRITICAL):
    return Question(name, "x", lambda: (good, "y"), level, needs)


def outcome(found):
    return {item.name: item.status for item in found}


class TestOneCauseFailsOneCheck:
    """What needs a failed check is not measured, through any number of steps; what is good stays good."""

    def test_through_several_steps(self):
        found = answer_all([question("a", False), question("b", False, "a"), question("c", False, "b")])
        assert outcome(found) == {"a": FAILED, "b": NOT_MEASURED, "c": NOT_MEASURED}
        assert found[2].found == "because a fails"

    def test_what_passes_stays_passed(self):
        assert outcome(answer_all([question("a", False), question("b", True, "a")])) == {"a": FAILED, "b": PASSED}

    def test_what_needs_a_good_one_fails_by_itself(self):
        assert outcome(answer_all([question("a"), question("b", False, "a")])) == {"a": PASSED, "b": FAILED}

    def test_a_check_that_failed_elsewhere(self):
        found = ask_groups([question("b", False, "a")], lambda _broken: [], elsewhere=["a"])
        assert outcome(found) == {"b": NOT_MEASURED}

    @pytest.mark.parametrize(
        ("problem", "well", "status"),
        [
            (NoAnswerError("no answer"), False, NOT_MEASURED),
            (NoAnswerError("no answer"), True, FAILED),
            (RecoveryError("no connection"), False, FAILED),
        ],
        ids=["waits-for-it", "waits-for-nobody", "answered-badly"],
    )
    def test_silence_is_the_failure_of_who_is_waited_for(self, problem, well, status):
        def ask():
            raise problem

        waits = Question("b", "x", ask, behind=("a",))
        found = answer_all([question("a", well, level=ADVISORY), waits])
        assert found[1].status == status
        assert "silent" not in found[1].as_dict()

    def test_an_unknown_need_is_none(self):
        assert outcome(answer_all([question("b", False, "nowhere")])) == {"b": FAILED}


class TestLater:
    @pytest.mark.parametrize(
        ("good", "level", "elsewhere", "broken"),
        [
            (True, CRITICAL, [], False),
            (False, CRITICAL, [], True),
            (False, ADVISORY, [], False),
            (True, CRITICAL, ["redis"], True),
        ],
        ids=["well", "critical", "advisory", "elsewhere"],
    )
    def test_what_comes_later_is_told_whether_something_critical_failed(self, good, level, elsewhere, broken):
        told = []

        def later(value):
            told.append(value)
            return [[question("later")]]

        found = ask_groups([question("first", good, level=level)], later, elsewhere)
        assert told == [broken]
        assert [item.name for item in found] == ["first", "later"]


@pytest.mark.parametrize(
    ("answers", "good", "asked"),
    [([True] * 3, True, 3), ([False, True, True], False, 1), ([True, True, False], False, 3)],
    ids=["three", "none", "flapping"],
)
def test_one_good_answer_is_no_health(answers, good, asked):
    left = list(answers)
    assert in_a_row(lambda: (left.pop(0), "x"), pause=0)[0] is good
    assert len(answers) - len(left) == asked
