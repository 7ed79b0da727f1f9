"""A steady load of masking requests, and a watch on the arguments of processes."""

from __future__ import annotations

import dataclasses
import os
import secrets
import threading
import time
from itertools import count, pairwise
from pathlib import Path
from types import TracebackType

from outside import http
from reference_stack import ReferenceStack

RATE = 20
SENDERS = 12
TIMEOUT = 2.0
# A request that its time has left so far behind is one that a real client would not send any more.
TOO_LATE = 0.5


@dataclasses.dataclass
class Answer:
    """One request: when it ended (monotonic), its status (0 for none), the identifier, and what came back."""

    at: float
    status: int
    probe: str
    identifier: str
    body: bytes


class Load:
    """Sends new identifiers through the proxy, so many a second, for as long as its block lasts.

    A request that hangs does not hold the next ones up, until all senders hang: what cannot be sent then counts as
    failed.
    """

    def __init__(self, stack: ReferenceStack, rate: float = RATE) -> None:
        self.stack, self.rate = stack, rate
        self.answers: list[Answer] = []
        self._ticks = count()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _number in range(SENDERS)]

    def __enter__(self) -> Load:
        self.began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        self.answers.sort(key=lambda one: one.at)

    def _send(self) -> None:
        while True:
            due = self.began + next(self._ticks) / self.rate
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            probe, identifier = secrets.token_hex(8), f"i-{secrets.token_hex(9)[:17]}"
            if time.monotonic() - due > TOO_LATE:
                self.answers.append(Answer(time.monotonic(), 0, probe, identifier, b"not sent: too late"))
                continue
            body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": f"Look at {identifier}"}]}
            try:
                status, reply = http(
                    "POST", f"{self.stack.proxy}/v1/messages", body, {"X-Probe-Id": probe}, timeout=TIMEOUT
                )
            except Exception as error:  # noqa: BLE001  no answer is an answer here
                status, reply = 0, repr(error).encode()
            self.answers.append(Answer(time.monotonic(), status, probe, identifier, reply))

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

    @property
    def gap(self) -> float:
        """The longest time (s) between two requests that were answered with 200."""
        times = [one.at for one in self.answers if one.status == 200]
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)

    def line(self, what: str) -> str:
        """One line for people."""
        return f"{what}: {len(self.failed)} of {len(self.answers)} requests failed, longest gap {self.gap:.2f} s"


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
