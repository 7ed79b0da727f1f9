# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines for people: the list of backups, the plan, the result. Pure; 80 columns, no colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .checks import not_measured
from .times import span

BACK, NOT_BACK = "SERVICE: BACK", "SERVICE: NOT BACK"


def size_text(size: int) -> str:
    """Return a size as people say it."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} B"


def marks_text(found: Mapping[str, Any]) -> str:
    """Return a backup's marks as words."""
    marks = [name for name in ("verified", "critical") if found.get(name)]
    if found.get("layout") == "original":
        marks.append("original layout")
    elif found.get("usable") and not found.get("complete", True):
        marks.append("incomplete")
    marks += proof_text(found.get("drill") or {})
    return ", ".join(marks) or "-"


def proof_text(drill: Mapping[str, Any]) -> list[str]:
    """Return what a rehearsal of the backup has shown, as one mark; nothing without one."""
    if not drill:
        return []
    if not drill["valid"]:
        return ["proof void: changed since"]
    age = f"{span(drill['age_seconds'])} ago" if drill["age_seconds"] is not None else "at an unknown time"
    return [f"proven {age}" if drill["passed"] else f"REHEARSAL FAILED {age}"]


def newest_ages(backups: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the newest usable backup with a configuration, and the newest with Redis data: id and age in seconds.

    The age of the second is the recovery point: what is younger would be lost. backups: newest first.
    """
    usable = [item for item in backups if item["usable"] and item["age_seconds"] is not None]
    wanted = {
        "configuration": [item for item in usable if item["kind"] != "data"],
        "data": [item for item in usable if holds_data(item)],
    }
    return {
        name: {"id": rows[0]["id"], "age_seconds": rows[0]["age_seconds"]} if rows else {"id": "", "age_seconds": None}
        for name, rows in wanted.items()
    }


def holds_data(found: Mapping[str, Any]) -> bool:
    """Say whether a backup holds Redis data that was read from a server, not only copied files."""
    redis = found.get("redis") or {}
    return bool(redis.get("file")) and redis.get("status") != "unproven"


def age_lines(backups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the two ages that an engineer asks for, each by itself."""
    words = {"configuration": "NEWEST CONFIGURATION", "data": "NEWEST DATA"}
    return [
        f"{words[name]}: {about['id']}, {span(about['age_seconds'])} old" if about["id"] else f"{words[name]}: none"
        for name, about in newest_ages(backups).items()
    ]


def backup_table(backups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a heading and a line a backup: id, age, how long that state had run, size, marks, usable or why not."""
    if not backups:
        return ["No backup is there."]
    rows = [("ID", "AGE", "RAN", "SIZE", "MARKS", "USABLE")]
    for item in backups:
        age, ran = (span(item[name]) if item[name] is not None else "?" for name in ("age_seconds", "ran_seconds"))
        usable = "yes" if item["usable"] else f"no: {item['reason']}"
        rows.append((item["id"], age, ran, size_text(item["size"]), marks_text(item), usable))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[5]]) for row in rows]
    return [line.rstrip() for line in lines]


def target_line(found: Mapping[str, Any], why: str) -> str:
    """Return what the rollback goes back to and why this one."""
    age = f"{span(found['age_seconds'])} old" if found.get("age_seconds") is not None else "age unknown"
    before = f"the state before {found['id']}" if found["kind"] == "deploy" else "the state before that rollback"
    ran = f", ran {span(found['ran_seconds'])}" if found.get("ran_seconds") is not None else ""
    return f"TARGET: {found['id']} ({before}{ran}; {age}; marks: {marks_text(found)}) - {why}"


def plan_lines(
    plan: Mapping[str, Any], found: Mapping[str, Any], why: str, older: Sequence[str], settings: Mapping[str, Any]
) -> list[str]:
    """Return the plan as an engineer reads it in ten seconds."""
    lines = [plan["data"].get("line", ""), target_line(found, why), f"NEXT OLDER: {older[0] if older else 'none'}"]
    for name, item in plan["services"].items():
        reason = f" - {'; '.join(item['why'])}" if item["why"] else ""
        lines.append(f"  {name:<12} {item['do']}{reason}")
    for action in plan["actions"]:
        if action["action"] in ("write_file", "remove_file"):
            lines.append(f"  {action['action']:<12} {action['path']} - {action['why']}")
            lines += [
                f"      {row['name']}: {row['old']} → {row['new']}" for row in settings.get(action.get("path", ""), [])
            ]
        elif action["action"] == "tag_image":
            lines.append(f"  tag_image    {action['reference']} → {action['image_id'].split(':')[-1][:12]}")
    lines += [f"WARNING: {text}" for text in plan["warnings"]]
    lines += [f"WAIVED by force: {item['name']} - {item['reason']}" for item in plan["waived"]]
    for item in plan["refusals"]:
        lines.append(
            f"REFUSED: {item['name']} - {item['reason']} {item['hint']} "
            f"(waivable by force_rollback: {'yes' if item['waivable'] else 'no'})"
        )
    if plan["actions"]:
        lines.append(f"ESTIMATE: {plan['estimate_seconds']:.0f} s for {len(plan['actions'])} actions")
    else:
        lines.append("NOTHING TO DO: the stack is in the target state")
    return [line for line in lines if line]


def check_lines(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line a check, with its time; a failed one says what was expected."""
    words = {"passed": "passed", "failed": "FAILED", "not_measured": "not measured"}
    lines = []
    for item in checks:
        expected = f"expected {item['expected']}, found " if item["status"] == "failed" else ""
        advisory = " (advisory)" if item["level"] == "advisory" else ""
        lines.append(
            f"{words[item['status']]:<12} {item['name']:<24}{advisory} {item['ms']:>5} ms  {expected}{item['found']}"
        )
    return lines


def verdict_line(checks: Sequence[Mapping[str, Any]], good: bool) -> str:
    """Return the last line of a run; its words are fixed, because jobs look for them."""
    if not good:
        return NOT_BACK
    missing = not_measured(checks)
    return f"{BACK}, {missing} checks not measured" if missing else BACK
