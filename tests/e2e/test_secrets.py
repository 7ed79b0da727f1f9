"""No secret of the environment file, of Kong's file or of the settings is ever seen anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import releases
from lab import Lab
from load import ArgumentWatch

# Beside the ones of the good release (lab.canaries): what a release changes is a secret on both sides.
ROTATED = ("sk-ant-Canary9-rotated-key-0123456789", "Canary9-plain-word-of-a-database", "Canary9!$pw@x")
FURTHER = (
    b"ANTHROPIC_API_KEY=sk-ant-Canary9-rotated-key-0123456789\n",
    b"DATABASE_URL=postgres://masker:Canary9-plain-word-of-a-database@db.example/masking\n",
    b"LEGACY_PASSWORD='Canary9!$pw@x'\n",
)


def release_with_secrets(lab: Lab) -> None:
    """Rotate a key, add a database's address and an old password."""
    lines = [line for line in lab.stack.env_file.read_bytes().splitlines(keepends=True) if b"ANTHROPIC" not in line]
    lab.stack.write_env(b"".join([*lines, *FURTHER]).replace(b"KONG_LOG_LEVEL=notice", b"KONG_LOG_LEVEL=debug"))
    text = releases.kong_file(lab).read_text(encoding="utf-8")
    for canary in lab.canaries:
        text = text.replace(canary, f"{canary}-rotated")
    releases.kong_file(lab).write_text(text, encoding="utf-8")
    releases.up(lab.stack, "kong", "client")


def hits(text: str | bytes, secrets: tuple[str, ...]) -> list[str]:
    """Which secrets stand in a text."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return [secret for secret in secrets if secret.encode() in data]


def readable_by_people(lab: Lab) -> list[Path]:
    """Every file that the collection writes to be read: logs, records, and what describes a backup."""
    root = lab.stack.directory
    found = [
        *root.glob("logs/rollbacks/*"),
        *root.glob("backups/*/*/manifest.json"),
        *root.glob("backups/*/*/marks.json"),
    ]
    found += [*root.glob("backups/*/*/logs/*"), *root.glob("backups/*/*/RUNBOOK.md"), *root.glob(".recovery/**/*")]
    return [path for path in found if path.is_file()]


@pytest.mark.parametrize(
    "breaks", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["good-release", "release-that-kills-kong"]
)
def test_no_secret_in_output_logs_records_or_arguments(lab: Lab, tmp_path: Path, breaks: bool) -> None:
    lab.golden()
    secrets = (*lab.canaries, *ROTATED)
    release_with_secrets(lab)
    if breaks:
        releases.kong_file(lab).write_bytes(releases.kong_file(lab).read_bytes() + b"broken: [\n")
        releases.up(lab.stack, "kong")
        lab.stack.compose("restart", "-t", "1", "kong")
    log = tmp_path / "ansible.log"
    environ = {"ANSIBLE_LOG_PATH": str(log)}
    runs = {}
    with ArgumentWatch() as watch:
        if not breaks:
            runs["backup"] = lab.play("backup", "-vvv", environ=environ)
            runs["list_backups"] = lab.play("list_backups", "-vvv", environ=environ)
            runs["check"] = lab.play("rollback", "-vvv", "--check", "--diff", "-e", "deployment=deploy-20260101-000000")
        runs["rollback"] = lab.play(
            "rollback", "-vvv", "--diff", "-e", "deployment=deploy-20260101-000000", environ=environ
        )
        runs["verify"] = lab.play("verify", "-vvv", environ=environ)

    assert {name: done.rc for name, done in runs.items()} == dict.fromkeys(runs, 0)
    for name, done in runs.items():
        assert hits(done.output, secrets) == [], f"in the output of {name}"
    assert hits(log.read_bytes(), secrets) == [], "in the log of Ansible"
    files = readable_by_people(lab)
    assert any(path.suffix == ".json" and "rollbacks" in path.parts for path in files)
    assert {str(path): hits(path.read_bytes(), secrets) for path in files if hits(path.read_bytes(), secrets)} == {}
    assert len(watch.seen) > 10, "nothing was watched"
    assert [line for line in watch.seen if hits(line, secrets)] == [], "in the arguments of a process"
    assert "KONG_LOG_LEVEL: debug → notice" in runs["rollback"].flat


def test_backups_are_readable_by_their_owner_only(lab: Lab) -> None:
    golden = lab.backup_path(lab.golden())

    for parent, folders, names in os.walk(golden):
        assert Path(parent).stat().st_mode & 0o777 == 0o700, parent
        assert {Path(parent, name).stat().st_mode & 0o777 for name in names} <= {0o600}, (parent, folders)
