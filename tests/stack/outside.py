"""What the reference stack and its tests reach outside with: commands, HTTP requests, and waiting for an answer."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

# Made once: an opener loads every authority's certificate, which costs 20 ms of CPU.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StackError(RuntimeError):
    """The reference stack could not be brought where it was asked to be."""


def clean_environment() -> dict[str, str]:
    """Answer the caller's environment without what Compose would prefer to the stack's own files."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME") or name.startswith("DOCKER_")}


def run(
    command: list[str], *, cwd: Path | None = None, check: bool = True, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a command with a cleared environment; its error output is in the exception."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode != 0:
        raise StackError(f"{' '.join(command)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def http(
    method: str, url: str, body: object = None, headers: dict[str, str] | None = None, timeout: float = 5
) -> tuple[int, bytes]:
    """Send one request and answer its status and body, whatever the status."""
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Content-Type": "application/json", **(headers or {})},
    )
    try:
        with OPENER.open(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def wait_for(what: str, question: Callable[[], bool], timeout: float) -> None:
    """Ask every 50 ms until the answer is yes; a connection that fails means "not yet"."""
    end = time.monotonic() + timeout
    last: object = "no"
    while time.monotonic() < end:
        try:
            if question():
                return
            last = "no"
        except Exception as error:  # noqa: BLE001  a server that is starting answers anything, half lines included
            last = error
        time.sleep(0.05)
    raise StackError(f"{what}: not ready after {timeout:.0f} s (last answer: {last})")
