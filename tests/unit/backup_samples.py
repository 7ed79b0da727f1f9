"""Backups as rows of a listing, and real ones in a directory."""

from __future__ import annotations

from datetime import datetime

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_store import (
    BackupStore,
    BackupWriter,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner, Stamp

ID = "deploy-20260729-120000"
NOW = datetime.fromisoformat("2026-07-29T15:12:00+00:00")
KEY, OLD_KEY = "key-of-today", "key-of-old"
MINE = Stamp(0o700, -1, -1)


def row(backup_id=ID, **other):
    """A usable row of the listing."""
    values = {
        "id": backup_id,
        "kind": backup_id.split("-")[0],
        "path": f"/opt/gateway/backups/x/{backup_id}",
        "layout": "manifest",
        "created": "2026-07-29T12:00:00Z",
        "sequence": 1,
        "environment": "production",
        "project": "gateway",
        "host": "gw1",
        "verified": False,
        "critical": False,
        "complete": True,
        "notes": [],
        "size": 2048,
        "age_seconds": 11520,
        "ran_seconds": 11520,
        "services": {},
        "kong": {},
        "usable": True,
        "reason": "",
    }
    return {**values, **other}


def manifest(backup_id=ID, **other):
    """A manifest without its files."""
    values = {
        "format": 1,
        "id": backup_id,
        "kind": backup_id.split("-")[0],
        "sequence": 7,
        "created": "2026-07-29T12:00:00Z",
        "running_since": "2026-07-29T08:48:00.123Z",
        "environment": "production",
        "project": "gateway",
        "host": "gw1",
        "complete": True,
        "notes": [],
        "absent": [".env.local"],
        "directories": [],
        "services": {"kong": {"image_id": "sha256:k"}},
        "compose_version": "2.40.3",
        "kong": {"configuration_hash": "ab"},
        "redis": {"keys": 3},
    }
    return {**values, **other}


def store(root, keys=(), allow_unsigned=False, runner=None):
    """A store below a directory."""
    return BackupStore(str(root), runner or Runner(), list(keys), allow_unsigned)


def written(where, backup_id=ID, marks=None, **other):
    """Write a backup with two files and return its path."""
    writer = BackupWriter(where, backup_id, MINE)
    writer.add("config.env", b"KONG_LOG_LEVEL=notice\n", origin="running")
    writer.add("files/kong/kong.yml", b'_format_version: "3.0"\n', target="kong/kong.yml", mode=0o644, uid=0, gid=0)
    return writer.finish(manifest(backup_id, **other), marks or {"verified": True})


def listing(where, hosts=("gw1",)):
    """List as production's gateway."""
    return where.listing("production", "gateway", list(hosts), NOW)
