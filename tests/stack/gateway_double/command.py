"""The ``kong`` command, as far as the recordings and the stack use it.

A health check runs it every few seconds on every stack: what takes long to import is imported where it is needed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from . import VERSION
from .log import HINT, log
from .problems import ConfigError
from .settings import Settings, SettingsError, load

CONFIGURATION_FILE = "/etc/kong/kong.conf"


class CommandError(Exception):
    """What the command says on standard error before it exits with 1."""


def _master(settings: Settings, prefix: Path) -> int | None:
    """The process id of a living master."""
    try:
        pid = int((prefix / settings.pid_file.relative_to(settings.prefix)).read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def _stale_readers(settings: Settings) -> None:
    """The harmless warning of every command that opens the running gateway's database."""
    if _master(settings, settings.prefix):
        log("warn", "found and cleared 1 stale readers from LMDB")


def health(settings: Settings, prefix: Path) -> None:
    """Healthy when the master exists; nothing more is looked at."""
    if not prefix.is_dir():
        raise CommandError(f"no such prefix: {prefix}")
    if _master(settings, prefix) is None:
        print("nginx.......not running\n")
        raise CommandError(f"Kong is not running at {prefix}")
    print(f"nginx.......running\n\nKong is healthy at {prefix}")


def reload(settings: Settings, prefix: Path) -> None:
    """Signal the master. Whether it then likes the file, this command does not learn."""
    if not prefix.is_dir():
        raise CommandError(f"no such prefix: {prefix}")
    pid = _master(settings, prefix)
    if pid is None:
        raise CommandError(f"nginx not running in prefix: {prefix}")
    _stale_readers(settings)
    os.kill(pid, signal.SIGHUP)
    print("Kong reloaded")


def parse(settings: Settings, path: Path) -> None:
    """Validate a file."""
    from . import plugins
    from .declarative import parse_file

    _stale_readers(settings)
    try:
        parse_file(path, plugins.available(settings))
    except ConfigError as exc:
        print()
        raise CommandError(f"Failed parsing:\n{exc}") from exc
    print("parse successful")


def check(path: str) -> int:
    """Look at the configuration file (which containers do not have)."""
    if not os.path.exists(path):
        stamp = time.strftime("%Y/%m/%d %H:%M:%S")
        print(f"{stamp} [error] no file at: {path}", file=sys.stderr)
        return 1
    print(f"configuration at {path} is valid")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kong")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("version", "start", "docker-start"):
        commands.add_parser(name)
    for name in ("health", "reload"):
        commands.add_parser(name).add_argument("-p", "--prefix", type=Path)
    commands.add_parser("check").add_argument("file", nargs="?", default=CONFIGURATION_FILE)
    config = commands.add_parser("config")
    config.add_argument("action", choices=("parse", "db_import", "db_export", "init"))
    config.add_argument("file", type=Path, nargs="?")
    return parser.parse_args()


def main() -> int:
    """Entry point of ``/usr/local/bin/kong``."""
    arguments = _arguments()
    if arguments.command == "version":
        print(VERSION)
        return 0
    if arguments.command in ("start", "docker-start"):
        from .__main__ import main as serve

        return serve()
    if arguments.command == "check":
        return check(arguments.file)
    try:
        settings = load(os.environ)
        if arguments.command in ("health", "reload"):
            action = health if arguments.command == "health" else reload
            action(settings, arguments.prefix or settings.prefix)
        elif arguments.action == "parse" and arguments.file:
            parse(settings, arguments.file)
        elif arguments.action == "parse":
            raise CommandError("expected a declarative configuration file; see `kong config --help`")
        else:
            raise CommandError(f"'kong config {arguments.action}' only works with a database.")
    except (CommandError, SettingsError) as exc:
        sys.stdout.flush()
        print(f"Error: {exc}{HINT}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
