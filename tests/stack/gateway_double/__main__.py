"""The master process: starts, forks workers, keeps them alive, reloads, stops.

It reads the declarative file and opens the sockets; the workers inherit them, so that a reload loses no connection and
a stopped (SIGSTOP) worker freezes what it accepted while the master goes on looking healthy.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from dataclasses import replace

from . import plugins, worker
from .declarative import Config, parse_file
from .log import HINT, log
from .problems import ConfigError
from .settings import Address, Settings, SettingsError, load
from .state import State, Store

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD}
STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
KILL_AFTER_SECONDS = 1.0
INIT = "/usr/local/share/lua/5.1/kong/init.lua"
TRACE = (
    "stack traceback:\n\t[C]: in function '{function}'\n\t" + INIT + ":{line}: in function 'init'\n"
    "\tinit_by_lua(nginx-kong.conf:45):3: in main chunk"
)


def init_failed(message: str, line: int = 731, function: str = "error") -> str:
    """What the error log says when the gateway gives up while it starts; it says it twice."""
    text = f"init_by_lua error: {INIT}:{line}: {message}\n{TRACE.format(function=function, line=line)}"
    log("error", text)
    print(f"nginx: [error] {text}", file=sys.stderr, flush=True)
    return text


class Master:
    """The first process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.state_file)
        self.available = plugins.available(settings)
        self.sockets: dict[str, list[socket.socket]] = {}
        self.workers: set[int] = set()
        self.reload_at: float | None = None

    def read_config(self) -> Config | None:
        """The declarative file; None when none is set."""
        path = self.settings.declarative_config
        return parse_file(path, self.available) if path else None

    def first_state(self) -> State:
        """The file's configuration; without a file, the one that was posted before the last stop."""
        config = self.read_config()
        state = State(master=os.getpid(), plugins=self.available)
        if config:
            return state.with_config(config)
        try:
            last = self.store.read()
        except (OSError, ValueError, TypeError):
            return state
        return replace(state, entities=last.entities, hash=last.hash)

    def listen(self) -> None:
        """Open every socket that was asked for."""
        for name in ("admin", "proxy", "status"):
            self.sockets[name] = [_open(address) for address in getattr(self.settings, f"{name}_listen")]

    def fork(self) -> set[int]:
        """Start a full set of workers."""
        return {self._fork_one() for _unused in range(self.settings.workers)}

    def _fork_one(self) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                worker.run(self.settings, self.sockets, os.getppid())
            finally:
                os._exit(1)
        log("notice", f"start worker process {pid}")
        return pid

    def publish(self, state: State) -> None:
        """Tell the workers, who they themselves are included."""
        self.store.write(replace(state, workers=sorted(self.workers)))

    def reload(self) -> None:
        """Load the file anew into new workers; with a broken file everything goes on as it was."""
        self.reload_at = None
        state = replace(self.store.read(), plugins=self.available)
        try:
            config = self.read_config()
        except ConfigError as exc:
            init_failed(f"error parsing declarative config file {self.settings.declarative_config}:\n{exc}")
            return
        old, state = self.workers, state.with_config(config) if config else state
        self.store.write(state)
        self.workers = self.fork()
        self.publish(state)
        _signal(old, signal.SIGQUIT)

    def reap(self) -> None:
        """Collect the dead; a worker that was not told to go is replaced."""
        while True:
            try:
                pid, _unused = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.workers:
                log("alert", f"worker process {pid} exited")
                self.workers.remove(pid)
                self.workers.add(self._fork_one())
                self.publish(self.store.read())

    def run(self) -> int:
        """Start, serve, stop: the exit code."""
        ready = time.monotonic() + self.settings.boot_seconds
        while (left := ready - time.monotonic()) > 0:
            if _next_signal(left) in STOP:
                return 0
        try:
            state = self.first_state()
        except ConfigError as exc:
            init_failed(f"error parsing declarative config file {self.settings.declarative_config}:\n{exc}")
            return 1
        self.listen()
        self.store.write(state)
        self.settings.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.settings.pid_file.write_text(f"{os.getpid()}\n")
        log("notice", "start worker processes")
        self.workers = self.fork()
        self.publish(state)
        received = self.serve()
        for opened in self.sockets.values():
            for each in opened:
                each.close()
        self.end_workers(received)
        self.settings.pid_file.unlink(missing_ok=True)
        return 0

    def end_workers(self, received: int) -> None:
        """Let requests end after SIGQUIT; else be quick, and kill what does not go within a second."""
        ending, self.workers = self.workers, set()
        _signal(ending, signal.SIGQUIT if received == signal.SIGQUIT else signal.SIGTERM)
        deadline = None if received == signal.SIGQUIT else time.monotonic() + KILL_AFTER_SECONDS
        while ending:
            ending = {pid for pid in ending if os.waitpid(pid, os.WNOHANG) == (0, 0)}
            if ending and _next_signal(0.05) in (signal.SIGTERM, signal.SIGINT):
                deadline = time.monotonic() + KILL_AFTER_SECONDS
                _signal(ending, signal.SIGTERM)
            if deadline is not None and time.monotonic() > deadline:
                _signal(ending, signal.SIGKILL)

    def serve(self) -> int:
        """Wait for signals; returns the one that ends it."""
        while True:
            wait = 3600.0 if self.reload_at is None else max(0.0, self.reload_at - time.monotonic())
            received = _next_signal(wait)
            if received in STOP:
                return received
            if received == signal.SIGHUP:
                self.reload_at = time.monotonic() + self.settings.reload_seconds
            elif received == signal.SIGCHLD:
                self.reap()
            elif self.reload_at is not None and time.monotonic() >= self.reload_at:
                self.reload()


def _next_signal(seconds: float) -> int:
    received = signal.sigtimedwait(SIGNALS, seconds)
    return received.si_signo if received else 0


def _signal(pids: set[int], number: int) -> None:
    for pid in pids:
        os.kill(pid, number)


def _open(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    opened = socket.create_server((address.host, address.port), family=family, backlog=511)
    opened.setblocking(False)
    return opened


def main() -> int:
    """Entry point; what is wrong with a setting is said before anything is started."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        settings = load(os.environ)
    except SettingsError as exc:
        print(f"Error: {exc}{HINT}", file=sys.stderr)
        return 1
    try:
        master = Master(settings)
    except SettingsError as exc:
        init_failed(str(exc), line=708, function="assert")
        return 1
    try:
        return master.run()
    except PermissionError as exc:
        print(f"Error: could not prepare Kong prefix at {settings.prefix}: {exc}{HINT}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
