"""What the gateway says on standard error."""

from __future__ import annotations

import os
import sys
import time

HINT = "\n\n  Run with --v (verbose) or --vv (debug) for more details"


def log(level: str, message: str) -> None:
    """A line of the error log."""
    stamp = time.strftime("%Y/%m/%d %H:%M:%S")
    print(f"{stamp} [{level}] {os.getpid()}#{os.getpid()}: {message}", file=sys.stderr, flush=True)
