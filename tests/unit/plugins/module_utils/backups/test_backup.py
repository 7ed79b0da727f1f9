"""Ids, times and the choice of the last known good backup."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups import backup
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import NOW, manifest, row


@pytest.mark.parametrize(
    ("backup_id", "kind"),
    [
        ("deploy-20260729-120000", "deploy"),
        ("rollback-20260729-120000", "rollback"),
        ("data-20260729-120000", "data"),
    ],
)
def test_kind_of(backup_id, kind):
    assert backup.kind_of(backup_id) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latest",
        "deploy-1",
        "deploy-20260729-12000",
        "deploy-20260729-1200000",
        "../deploy-20260729-120000",
        "deploy-20260729-120000/../../etc",
        "/etc/passwd",
        "deploy-20260729-120000\x00",
        "deploy-20260729-120000\n",
        " deploy-20260729-120000",
        "DEPLOY-20260729-120000",
        "deploy_20260729_120000",
        "deploy-٢٠٢٦٠٧٢٩-١٢٠٠٠٠",
    ],
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(RecoveryError, match="is no backup id"):
        backup.kind_of(text)


@pytest.mark.parametrize(
    ("backup_id", "iso"),
    [
        ("deploy-20260729-120000", "2026-07-29T12:00:00+00:00"),
        ("data-20260229-120000", None),
        ("deploy-20261301-000000", None),
        ("deploy-20260729-250000", None),
        ("nonsense", None),
    ],
    ids=["date", "no-leap-day", "month-13", "hour-25", "no-id"],
)
def test_time_of(backup_id, iso):
    assert backup.time_of(backup_id) == (datetime.fromisoformat(iso) if iso else None)


class TestRecord:
    def test_ages_come_from_the_manifest(self):
        found = backup.record(manifest(files=[{"size": 5}, {"size": 7}]), {"verified": True}, "/b", NOW)
        assert {
            name: found[name] for name in ("age_seconds", "ran_seconds", "size", "verified", "critical", "path")
        } == {
            "age_seconds": 11520,
            "ran_seconds": 11520,
            "size": 12,
            "verified": True,
            "critical": False,
            "path": "/b",
        }

    def test_what_is_missing_raises(self):
        broken = manifest(files=[])
        del broken["sequence"]
        with pytest.raises(KeyError):
            backup.record(broken, {}, "/b", NOW)

    def test_the_original_layout_says_what_cannot_return(self):
        found = backup.original_record("deploy-20260729-120000", "/b", {"config.env": 9}, "production", NOW)
        assert found["notes"] == [
            "original layout, unsigned, no checksums",
            "compose files, Kong's file and proxy configuration are not in it and stay as they are",
            "it holds no Redis data",
        ]
        assert (found["layout"], found["size"], found["age_seconds"], found["complete"]) == (
            "original",
            9,
            11520,
            False,
        )

    def test_the_original_layout_with_data(self):
        sizes = {"config.env": 9, "redis-backup.rdb": 3}
        found = backup.original_record("deploy-20260729-120000", "/b", sizes, "production", NOW)
        assert "it holds no Redis data" not in found["notes"]
        assert found["size"] == 12


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({}, ""),
        ({"environment": "staging"}, "belongs to environment staging"),
        ({"project": "other"}, "belongs to project other"),
        ({"host": "gw2"}, "was taken on host gw2"),
        ({"layout": "original", "project": "", "host": ""}, ""),
        ({"layout": "original", "environment": "staging"}, "belongs to environment staging"),
    ],
    ids=["ours", "environment", "project", "host", "original", "original-elsewhere"],
)
def test_refusal(about, reason):
    assert backup.refusal(row(**about), "production", "gateway", ["gw1"]) == reason


def test_a_host_may_have_more_names():
    assert backup.refusal(row(host="gw2"), "production", "gateway", ["gw1", "gw2"]) == ""


class TestOrder:
    def test_a_clock_that_jumped_does_not_count(self):
        rows = [
            row("deploy-20250729-120000", sequence=3, created="2025-07-29T12:00:00Z"),
            row("deploy-20270729-120000", sequence=2, created="2027-07-29T12:00:00Z"),
            row("deploy-20260729-120000", sequence=1, created="2026-07-29T12:00:00Z"),
        ]
        assert [item["sequence"] for item in backup.newest_first(rows)] == [3, 2, 1]

    def test_the_original_layout_comes_last_and_goes_by_time(self):
        rows = [
            row("deploy-20260701-120000", sequence=0, created="2026-07-01T12:00:00Z"),
            row("deploy-20250101-120000", sequence=1, created="2025-01-01T12:00:00Z"),
            row("deploy-20260702-120000", sequence=0, created="2026-07-02T12:00:00Z"),
        ]
        assert [item["id"][7:15] for item in backup.newest_first(rows)] == ["20250101", "20260702", "20260701"]

    @given(st.permutations(range(6)))
    def test_the_order_of_the_file_system_does_not_count(self, order):
        rows = [row(f"deploy-2026072{number}-120000", sequence=number // 2) for number in range(6)]
        assert backup.newest_first([rows[place] for place in order]) == backup.newest_first(rows)
