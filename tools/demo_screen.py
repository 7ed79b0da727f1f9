"""Read a playbook's output on standard input and write it on 80 columns: a line a task, and what it says to a person.

Nothing is reworded. Left out are Ansible's frame, the checks that passed (they are counted), and warnings; the whole
output is in the log that the demo names.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator

import yaml

TASK = re.compile(r"TASK \[(?:[\w.]+ : )?(.*?)\] \**")
SAYS = re.compile(r"(?:ok|changed|fatal|failed): \[.*?\](?:: FAILED!)?(?: \(item=.*\))? =>\s*(.*)")
HIDDEN = ("Validating arguments",)
WIDTH = 80


def blocks(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield ("task", its name) and ("message", YAML text) as they come."""
    message: list[str] | None = None
    for raw in lines:
        line = raw.rstrip("\n")
        if message is not None:
            if line.startswith("    "):
                message.append(line[4:])
                continue
            yield "message", "\n".join(message)
            message = None
        if found := TASK.fullmatch(line):
            yield "task", found[1]
        elif SAYS.fullmatch(line):
            message = []
    if message:
        yield "message", "\n".join(message)


def sentences(text: str) -> list[str]:
    """The strings of a message: the items of a list, the lines of a mapping."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return text.split("\n")
    if not isinstance(content, dict):
        return []
    if "msg" in content:
        content = content["msg"]
    elif len(content) == 1:
        content = next(iter(content.values()))
    if isinstance(content, list):
        return [str(item) for item in content]
    if isinstance(content, dict):
        return [f"{name}: {value}" for name, value in content.items() if value and not isinstance(value, dict)]
    return [str(content)]


def condensed(found: list[str]) -> Iterator[str]:
    """Count the checks that passed; everything else stays, each sentence once."""
    passed = sum(line.startswith("passed  ") for line in found)
    for line in found:
        if not line.startswith("passed  "):
            yield line
    if passed:
        yield f"{passed} of {len(found)} checks passed"


def main() -> None:
    """Copy standard input to standard output, condensed."""
    for kind, text in blocks(iter(sys.stdin)):
        if kind == "task":
            if not text.startswith(HIDDEN):
                print(f"  . {text.rpartition('| ')[2]}"[:WIDTH], flush=True)
            continue
        for line in condensed(sentences(text)):
            indent = 6 + len(line) - len(line.lstrip())
            for row in textwrap.wrap(
                line.strip(),
                WIDTH,
                initial_indent=" " * indent,
                subsequent_indent=" " * (indent + 2),
                break_on_hyphens=False,
            ):
                print(row, flush=True)


if __name__ == "__main__":
    main()
