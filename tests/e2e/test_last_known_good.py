"""The trap of the last known good: the backup is taken after the next release was put on disk and before it runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import releases
import stack_state
from lab import Lab

pytestmark = pytest.mark.slow

PROXY_FILE = "nginx/conf.d/default.conf"
KONG_FILE = "kong/kong.yml"


def edit_next_release(lab: Lab) -> None:
    """The next release lies on disk, edited as people do, and is not deployed yet."""
    time.sleep(5)  # nginx shows only by time what it has read: an edit in the second of its start cannot be told apart
    lab.stack.set_env(KONG_LOG_LEVEL="debug", KONG_MEMORY_LIMIT="512m")
    releases.kong_file(lab).write_bytes(releases.BROKEN_KONG_FILE)
    proxy = lab.stack.directory / PROXY_FILE
    proxy.write_text(proxy.read_text(encoding="utf-8").replace("10m", "20m"), encoding="utf-8")


def deploy_next_release(lab: Lab) -> None:
    releases.rebuild(lab, "nginx", "broken")
    releases.up(lab.stack)


@pytest.mark.parametrize(
    "clean_backup_before",
    [pytest.param(True, id="older-clean-backup"), pytest.param(False, id="no-older-backup")],
)
def test_a_backup_taken_after_the_edit_brings_back_the_release_from_before_it(
    lab: Lab, clean_backup_before: bool
) -> None:
    # Taken now and not the shared golden one: that may record nginx's container from before another test's rollback.
    older = lab.backup() if clean_backup_before else ""
    before = lab.state()
    edit_next_release(lab)
    chosen = lab.backup()
    if clean_backup_before:
        assert_edits_are_kept_beside(lab.backup_path(chosen))
    deploy_next_release(lab)
    data = lab.backup("-e", "kind=data")

    done = lab.play("rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    target = lab.record()["backup"]["id"]
    # Either holds the release that ran: the verified one from before the edit, or the one that was taken after it.
    assert target in ({older, chosen} if clean_backup_before else {chosen})
    assert f"TARGET: {target}" in done.flat, "it does not say which"
    assert "newest verified deployment backup" in done.flat or "newest deployment backup" in done.flat, "nor why"
    assert data.startswith("data-")
    for service in before.services:
        assert stack_state.environment_of(after, service) == stack_state.environment_of(before, service), service
    assert after.services["kong"]["memory"] == before.services["kong"]["memory"]
    assert after.images == before.images
    assert {name: one["image_id"] for name, one in after.services.items()} == {
        name: one["image_id"] for name, one in before.services.items()
    }
    assert stack_state.lost(before, after) == []
    assert lab.stack.probe()
    assert stack_state.environment_of(after, "kong")["KONG_LOG_LEVEL"] == "notice"
    if clean_backup_before:
        assert after.files == before.files
        assert after.kong_hash == before.kong_hash
    else:
        # Nothing holds Kong's bytes any more: what it served is reconstructed, and said to be.
        assert "reconstructed" in done.flat
        assert after.files[".env"] == before.files[".env"]
        assert after.files[f"config/{lab.environment}.env"] == before.files[f"config/{lab.environment}.env"]
        assert b"read_timeout: 60000" in after.files[KONG_FILE][0]


def test_the_trap_is_closed_after_a_rollback_too(lab: Lab) -> None:
    """A rollback replaces nginx; what the new container read is in the backup that it came from."""
    lab.golden()
    before = lab.state()
    releases.rebuild(lab, "nginx", "broken")
    releases.up(lab.stack, "nginx")
    assert lab.play("rollback").rc == 0
    edit_next_release(lab)

    assert_edits_are_kept_beside(lab.backup_path(lab.backup()))

    deploy_next_release(lab)
    done = lab.play("rollback")
    assert done.rc == 0, done.output
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []


def assert_edits_are_kept_beside(backup: Path) -> None:
    """What was edited and never ran is in the backup, and not as the release."""
    assert (backup / "files" / KONG_FILE).read_bytes() != releases.BROKEN_KONG_FILE
    assert (backup / "ahead" / KONG_FILE).read_bytes() == releases.BROKEN_KONG_FILE
    assert b"KONG_LOG_LEVEL=notice" in (backup / "config.env").read_bytes()
    assert b"KONG_LOG_LEVEL=debug" in (backup / "ahead" / ".env").read_bytes()
    assert b"10m" in (backup / "files" / PROXY_FILE).read_bytes()
    assert b"20m" in (backup / "ahead" / PROXY_FILE).read_bytes()


def test_a_backup_that_equals_the_broken_state_is_skipped_with_the_reason(lab: Lab) -> None:
    # A verified one would be chosen before the broken one is looked at.
    older = lab.backup("-e", "backup_verify=false")
    before = lab.state()
    # A release without the masking plugin: it runs, and every identifier leaves unmasked.
    releases.change_kong_file(lab, "name: aws-masker", "name: aws-masker\n    enabled: false")
    releases.load_kong_file(lab)
    broken = lab.backup()

    done = lab.play("rollback")

    assert done.rc == 0, done.output
    assert f"{broken} equals what runs now, which fails its checks" in done.flat
    assert lab.record()["backup"]["id"] == older
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []


def test_a_mounted_file_that_alone_was_edited_is_no_reason_to_skip_the_backup(lab: Lab) -> None:
    """Images, containers and Kong's configuration are as in the backup: the file is what broke."""
    lab.backup()
    newest = lab.backup()
    before = lab.state()
    proxy = lab.stack.directory / PROXY_FILE
    proxy.write_text(proxy.read_text(encoding="utf-8").replace(":8000", ":8999"), encoding="utf-8")
    releases.reload_proxy(lab)
    assert "RELEASE" in (told := lab.play("status").flat)
    assert "the same as in" not in told

    done = lab.play("rollback")

    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK", done.output
    assert lab.record()["backup"]["id"] == newest
    assert stack_state.differences(before, lab.state(), identity=False, data=False) == []
