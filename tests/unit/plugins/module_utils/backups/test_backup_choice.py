"""Which backup is the last known good, and what a named one must be."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups import backup
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import row

D1, D2, D3 = (f"deploy-2026072{day}-120000" for day in (1, 2, 3))
R1, DATA = "rollback-20260724-120000", "data-20260725-120000"
RUNS = {"services": {"kong": {"image_id": "i", "config_hash": "h"}}, "kong_hash": "k"}
EQUAL = {"services": {"kong": {"image_id": "i", "config_hash": "h", "state": "running"}}}
NOTHING = {"services": {}}


def unedited(_found):
    """No mounted file differs from any backup's."""
    return []


def choose(rows, wanted="latest", live=None, broken=False, edited=unedited):
    """Choose among rows, newest first."""
    return backup.choose(rows, backup.Choice(wanted, broken), live or NOTHING, "production", edited)


@pytest.mark.parametrize(
    ("rows", "chosen", "why"),
    [
        ([row(D3), row(D2)], D3, "newest deployment backup (none is verified)"),
        ([row(D3), row(D2, verified=True), row(D1, verified=True)], D2, "newest verified deployment backup"),
        ([row(D3, usable=False), row(D2)], D2, "newest deployment backup (none is verified)"),
        ([row(D3, usable=False, verified=True), row(D2)], D2, "newest deployment backup (none is verified)"),
        ([row(R1, verified=True), row(D2)], D2, "newest deployment backup (none is verified)"),
        ([row(DATA, verified=True), row(D2)], D2, "newest deployment backup (none is verified)"),
        ([row(D3, complete=False), row(D2)], D3, "newest deployment backup (none is verified)"),
    ],
    ids=["newest", "verified-first", "usable", "verified-but-damaged", "never-a-snapshot", "never-data", "incomplete"],
)
def test_latest(rows, chosen, why):
    found, reason, _older = choose(rows)
    assert (found["id"], reason) == (chosen, why)


class TestBroken:
    def test_what_equals_the_broken_state_is_skipped_with_the_reason(self):
        found, why, older = choose([row(D3, **EQUAL, verified=True), row(D2), row(D1)], live=RUNS, broken=True)
        assert found["id"] == D2
        skipped = f"{D3} equals what runs now, which fails its checks"
        assert why == f"newest deployment backup (none is verified); {skipped}"
        assert older == [D1]

    def test_what_differs_in_a_mounted_file_alone_is_gone_back_to(self):
        rows = [row(D3, **EQUAL, verified=True), row(D2, verified=True)]
        edited = {D3: ["nginx/nginx.conf"]}
        found, why, _older = choose(rows, live=RUNS, broken=True, edited=lambda item: edited[item["id"]])
        assert (found["id"], why) == (D3, "newest verified deployment backup")

    def test_what_runs_well_is_no_reason_to_skip(self):
        assert choose([row(D3, **EQUAL), row(D2)], live=RUNS)[0]["id"] == D3

    def test_nothing_left_says_why(self):
        with pytest.raises(RecoveryError) as caught:
            choose([row(D3, **EQUAL)], live=RUNS, broken=True)
        assert f"{D3} equals what runs now" in caught.value.msg
        assert caught.value.details == {"available": [D3]}


@pytest.mark.parametrize(
    ("live", "recorded", "same"),
    [
        (RUNS, {**EQUAL, "kong": {"configuration_hash": "k"}}, True),
        (RUNS, EQUAL, True),
        ({**RUNS, "kong_hash": ""}, {**EQUAL, "kong": {"configuration_hash": "k"}}, True),
        (RUNS, {**EQUAL, "kong": {"configuration_hash": "other"}}, False),
        (RUNS, {"services": {"kong": {"image_id": "i", "config_hash": "other"}}}, False),
        (RUNS, {"services": {"kong": {"image_id": "other", "config_hash": "h"}}}, False),
        (RUNS, {"services": {**EQUAL["services"], "more": {"image_id": "i", "config_hash": "h"}}}, False),
        (RUNS, {"services": {}}, False),
        (NOTHING, {"services": {}}, False),
    ],
    ids=[
        "all-equal",
        "no-hash-recorded",
        "no-hash-live",
        "kong-hash",
        "definition",
        "image",
        "more-services",
        "original-layout",
        "nothing-known",
    ],
)
def test_same_state(live, recorded, same):
    assert backup.same_state(row(**recorded), live, unedited) is same


@pytest.mark.parametrize(("noted", "same"), [("one", True), ("two", False)])
def test_a_network_of_another_definition_is_another_state(noted, same):
    label = "com.docker.compose."
    made = {"Name": "gateway_default", "Labels": {f"{label}config-hash": "one", f"{label}version": "2.40.3"}}
    recorded = {"gateway_default": {"config_hash": noted, "compose_version": "2.40.3"}}
    assert backup.same_state(row(**EQUAL, networks=recorded), {**RUNS, "networks": [made]}, unedited) is same


@pytest.mark.parametrize(
    ("live", "edited", "same"),
    [
        (RUNS, ["kong/kong.yml"], True),
        (RUNS, ["kong/kong.yml", "nginx/nginx.conf"], False),
        ({**RUNS, "kong_hash": ""}, ["kong/kong.yml"], False),
    ],
    ids=["kong-shows-what-it-serves", "another-file-too", "kong-shows-nothing"],
)
def test_what_kong_shows_counts_more_than_its_file(live, edited, same):
    kong = {"file": "kong/kong.yml", "configuration_hash": "k"}
    assert backup.same_state(row(**EQUAL, kong=kong), live, lambda _found: edited) is same


class TestNamed:
    ROWS = [row(D3), row(R1), row(D2, usable=False, reason="is a symbolic link"), row(DATA), row(D1)]  # noqa: RUF012

    @pytest.mark.parametrize(("wanted", "older"), [(D3, [D1]), (R1, [D1]), (D1, [])])
    def test_usable(self, wanted, older):
        found, why, rest = choose(self.ROWS, wanted)
        assert (found["id"], why, rest) == (wanted, "named by deployment", older)

    @pytest.mark.parametrize(
        ("wanted", "text"),
        [
            ("deploy-20200101-000000", "There is no backup deploy-20200101-000000. Available: "),
            (D2, f"Backup {D2} cannot be used: is a symbolic link. Available: "),
            (DATA, f"{DATA} holds Redis data only and is no rollback target. Available: "),
        ],
        ids=["unknown", "refused", "data"],
    )
    def test_refused_with_what_could_be_named_instead(self, wanted, text):
        with pytest.raises(RecoveryError) as caught:
            choose(self.ROWS, wanted)
        assert caught.value.msg == f"{text}{D3}, {R1}, {D1}."
        assert caught.value.details == {"available": [D3, R1, D1]}

    @pytest.mark.parametrize("wanted", ["../../etc", "/etc/passwd", f"{D3}/..", "newest"])
    def test_a_path_is_no_id(self, wanted):
        with pytest.raises(RecoveryError, match="is no backup id"):
            choose(self.ROWS, wanted)

    def test_data_names_the_playbook_for_it(self):
        with pytest.raises(RecoveryError) as caught:
            choose(self.ROWS, DATA)
        assert caught.value.hint.endswith(f"playbooks/recover_data.yml -e env=production -e deployment={DATA}")


def test_nothing_at_all():
    with pytest.raises(RecoveryError) as caught:
        choose([])
    assert caught.value.msg == "No backup can be used for environment production. No usable backup is there."


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "No usable backup is there."),
        (1, "Available: deploy-20260700-120000."),
        (12, "Available: " + ", ".join(f"deploy-202607{day:02}-120000" for day in range(10)) + " and 2 more."),
    ],
)
def test_available(count, text):
    assert backup.available([row(f"deploy-202607{day:02}-120000") for day in range(count)]) == text
