# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command that takes a run back, the same on the last screen, in messages and in every report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEEP, RESTORE, ALL = "keep", "restore", "all"
DATA_ALONE = "recover_data"


def take_back(kind: str, environment: str, snapshot: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Return the command in its short form (see commands.py).

    kind: the run's. snapshot: id and undo_data, as backup_create tells them, and copy: the id of a data backup, where a
    run that went on with another's snapshot made one of its own. data: mode and scope of what was done to the data,
    where it is known.
    """
    alone = kind == DATA_ALONE
    planned = RESTORE if alone or data.get("mode", KEEP) != KEEP else KEEP
    # The snapshot knows, also where the data was changed by an interrupted run that this one went on with.
    mode = RESTORE if alone else snapshot.get("undo_data") or planned
    copy = snapshot.get("copy") if planned == RESTORE and not alone else ""
    if copy:
        # The snapshot's data are older than the run: clients wrote between the interrupted run and this one.
        first = _command("rollback", environment, snapshot["id"], KEEP, data)
        return f"{first} && {_command(DATA_ALONE, environment, copy, RESTORE, data)}"
    return _command(DATA_ALONE if alone else "rollback", environment, snapshot["id"], mode, data)


def _command(playbook: str, environment: str, backup: str, mode: str, data: Mapping[str, Any]) -> str:
    scope = " -e redis_scope=all" if mode == RESTORE and data.get("scope") == ALL else ""
    command = f"ansible-playbook playbooks/{playbook}.yml -e env={environment} -e deployment={backup}"
    return f"{command} -e redis_data={mode}{scope}"
