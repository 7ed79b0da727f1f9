# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How every module begins and ends: the one place where a failure becomes a result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .errors import RecoveryError


def run_module(module: AnsibleModule, body: Callable[[AnsibleModule], dict[str, Any]]) -> None:
    """Run body and leave the process with its result or with a failure that says what, where and what next."""
    began = time.monotonic()
    try:
        result = body(module)
    except RecoveryError as exc:
        module.fail_json(**exc.as_result())
    except Exception as exc:  # noqa: BLE001  # the last door: no traceback on stderr
        module.fail_json(
            msg=f"A case that this module does not know: {type(exc).__name__}: {exc}",
            hint="Run again with -vvv and report the traceback.",
            exception=traceback.format_exc(),
        )
    module.exit_json(**{"changed": False, "seconds": round(time.monotonic() - began, 3), **result})
