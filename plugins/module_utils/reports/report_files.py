# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Journals in, report files out: the door between the pure rooms of the reports and the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ..checks import not_measured
from ..commands import complete_tree
from ..errors import RecoveryError
from ..report import BACK
from ..runner import Runner
from ..runs.journal import Journal
from ..runs.run_record import last_screen, outcome, return_command, service_line
from ..stack_args import StackArgs
from ..times import parse_time
from ..wording import amount, plural
from .history_html import history_page
from .report_html import run_page
from .report_markdown import history_markdown, run_markdown
from .run_history import brief, history, read_events, run_record
from .run_report import RUN_SCHEMA, history_document, run_document

FOLDER, END, LATEST = ".recovery/journal", ".jsonl", "latest"
LOGS = "logs/rollbacks"
FILE_MODE, FOLDER_MODE = 0o640, 0o750
RENDER = {
    "html": (run_page, history_page),
    "md": (run_markdown, history_markdown),
    "json": (lambda document: json.dumps(document, indent=1, ensure_ascii=False) + "\n",) * 2,
}


class Reports:
    """The reports of one stack; contacts as in recovery_contacts; without write, nothing is left on the disk."""

    def __init__(
        self, stack: StackArgs, runner: Runner, now: datetime, contacts: Sequence[Mapping[str, Any]], write: bool
    ) -> None:
        self.stack, self.runner, self.now, self.contacts, self.write = stack, runner, now, contacts, write
        self.generated = now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def records(self) -> list[dict[str, Any]]:
        """Return the records of all runs that left a journal here, oldest first; a link or a device is no journal."""
        folder = self.stack.path(FOLDER)
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        runs = [name[: -len(END)] for name in names if name.endswith(END)]
        return history((run, text) for run in runs for text in [self._journal(run)] if text)

    def _journal(self, run: str) -> str:
        try:
            return self.runner.read_regular(self.stack.path(os.path.join(FOLDER, run + END))).decode("utf-8", "replace")
        except OSError:
            return ""

    def one_run(self, records: Sequence[Mapping[str, Any]], run: str, folder: str) -> dict[str, Any]:
        """Return (and write) the report of one run."""
        record = chosen(records, run)
        result: dict[str, Any] = {"records": [record], "files": {}, "text": []}
        if folder:
            document = run_document(record, self.contacts, self.generated)
            result["files"] = self._write(folder, record["run"], document)
            result.update(document=document, text=run_markdown(document).splitlines())
        return result

    def all_runs(self, records: Sequence[Mapping[str, Any]], last: int, folder: str) -> dict[str, Any]:
        """Return (and write) the report over all runs."""
        result: dict[str, Any] = {"records": [brief(item) for item in records], "files": {}, "text": []}
        if folder:
            document = history_document(records, scope_of(self.stack.environment, records), last, self.generated)
            result["files"] = self._write(folder, "history", document)
            result.update(document=document, text=figure_lines(document))
        return result

    def end_of_run(self, run: dict[str, Any]) -> dict[str, Any]:
        """Write a run's log, its facts and its pages; return the last screen."""
        if run["run"] != os.path.basename(run["run"]):
            raise RecoveryError(f"{run['run']} is no id of a run.", "Ids look like rollback-20260729-121500.")
        name = run["run"] or f"rollback-{self.now.strftime('%Y%m%d-%H%M%S')}"
        log = self.stack.path(os.path.join(LOGS, f"{name}.log"))
        text = self._journal(name) if run["run"] and not run["check_mode"] else ""
        run.update(
            environment=self.stack.environment,
            project=self.stack.project,
            finished=self.generated,
            log=log,
            elapsed=self._elapsed(run),
        )
        there = self.write and os.path.isdir(self.stack.dir)
        problem = ""
        files: dict[str, str] = {}
        try:
            files = self._pages(name, run) if there and text else {}
            run["report"] = files.get("html", "")
            if there:
                self._log(log, complete_tree(last_screen(run), self.stack.command))
                facts = {**run, "outcome": outcome(run)}
                self._put(f"{log[: -len('.log')]}.json", json.dumps(facts, indent=1))
        except OSError as exc:
            # A full disk must not take the last screen away.
            problem = f"WARNING: the log could not be written: {exc.strerror}"
        screen = last_screen(run)
        if problem:
            screen.insert(-1, problem)
        facts = message_facts(run, screen)
        return {"text": screen, "log": log, "outcome": outcome(run), "files": files, "facts": facts}

    def _elapsed(self, run: Mapping[str, Any]) -> float:
        detected = parse_time(run["detected_at"])
        spent = sum(float(value) for value in run["phases"].values() if value)
        return max(spent, (self.now - detected.astimezone(timezone.utc)).total_seconds()) if detected else spent

    def _pages(self, name: str, run: Mapping[str, Any]) -> dict[str, str]:
        """Write the page and the ticket text beside the log; a page that cannot be made never fails a rollback."""
        if run["data_after"]:
            # What the page shows stands in the journal.
            Journal(self.stack, name).append("data", **run["data_after"])
        events = read_events(self._journal(name))
        if not any(item["event"] == "end" for item in events):
            events.append(closing(run, self.generated, events))
        try:
            document = run_document(run_record(name, events), self.contacts, self.generated)
        except Exception:  # noqa: BLE001  # whatever a journal holds: the last screen is what counts
            return {}
        return self._write(os.path.dirname(run["log"]), name, document, ("html", "md"))

    def _log(self, log: str, screen: Sequence[str]) -> None:
        """Add the last screen to the log that was followed, or begin one."""
        before = self.runner.read(log).decode("utf-8", "replace") if self.runner.exists(log) else f"{self.generated}\n"
        self.runner.make_dir(os.path.dirname(log), FOLDER_MODE)
        self._put(log, before + "\n".join(screen) + "\n")

    def _put(self, path: str, text: str) -> None:
        self.runner.write(path, text.encode("utf-8", "backslashreplace"), mode=FILE_MODE)

    def _write(
        self, folder: str, name: str, document: Mapping[str, Any], kinds: Sequence[str] = ("html", "json", "md")
    ) -> dict[str, str]:
        """Write a document as NAME.KIND each; return kind → path."""
        if not self.write:
            return {}
        document = complete_tree(document, self.stack.command)
        self.runner.make_dir(folder, FOLDER_MODE)
        files = {kind: os.path.join(folder, f"{name}.{kind}") for kind in kinds}
        for kind, path in files.items():
            self._put(path, RENDER[kind][0 if document["schema"] == RUN_SCHEMA else 1](document))
        return files


def message_facts(run: Mapping[str, Any], screen: Sequence[str]) -> dict[str, str]:
    """Return what a message about the end of a run says; the names are those of notification.py."""
    spent = sum(float(value) for value in run["phases"].values() if value)
    return {
        "run": str(run["run"]),
        "target": str(run["backup"].get("id") or ""),
        "service": screen[-1],
        "cause": str(run["failure"]),
        "elapsed": f"{spent:.1f} of {run['timeout']} s",
        "escalation": next((line for line in screen if line.startswith("ESCALATION")), ""),
        "return_command": return_command(run),
        "log": f"{run['host']}:{run['log']}",
    }


def chosen(records: Sequence[Mapping[str, Any]], run: str) -> Mapping[str, Any]:
    """Return the record of one run, or of the newest one; an unknown id is an error that names the known ones."""
    if not records:
        raise RecoveryError("No run has left a journal here.", f"Journals lie in {FOLDER} of the stack's directory.")
    if run == LATEST:
        return records[-1]
    found = next((item for item in records if item["run"] == run), None)
    if found is None:
        known = ", ".join(item["run"] for item in reversed(records[-10:]))
        raise RecoveryError(f"{run} has no journal here.", f"The newest ones: {known}")
    return found


def scope_of(environment: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Return whose runs these are: the environment and its hosts."""
    hosts = sorted({str(item["host"]) for item in records if item["host"]})
    if len(hosts) > 3:
        return f"{environment} ({plural(len(hosts), 'host')})"
    return f"{environment} ({', '.join(hosts)})" if hosts else environment


def figure_lines(document: Mapping[str, Any]) -> list[str]:
    """Return the key figures as lines for a screen."""
    lines = [f"{plural(document['runs_known'], 'run')} of {document['scope']}"]
    for item in document["figures"]:
        state = "" if item["met"] is None else " met" if item["met"] else " MISSED"
        target = f"target {item['target']['sign']} {amount(item['target']['limit'], item['unit'])}{state}"
        runs = plural(item["measured_on"], "run")
        lines.append(f"{item['title']:<28} {amount(item['value'], item['unit']):<12} {target}, {runs}")
    return lines


def closing(run: Mapping[str, Any], wall: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the event that ends a journal whose run is just being reported, from what its screen says."""
    line = service_line(run)
    service = "back" if line.startswith(BACK) else "not back" if line.endswith("NOT BACK") else "not measured"
    return {
        "event": "end",
        "wall": wall,
        "mono": events[-1].get("mono") if events else 0.0,
        "outcome": outcome(run),
        "service": service,
        "not_measured": not_measured(run["checks"]),
        "seconds": round(sum(float(value) for value in run["phases"].values() if value), 3),
        "failure": run["failure"],
        "backup_id": run["backup"].get("id", ""),
        "snapshot_id": run["snapshot"].get("id", ""),
    }
