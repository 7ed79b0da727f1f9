"""A light constant load of masking requests, and a watch on the arguments of processes."""

from __future__ import annotations

import dataclasses
import os
import secrets
import threading
import time
from itertools import pairwise
from pathlib import Path
from types import TracebackType

from reference_stack import ReferenceStack, http

PAUSE = 0.04


@dataclasses.dataclass
class Answer:
    """One request: when it ended (monotonic), its status (0 for none), the identifier, and what came back."""

    at: float
    status: int
    probe: str
    identifier: str
    body: bytes


class Load:
    """Sends new identifiers through the proxy, one after the other, for as long as its block lasts."""

    def __init__(self, stack: ReferenceStack) -> None:
        self.stack = stack
        self.answers: list[Answer] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)

    def _send(self) -> None:
        while not self._stop.is_set():
            probe, identifier = secrets.token_hex(8), f"i-{secrets.token_hex(9)[:17]}"
            body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": f"Look at {identifier}"}]}
            try:
                status, reply = http("POST", f"{self.stack.proxy}/v1/messages", body, {"X-Probe-Id": probe})
            except Exception as error:  # noqa: BLE001  no answer is an answer here
                status, reply = 0, repr(error).encode()
            self.answers.append(Answer(time.monotonic(), status, probe, identifier, reply))
            time.sleep(PAUSE)

    @property
    def failed(self) -> list[Answer]:
        """Requests that were not answered with 200."""
        return [one for one in self.answers if one.status != 200]

    def wrong(self) -> list[str]:
        """Requests that are worse than failed: answered as if all were well, and masked wrongly or not at all."""
        found = []
        for one in self.answers:
            status, seen = http("GET", f"{self.stack.upstream}/__seen?probe={one.probe}")
            if status == 200 and one.identifier.encode() in seen:
                found.append(f"{one.identifier} reached the upstream unmasked ({one.status})")
            elif one.status == 200 and (status != 200 or b"_000" in seen or b"AWS_EC2_" not in seen):
                found.append(f"{one.identifier} went out as {seen[-120:]!r}")
            elif one.status == 200 and one.identifier.encode() not in one.body:
                found.append(f"{one.identifier} came back as {one.body[-120:]!r}")
        return found

    def line(self, what: str) -> str:
        """One line for people."""
        times = [one.at for one in self.answers if one.status == 200]
        gap = max((later - earlier for earlier, later in pairwise(times)), default=0.0)
        return f"{what}: {len(self.failed)} of {len(self.answers)} requests failed, longest gap {gap:.2f} s"


class ArgumentWatch:
    """Collects the command line of every process that appears while its block lasts, whoever started it."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._before = {name for name in os.listdir("/proc") if name.isdigit()}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> ArgumentWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)

    def _look(self) -> None:
        while not self._stop.is_set():
            for name in os.listdir("/proc"):
                if name.isdigit() and name not in self._before:
                    try:
                        self.seen.add(Path("/proc", name, "cmdline").read_bytes())
                    except OSError:
                        continue
            time.sleep(0.004)
