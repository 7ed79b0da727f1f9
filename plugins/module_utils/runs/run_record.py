# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a finished run says on the last screen and leaves in its log. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks import FAILED, passed
from ..report import BACK, verdict_line
from .budgets import CLASSES, VERIFY, rollback_class
from .escalation import escalation
from .take_back import take_back

# Steps that look; one that found something to do has a result.
SILENT = ("ready", "keep_data")


def outcome(run: Mapping[str, Any]) -> str:
    """Return completed, nothing to do, planned (check mode), refused, undone or failed."""
    if run["failure"]:
        if run["undo"].get("undone"):
            return "undone"
        return "refused" if run["plan"].get("refusals") and not run["applied"] else "failed"
    if run["check_mode"]:
        return "planned"
    return "completed" if run["plan"].get("actions") else "nothing to do"


def return_command(run: Mapping[str, Any]) -> str:
    """Return the command that takes the run back; empty when nothing was changed, or was undone already."""
    if not run["snapshot"].get("id") or run["check_mode"] or run["undo"].get("undone"):
        return ""
    return take_back(run["kind"], run["environment"], run["snapshot"], run["plan"].get("data") or {})


def service_line(run: Mapping[str, Any]) -> str:
    """Return the last line: the truth about the service."""
    if run["check_mode"]:
        if not run["checks_before"]:
            return "SERVICE: NOT MEASURED, the check ended before it looked; nothing was touched"
        broken = sum(item["status"] == FAILED for item in run["checks_before"])
        return f"SERVICE: not touched (check mode); now {broken} of {len(run['checks_before'])} checks fail"
    if run["undo"].get("undone"):
        found = run["undo"].get("checks") or []
        return verdict_line(found, passed(found))
    if not run["checks"]:
        return "SERVICE: NOT BACK" if run["applied"] else "SERVICE: NOT MEASURED, the run ended before any change"
    return verdict_line(run["checks"], passed(run["checks"]) and not run["failure"])


def last_screen(run: Mapping[str, Any]) -> list[str]:
    """Return the lines of the last screen, the truth about the service last of all.

    run: environment, project, host, kind, backup, plan, snapshot, executed, checks, checks_before, undo, data_after,
    phases (name → seconds), failure, applied (whether the plan's execution began), timeout, check_mode, contacts,
    elapsed (seconds since the incident was detected or the run began), log and report (paths).
    """
    done = outcome(run)
    word = "Rollback completed" if done in ("completed", "nothing to do") else f"Rollback {done}"
    lines = [
        f"{word}: {run['project']} ({run['environment']}) on {run['host']}, target {run['backup'].get('id') or 'none'}"
    ]
    if run["failure"]:
        lines.append(f"CAUSE: {run['failure']}")
    if run["undo"]:
        lines.append(f"UNDO: {'done' if run['undo'].get('undone') else 'left as it is'}: {run['undo'].get('reason')}")
    executed = [
        item for item in run["executed"] if item["action"] not in SILENT or item.get("result") or item.get("problem")
    ]
    if not run["check_mode"]:
        lines.append(f"CHANGED: {'; '.join(_did(item) for item in executed) if executed else 'nothing'}")
    if run["plan"].get("data"):
        lines.append(run["plan"]["data"]["line"])
    lines += _data_lines(run)
    if run["plan"].get("waived"):
        lines.append(f"WAIVED: {', '.join(item['name'] for item in run['plan']['waived'])}")
    lines += _time_lines(run)
    if return_command(run):
        lines.append(f"TO TAKE IT BACK: {return_command(run)}")
    if not run["check_mode"]:
        lines.append(f"LOG: {run['host']}:{run['log']}")
        lines += [f"REPORT: {run['host']}:{run['report']}"] if run["report"] else []
        lines.append(escalation(run["contacts"], run["elapsed"], service_line(run).startswith(BACK))["line"])
    lines += [
        f"FAILED: {item['name']}: expected {item['expected']}, found {item['found']}"
        for item in run["checks"]
        if item["status"] == FAILED
    ]
    return [*lines, service_line(run)]


def _time_lines(run: Mapping[str, Any]) -> list[str]:
    """Return the seconds of each phase, and each budget that they are held against."""
    seconds = {name: float(value) for name, value in run["phases"].items() if value}
    total = sum(seconds.values())
    if run["check_mode"]:
        return []
    spent = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    lines = [f"TIME: {spent or 'under 0.1 s'}; in all {total:.1f} of {run['timeout']} s"]
    verify = seconds.get("verify", 0.0)
    which = rollback_class(run["kind"], run["plan"])
    if run["applied"]:
        lines.append(
            f"BUDGETS: {which} {total - verify:.1f} of {CLASSES[which]:.0f} s; verify {verify:.1f} of {VERIFY:.0f} s"
        )
        if total - verify > CLASSES[which]:
            lines.append(f"WARNING: past the {CLASSES[which]:.0f} s for a rollback of the class {which}")
    if total > run["timeout"]:
        lines.append(f"WARNING: past the {run['timeout']} s for this rollback")
    return lines


def _data_lines(run: Mapping[str, Any]) -> list[str]:
    """Return what became of the keys, as counted before and after."""
    moved = [_data_line(item["result"]) for item in run["executed"] if item.get("result")]
    moved += [
        f"WARNING: data were not brought back: {item['problem']}" for item in run["executed"] if item.get("problem")
    ]
    after = run["data_after"].get("keys")
    if moved or after is None:
        return moved
    before = (run["snapshot"].get("redis") or {}).get("keys")
    return [f"KEYS: {'unknown' if before is None else f'{before:,}'} before, {after:,} after"]


def _data_line(result: Mapping[str, Any]) -> str:
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
