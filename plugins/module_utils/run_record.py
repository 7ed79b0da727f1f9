# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a finished run says on the last screen and leaves in its log. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .checks import FAILED, passed
from .report import verdict_line


def outcome(run: Mapping[str, Any]) -> str:
    """Return completed, nothing to do, planned (check mode), refused or failed."""
    if run["failure"]:
        return "refused" if run["plan"].get("refusals") else "failed"
    if run["check_mode"]:
        return "planned"
    return "completed" if run["plan"].get("actions") else "nothing to do"


def return_command(run: Mapping[str, Any]) -> str:
    """Return the complete command that takes the run back; empty when nothing was changed."""
    snapshot = run["snapshot"].get("id")
    if not snapshot or run["check_mode"]:
        return ""
    command = f"ansible-playbook playbooks/rollback.yml -e env={run['environment']}"
    undo = "keep" if (run["plan"].get("data") or {}).get("mode", "keep") == "keep" else "restore"
    return f"{command} -e deployment={snapshot} -e redis_data={undo}"


def last_screen(run: Mapping[str, Any]) -> list[str]:
    """Return the lines of the last screen, the truth about the service last of all.

    run: environment, project, host, backup, plan, snapshot, executed, checks, checks_before, phases (name → seconds),
    failure, applied (whether the plan's execution began), timeout, check_mode, log (path).
    """
    done = outcome(run)
    word = "Rollback completed" if done in ("completed", "nothing to do") else f"Rollback {done}"
    lines = [
        f"{word}: {run['project']} ({run['environment']}) on {run['host']}, target {run['backup'].get('id') or 'none'}"
    ]
    if run["failure"]:
        lines.append(f"CAUSE: {run['failure']}")
    executed = [item for item in run["executed"] if item["action"] != "ready"]
    if not run["check_mode"]:
        lines.append(f"CHANGED: {'; '.join(_did(item) for item in executed) if executed else 'nothing'}")
    if run["plan"].get("data"):
        lines.append(run["plan"]["data"]["line"])
    lines += [_data_line(item["result"]) for item in run["executed"] if item.get("result")]
    if run["plan"].get("waived"):
        lines.append(f"WAIVED: {', '.join(item['name'] for item in run['plan']['waived'])}")
    seconds = {name: float(value) for name, value in run["phases"].items() if value}
    total = sum(seconds.values())
    spent = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    if not run["check_mode"]:
        lines.append(f"TIME: {spent or 'under 0.1 s'}; in all {total:.1f} of {run['timeout']} s")
    if total > run["timeout"]:
        lines.append(f"WARNING: past the {run['timeout']} s for this rollback")
    if return_command(run):
        lines.append(f"TO TAKE IT BACK: {return_command(run)}")
    if not run["check_mode"]:
        lines.append(f"LOG: {run['host']}:{run['log']}")
    lines += [
        f"FAILED: {item['name']}: expected {item['expected']}, found {item['found']}"
        for item in run["checks"]
        if item["status"] == FAILED
    ]
    if run["check_mode"]:
        broken = sum(item["status"] == FAILED for item in run["checks_before"])
        lines.append(f"SERVICE: not touched (check mode); now {broken} of {len(run['checks_before'])} checks fail")
    elif not run["checks"]:
        lines.append(
            "SERVICE: NOT BACK" if run["applied"] else "SERVICE: NOT MEASURED, the run ended before any change"
        )
    else:
        lines.append(verdict_line(run["checks"], passed(run["checks"]) and not run["failure"]))
    return lines


def _data_line(result: Mapping[str, Any]) -> str:
    """Return what became of the keys, as counted before and after."""
    before = f"{result['keys_before']:,}" if result["keys_before"] is not None else "unknown"
    moved = f"{result['keys_restored']:,} written, {result['keys_removed']:,} removed"
    keys = f"KEYS: {before} before, {result['keys_after']:,} after; {moved} ({result['method']}: {result['why']})"
    if result.get("mappings_after") is None:
        return keys
    had = f"{result['mappings_before']:,}" if result.get("mappings_before") is not None else "unknown"
    return f"MAPPINGS: {had} before, {result['mappings_after']:,} after; {keys}"


def _did(item: Mapping[str, Any]) -> str:
    what = item.get("service") or item.get("path") or item.get("reference")
    return f"{item['action']} {what} ({item['ms']} ms)"
