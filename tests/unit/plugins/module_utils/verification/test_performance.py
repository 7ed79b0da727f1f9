"""Speed against a baseline, and a load that is really counted."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import NotMeasured
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import performance
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.performance import (
    Figures,
    figures,
    judge,
    percentile,
    run_load,
)
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([1], 0.5, 1),
        ([3, 1, 2], 0.5, 2),
        (list(range(1, 21)), 0.95, 19),
        (list(range(1, 101)), 0.95, 95),
        ([1, 9], 0.95, 9),
    ],
)
def test_percentile(values, share, expected):
    assert percentile(values, share) == expected


@pytest.mark.parametrize(
    ("p50", "p95", "good"),
    [
        (100, 200, True),
        (150, 300, True),
        (151, 200, False),
        (200, 400, False),
        (100, 301, False),
        (10, 20, True),
    ],
    ids=["same", "half-slower", "more-than-half", "twice", "tail", "faster"],
)
def test_normal_is_not_over_half_slower(p50, p95, good):
    assert judge(Figures(p50, p95, 20), {"p50_ms": 100, "p95_ms": 200})[0] is good


def test_a_few_milliseconds_are_noise_whatever_the_ratio():
    assert judge(Figures(9, 30, 20), {"p50_ms": 2, "p95_ms": 3})[0] is True


def test_without_a_baseline_the_figures_are_shown_and_nothing_is_judged():
    with pytest.raises(NotMeasured, match="p50 9 ms, p95 30 ms; no baseline yet"):
        judge(Figures(9, 30, 20), {})


def test_what_the_provider_took_is_taken_off():
    def answered(_path, _body):
        return Answer(200, b"", [("X-Kong-Upstream-Latency", "50")])

    # Half a second passes between two looks at this clock.
    moments = itertools.count(0, 0.5)
    with serving({("GET", "/x"): answered}) as server:
        times = performance.sample(f"{server.url}/x", 1, lambda: next(moments))
    assert times == [450.0]


OWN = [("X-Kong-Response-Latency", "1")]


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (Answer(500, b"", OWN), 0),
        (Answer(500, b"", [("X-Kong-Upstream-Latency", "1")]), 3),
        (Answer(404, b"", OWN), 3),
        (Answer(301, b"", [("Location", "https://gateway.example")]), 0),
    ],
    ids=["kongs-own-error", "the-providers", "no-route", "redirect"],
)
def test_an_error_that_is_soon_made_is_no_good_time(answer, counted):
    with serving({("GET", "/x"): answer}) as server:
        assert len(performance.sample(f"{server.url}/x", 3, Runner().clock)) == counted


def test_requests_without_an_answer_are_left_out():
    with serving({}) as server:
        assert performance.sample(f"{server.url}/x", 3, Runner().clock) == []


def test_a_baseline_is_kept_private_and_read_back(tmp_path):
    stack, runner = samples.stack(tmp_path), Runner()
    assert performance.read_baseline(stack, runner) == {}
    performance.store_baseline(stack, runner, figures([1.0, 2.0, 3.0]), {"plugin": {"sha256": "a"}})
    kept = performance.read_baseline(stack, runner)
    assert kept["performance"] == {"p50_ms": 2.0, "p95_ms": 3.0, "samples": 3}
    assert kept["plugin"] == {"sha256": "a"}
    assert (tmp_path / performance.BASELINE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", "{}", "{broken", '{"performance": {}}', '{"performance": null}'])
def test_a_baseline_that_cannot_be_read_is_none(tmp_path, content):
    (tmp_path / ".recovery").mkdir()
    (tmp_path / performance.BASELINE).write_text(content)
    assert performance.read_baseline(samples.stack(tmp_path), Runner()) == {}


@pytest.mark.parametrize(
    ("ends", "good", "text"),
    [
        ([""] * 20, True, "20 of 20 good"),
        ([""] * 19 + ["status 502"], True, "19 of 20 good"),
        ([""] * 18 + ["status 502"] * 2, False, "18 of 20 good"),
        (["ConnectionError"] * 20, False, "0 of 20 good"),
        (["upstream: 529"] * 5 + [""] * 15, True, "15 of 15 good"),
    ],
    ids=["all", "one-of-twenty", "two-of-twenty", "none", "the-provider-is-left-out"],
)
def test_a_load_is_counted(ends, good, text):
    left = list(ends)
    found = run_load(left.pop, len(ends), 5)
    assert left == []
    assert (found[0], text in found[1]) == (good, True)


def test_a_load_that_the_provider_refuses_measures_nothing():
    with pytest.raises(NotMeasured, match="upstream: the provider answered 20 of 20"):
        run_load(lambda: "upstream: the provider behind Kong answers 529", 20, 5)
