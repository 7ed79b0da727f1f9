"""Bring the reference stack up or take it down::

    python tests/stack/program.py up [--dir .demo/stack] [--environment demo]
    python tests/stack/program.py down

Only the standard library is used, so that any Python runs it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from outside import StackError
from reference_stack import ROOT, ReferenceStack


def write_info(path: Path, stack: ReferenceStack) -> None:
    """Write the stack's description, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(stack.info(), indent=2) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Bring a stack up or take it down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("--dir", type=Path, default=ROOT / ".demo" / "stack", help="the stack's directory")
    parser.add_argument("--environment", default="demo")
    parser.add_argument("--project", help="the Compose project (default: kong-masking-ENVIRONMENT)")
    parser.add_argument("--keep-files", action="store_true", help="down: leave the directory and its backups")
    options = parser.parse_args(argv)
    directory: Path = options.dir.resolve()
    info = directory.parent / "stack.json"
    exists = (directory / ".env").exists()
    try:
        if options.action == "up":
            project = options.project or f"kong-masking-{options.environment}"
            stack = (
                ReferenceStack.load(directory)
                if exists
                else ReferenceStack.create(directory, project, options.environment)
            )
            seconds = stack.deploy()
            write_info(info, stack)
            print(f"stack {stack.project} is up after {seconds:.1f} s: {stack.proxy} (all addresses: {info})")
        elif exists:
            stack = ReferenceStack.load(directory)
            stack.down(remove_directory=not options.keep_files)
            info.unlink(missing_ok=True)
            print(f"stack {stack.project} is removed")
        else:
            info.unlink(missing_ok=True)
            print(f"no stack in {directory}")
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
