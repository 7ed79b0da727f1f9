"""The thirteen lines of the decision matrix, each answered from series that were recorded on the reference stack."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.assessment.access_log import (
    requests_in,
    unavailable_seconds,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.assessment.assess_input import (
    checked_inputs,
    checked_thresholds,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.assessment.assessment import (
    INPUTS,
    LINES,
    assess,
    text,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError

FOLDER = Path(__file__).resolve().parents[3] / "recordings" / "assess"
NOBODY_SAID = dict.fromkeys(INPUTS)
MASKED = {"name": "masking", "status": "passed", "level": "critical", "expected": "", "found": "masked at the upstream"}
LEAKS = {**MASKED, "status": "failed", "found": "the upstream saw the identifier in clear"}
NOT_ASKED = {**MASKED, "status": "not_measured", "found": "not asked while other checks fail"}
NO_CHAIN = {**MASKED, "name": "proxy_chain", "status": "failed", "found": "answers 502"}


def recorded(name):
    """A recorded series, with what the recorder leaves to others: checks, baseline and inputs."""
    series = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    readings = series["readings"]
    readings["checks"] = [MASKED]
    readings["inputs"] = dict(NOBODY_SAID)
    readings["baseline"] = {"p50_ms": median_of("healthy"), "p95_ms": 100.0}
    return series, readings


def median_of(name):
    """The median of a recorded series' requests."""
    series = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    times = sorted(item["ms"] for item in series["readings"]["requests"] if item["ms"])
    return times[len(times) // 2]


def played_slower(series, times):
    """The same proxy log stretched in time: what took seconds takes minutes."""
    found = requests_in("\n".join(series["proxy_log"]), {"/health"})
    bad = [item for item in found if not (item.answered and not item.failed)]
    return round(unavailable_seconds(bad, series["now"]) * times, 1)


def answer(readings, name, **thresholds):
    """One line's answer and evidence."""
    found = assess(readings, thresholds, "production")
    line = next(item for item in found["lines"] if item["name"] == name)
    return line["answer"], line["evidence"]


def test_the_matrix_has_the_guides_thirteen_lines():
    assert [(level, name) for level, name, _title, _ask in LINES] == [
        ("immediate", "unavailable"),
        ("immediate", "data_corruption"),
        ("immediate", "security_breach"),
        ("immediate", "function_broken"),
        ("immediate", "exhaustion"),
        ("consider", "slower"),
        ("consider", "intermittent"),
        ("consider", "noncritical"),
        ("consider", "log_warnings"),
        ("none", "ui_issue"),
        ("none", "documentation_issue"),
        ("none", "cosmetic_logs"),
        ("none", "in_range"),
    ]


class TestAHealthyStack:
    def test_no_rollback_and_what_is_left_for_a_person(self):
        _series, readings = recorded("healthy")
        found = assess(readings, {}, "production")
        assert found["verdict"] == "none"
        assert {item["name"]: item["answer"] for item in found["lines"]} == {
            "unavailable": "no",
            "data_corruption": "no",
            "security_breach": "not measured",
            "function_broken": "no",
            "exhaustion": "no",
            "slower": "no",
            "intermittent": "no",
            "noncritical": "no",
            "log_warnings": "no",
            "ui_issue": "not measured",
            "documentation_issue": "not measured",
            "cosmetic_logs": "no",
            "in_range": "yes",
        }
        assert found["not_measured"] == 1
        assert found["command"] == "ansible-playbook playbooks/verify.yml -e env=production"
        assert text(found)[-1] == "VERDICT: NONE, 1 lines not measured"


class TestLine1Unavailable:
    def test_every_request_failing_for_over_five_minutes(self):
        series, readings = recorded("kong_stopped")
        readings["access"]["unavailable_seconds"] = played_slower(series, 40)
        assert readings["access"]["unavailable_seconds"] > 300
        assert answer(readings, "unavailable")[0] == "yes"
        found = assess(readings, {}, "production")
        assert found["verdict"] == "immediate"
        assert found["command"] == "ansible-playbook playbooks/rollback.yml -e env=production"

    def test_not_yet_five_minutes(self):
        _series, readings = recorded("kong_stopped")
        assert 0 < readings["access"]["unavailable_seconds"] < 300
        assert answer(readings, "unavailable")[0] == "no"

    def test_a_limit_of_the_inventory(self):
        _series, readings = recorded("kong_stopped")
        assert answer(readings, "unavailable", unavailable_seconds=5)[0] == "yes"

    def test_without_an_access_log_nobody_knows_for_how_long(self):
        _series, readings = recorded("kong_stopped")
        readings["access"].update(problem="The log of nginx cannot be read.", unavailable_seconds=0)
        assert answer(readings, "unavailable")[0] == "not measured"

    def test_one_request_that_comes_through_is_enough(self):
        _series, readings = recorded("kong_restarts_once")
        assert answer(readings, "unavailable")[0] == "no"


class TestLine2DataCorruption:
    def test_mappings_that_disagree_and_a_counter_behind(self):
        _series, readings = recorded("mappings_disagree")
        state, evidence = answer(readings, "data_corruption")
        assert state == "yes"
        assert "1 alias counters are behind" in evidence
        found = assess(readings, {}, "production")
        assert found["verdict"] == "immediate"
        assert "ansible-playbook playbooks/rollback.yml -e env=production -e redis_data=empty" in found["further"]

    def test_a_redis_that_cannot_load_its_file(self):
        _series, readings = recorded("healthy")
        readings["redis"].update(problem="Redis is restarting", corrupt="Redis cannot load its data: Bad file format")
        assert answer(readings, "data_corruption")[0] == "yes"

    def test_a_redis_that_is_only_away_is_not_called_corrupt(self):
        _series, readings = recorded("healthy")
        readings["redis"].update(problem="Redis (redis) is exited, expected running.")
        assert answer(readings, "data_corruption") == ("not measured", "Redis (redis) is exited, expected running.")


class TestLine3SecurityBreach:
    @pytest.mark.parametrize(
        ("said", "state", "verdict"),
        [(True, "yes", "immediate"), (False, "no", "none"), (None, "not measured", "none")],
    )
    def test_a_person_says_it(self, said, state, verdict):
        _series, readings = recorded("healthy")
        readings["inputs"]["security_breach"] = said
        assert answer(readings, "security_breach")[0] == state
        assert assess(readings, {}, "production")["verdict"] == verdict


class TestLine4FunctionBroken:
    @pytest.mark.parametrize(
        ("checks", "state"),
        [
            ([MASKED], "no"),
            ([LEAKS], "yes"),
            ([NOT_ASKED, NO_CHAIN], "yes"),
            ([NOT_ASKED, {**LEAKS, "name": "container_redis", "found": "no container"}], "yes"),
            ([MASKED, {**LEAKS, "name": "kong_configuration_hash", "found": "another"}], "no"),
            ([NOT_ASKED], "not measured"),
            ([], "not measured"),
        ],
        ids=["masks", "leaks", "no-way-through", "no-redis", "masks-another-file", "not-asked", "no-checks"],
    )
    def test_masking(self, checks, state):
        _series, readings = recorded("healthy")
        readings["checks"] = checks
        assert answer(readings, "function_broken")[0] == state


class TestLine5Exhaustion:
    def test_a_process_killed_for_lack_of_memory(self):
        _series, readings = recorded("process_killed_for_memory")
        assert answer(readings, "exhaustion") == ("yes", "killed for lack of memory: kong")
        assert assess(readings, {}, "production")["verdict"] == "immediate"

    def test_a_processor_that_is_never_free(self):
        _series, readings = recorded("processor_full")
        state, evidence = answer(readings, "exhaustion")
        assert state == "yes"
        assert "kong cpu at" in evidence

    def test_memory_at_its_limit(self):
        _series, readings = recorded("healthy")
        readings["usage"]["redis"]["memory"] = [0.97, 0.96, 0.99]
        assert answer(readings, "exhaustion")[0] == "yes"
        readings["usage"]["redis"]["memory"].append(0.5)
        assert answer(readings, "exhaustion")[0] == "no"

    def test_an_engine_that_gives_no_usage(self):
        _series, readings = recorded("healthy")
        readings["usage"] = {}
        assert answer(readings, "exhaustion")[0] == "not measured"


class TestLines6And13Speed:
    def test_a_slow_stack(self):
        _series, readings = recorded("slow")
        assert answer(readings, "slower")[0] == "yes"
        assert answer(readings, "in_range")[0] == "no"
        found = assess(readings, {}, "production")
        assert found["verdict"] == "consider"
        assert found["command"] == "ansible-playbook playbooks/rollback.yml -e env=production --check --diff"

    @pytest.mark.parametrize(
        ("baseline", "slower", "in_range"),
        [({}, "not measured", "not measured"), ({"p50_ms": 0.1, "p95_ms": 1.0}, "no", "yes")],
        ids=["no-baseline", "only-the-machines-noise"],
    )
    def test_a_healthy_stack_against(self, baseline, slower, in_range):
        _series, readings = recorded("healthy")
        readings["baseline"] = baseline
        assert answer(readings, "slower")[0] == slower
        assert answer(readings, "in_range")[0] == in_range

    @pytest.mark.parametrize(("factor", "state"), [(1.4, "no"), (1.6, "yes")])
    def test_the_limit_is_half_more(self, factor, state):
        _series, readings = recorded("healthy")
        readings["baseline"] = {"p50_ms": 100.0, "p95_ms": 200.0}
        for item in readings["requests"]:
            item["ms"] = 100.0 * factor
        assert answer(readings, "slower")[0] == state

    def test_requests_that_do_not_come_through_say_nothing_about_speed(self):
        _series, readings = recorded("kong_stopped")
        assert answer(readings, "slower")[0] == "not measured"


class TestLine7Intermittent:
    def test_a_gateway_that_restarts_once(self):
        _series, readings = recorded("kong_restarts_once")
        state, evidence = answer(readings, "intermittent")
        assert state == "yes"
        assert "requests failed in the proxy's log" in evidence
        assert assess(readings, {}, "production")["verdict"] == "consider"

    def test_what_the_provider_broke_is_not_the_stacks(self):
        _series, readings = recorded("healthy")
        for item in readings["requests"][:3]:
            item.update(status=529, provider=True)
        assert answer(readings, "intermittent")[0] == "no"

    def test_too_few_requests(self):
        _series, readings = recorded("healthy")
        readings["requests"] = readings["requests"][:2]
        readings["access"]["requests"] = 2
        assert answer(readings, "intermittent")[0] == "not measured"

    def test_more_than_ten_percent_is_said(self):
        _series, readings = recorded("healthy")
        readings["access"]["errors"] = readings["access"]["requests"] // 2
        assert answer(readings, "intermittent")[1].endswith("; more than 10%")


class TestLine8Noncritical:
    def test_a_container_beside_the_core(self):
        _series, readings = recorded("client_stopped")
        state, evidence = answer(readings, "noncritical")
        assert state == "yes"
        assert evidence.startswith("client is exited")
        assert assess(readings, {}, "production")["verdict"] == "consider"

    @pytest.mark.parametrize("masking", [MASKED, {**NOT_ASKED, "found": "the upstream refused"}])
    def test_its_critical_check_breaks_no_function(self, masking):
        """Also where nobody can tell whether masking works."""
        _series, readings = recorded("client_stopped")
        stopped = {**LEAKS, "name": "container_client", "found": "is exited with exit status 137"}
        readings["checks"] = [stopped, masking]
        assert assess(readings, {}, "production")["verdict"] == "consider"
        readings["checks"].append({**NO_CHAIN, "name": "container_kong"})
        assert answer(readings, "function_broken")[0] == ("no" if masking is MASKED else "yes")

    def test_an_advisory_check(self):
        _series, readings = recorded("healthy")
        readings["checks"].append({**LEAKS, "name": "disk", "level": "advisory", "found": "91 % full"})
        assert answer(readings, "noncritical") == ("yes", "disk: 91 % full")

    def test_speed_has_lines_of_its_own(self):
        _series, readings = recorded("healthy")
        readings["checks"].append({**LEAKS, "name": "performance", "level": "advisory", "found": "p95 is 3 times"})
        assert answer(readings, "noncritical")[0] == "no"

    def test_a_person_says_it(self):
        _series, readings = recorded("healthy")
        readings["inputs"]["noncritical_broken"] = True
        assert answer(readings, "noncritical") == ("yes", "reported")


class TestLines9And12Logs:
    def test_warnings_of_a_proxy_whose_gateway_is_away(self):
        _series, readings = recorded("kong_stopped")
        assert readings["logs"]["warnings"] > 0
        assert answer(readings, "log_warnings", log_warnings=1)[0] == "yes"
        assert answer(readings, "cosmetic_logs", log_warnings=1)[0] == "no"
        assert "[error]" in answer(readings, "log_warnings")[1]

    def test_a_few_are_cosmetic(self):
        _series, readings = recorded("healthy")
        readings["logs"].update(warnings=3)
        assert answer(readings, "log_warnings")[0] == "no"
        assert answer(readings, "cosmetic_logs")[0] == "yes"
        assert assess(readings, {}, "production")["verdict"] == "none"

    def test_logs_that_cannot_be_read(self):
        _series, readings = recorded("healthy")
        readings["logs"].update(problem="The log of kong cannot be read.")
        assert answer(readings, "log_warnings")[0] == "not measured"
        assert answer(readings, "cosmetic_logs")[0] == "not measured"


class TestLines10And11:
    @pytest.mark.parametrize("name", ["ui_issue", "documentation_issue", "cosmetic_logs"])
    def test_what_a_person_says_never_leads_to_a_rollback(self, name):
        _series, readings = recorded("healthy")
        readings["inputs"][name] = True
        assert answer(readings, name)[0] == "yes"
        assert assess(readings, {}, "production")["verdict"] == "none"


def test_nothing_measured_is_no_all_clear():
    empty = {
        "requests": [],
        "access": {"problem": "no log", "requests": 0, "errors": 0, "seconds": 0, "unavailable_seconds": 0},
        "containers": [],
        "usage": {},
        "redis": {"problem": "away", "corrupt": "", "sampled": 0, "disagreements": 0, "counters_behind": 0},
        "checks": [],
        "baseline": {},
        "logs": {"problem": "no log", "warnings": 0, "worst": "", "seconds": 0},
        "inputs": dict(NOBODY_SAID),
    }
    found = assess(empty, {}, "production")
    assert {item["answer"] for item in found["lines"]} == {"not measured"}
    assert text(found)[-1] == "VERDICT: NONE, 9 lines not measured"


def test_assessing_changes_no_reading():
    _series, readings = recorded("healthy")
    before = copy.deepcopy(readings)
    assess(readings, {}, "production")
    assert readings == before


@pytest.mark.parametrize(
    ("given", "truth"),
    [
        ("true", True),
        (True, True),
        ("Yes", True),
        ("false", False),
        (False, False),
        ("", None),
        (None, None),
        ("unknown", None),
    ],
)
def test_inputs_as_a_survey_sends_them(given, truth):
    assert checked_inputs({"security_breach": given})["security_breach"] is truth
    assert set(checked_inputs({})) == set(INPUTS)


@pytest.mark.parametrize("given", [{"breach": True}, {"security_breach": "perhaps"}])
def test_inputs_that_are_none(given):
    with pytest.raises(RecoveryError):
        checked_inputs(given)


def test_thresholds_are_numbers_with_known_names():
    assert checked_thresholds({"slower_ratio": "2"}) == {"slower_ratio": 2.0}
    for given in ({"slower": 2}, {"slower_ratio": "much"}):
        with pytest.raises(RecoveryError):
            checked_thresholds(given)
