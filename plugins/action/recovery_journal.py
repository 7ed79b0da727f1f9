# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the module of the same name who runs it and from where: only the controller knows."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.process_name import machine_id, process_id
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_method import contradiction


def controller() -> dict[str, str]:
    """Return user, host, machine and process of the ansible-playbook that this worker belongs to.

    Where the controller shares its processes with the target, the target can see whether it still lives.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        user = str(os.getuid())
    try:
        machine, process = machine_id(), process_id(os.getppid())
    except OSError:  # a controller without /proc
        machine, process = "", ""
    return {"user": user, "host": socket.gethostname(), "machine": machine, "process": process}


def refused(extra: Mapping[str, Any]) -> str:
    """Return why a run with these extra variables must not begin; what an inventory sets may differ from them."""
    values = (extra.get(name) for name in ("preserve_data", "redis_data"))
    preserve, given = ("" if value is None else str(value).strip() for value in values)
    return contradiction(boolean(preserve, strict=False) if preserve else None, given)


class ActionModule(ActionBase):
    """Runs the module with its option ``controller`` filled in, unless the command contradicts itself."""

    supports_raw_params = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module on the target."""
        super().run(tmp, task_vars)
        problem = refused(load_extra_vars(self._loader)) if self._task.args.get("state") == "begin" else ""
        if problem:
            hint = "Give one of them: redis_data says all that preserve_data does."
            told = {"hint": hint, "phase": "begin", "backup_id": "", "details": {}}
            return {"failed": True, "changed": False, "msg": f"{problem} {hint}", **told}
        arguments = {**self._task.args, "controller": controller()}
        return self._execute_module(
            module_name="kong_masking.recovery.recovery_journal", module_args=arguments, task_vars=task_vars
        )
