"""The command line and the start, against what was recorded: exit codes and the words on both streams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gateway_processes import Double, running
from gateway_recordings import FIXTURES, declarative

STAMP = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d"
MINIMAL = b'_format_version: "3.0"\n'
# The names of the recorded files, and what was in them.
FILES = {
    "good": declarative("valid-yaml"),
    "kong": declarative("valid-yaml"),
    "dangling-ref": declarative("dangling-ref"),
    "dup": declarative("duplicate"),
    "empty": b"",
    "fmt99": declarative("format-9.9"),
    "invalid-yaml": declarative("invalid-yaml"),
    "minimal": MINIMAL,
    "no-format-version": declarative("no-format-version"),
    "nosuchfile": None,
    "schema-violation": declarative("schema-violation"),
    "unknown-field": declarative("unknown-plugin-field"),
    "unknown-plugin": declarative("unknown-plugin"),
}


@dataclass(frozen=True)
class Run:
    """A recorded command."""

    name: str
    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


def _run(path: Path) -> Run:
    head, _unused, rest = path.read_text().partition("--- stdout\n")
    stdout, _unused, stderr = rest.partition("--- stderr\n")
    command, code = head.splitlines()[:2]
    match = re.match(r"exit code: (\d+)", code)
    assert match
    return Run(path.stem, tuple(command.split()[2:]), int(match[1]), stdout, stderr)


RUNS = [_run(path) for path in sorted((FIXTURES / "3.9.1").glob("20[0-8]*.txt"))]
STARTS = sorted((FIXTURES / "3.9.1").glob("21[0-4]*.txt"))


def words(text: str, directory: Path) -> list[str]:
    """The lines without times, process ids and places; the order of entities is that of a hash table there."""
    text = text.replace(str(directory / "cfgs"), "/cfgs").replace(str(directory / "prefix"), "/usr/local/kong")
    lines = [re.sub(STAMP, "TIME", re.sub(r"\d+#\d+", "PID", line)).rstrip() for line in text.splitlines()]
    return sorted(line for line in lines if line and "stale readers" not in line and '"user" directive' not in line)


def write_files(directory: Path) -> None:
    """The files that the recorded commands name."""
    (directory / "cfgs").mkdir()
    for name, content in FILES.items():
        if content is not None:
            (directory / "cfgs" / f"{name}.yml").write_bytes(content)


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """A running double, to give commands to."""
    directory = tmp_path_factory.mktemp("command")
    write_files(directory)
    with running(Double(directory, declarative("valid-yaml"))) as started:
        yield started.ready()


@pytest.mark.parametrize("wanted", RUNS, ids=lambda wanted: wanted.name)
def test_command_is_as_recorded(wanted: Run, double: Double) -> None:
    """Exit code, standard output and standard error."""
    arguments = [a.replace("/cfgs/", f"{double.directory}/cfgs/") for a in wanted.arguments]
    found = double.command(*arguments)
    assert found.returncode == wanted.code
    assert words(found.stdout, double.directory) == words(wanted.stdout, double.directory)
    assert words(found.stderr, double.directory) == words(wanted.stderr, double.directory)


def test_commands_warn_about_stale_readers(double: Double) -> None:
    """Harmless words on standard error: a check for an empty stream fails on a good file."""
    found = double.command("config", "parse", str(double.file))
    assert found.returncode == 0
    assert re.fullmatch(STAMP + r" \[warn\] \d+#\d+: found and cleared 1 stale readers from LMDB\n", found.stderr)


NOT_REPRODUCED = {"212-start-mem-cache-bad"}  # a check of the real gateway's nginx


@pytest.mark.parametrize("path", [p for p in STARTS if p.stem not in NOT_REPRODUCED], ids=lambda path: path.stem)
def test_start_is_as_recorded(path: Path, tmp_path: Path) -> None:
    """Exit code 1 with the recorded words, or a running gateway."""
    write_files(tmp_path)
    command, facts, _unused, _unused, *log = path.read_text().splitlines()
    settings = dict(re.findall(r"-e (\w+)=(\S+)", command))
    settings = {name: value.replace("/cfgs/", f"{tmp_path}/cfgs/") for name, value in settings.items()}
    settings.setdefault("KONG_DECLARATIVE_CONFIG", "")
    with running(Double(tmp_path, None, **settings)) as started:
        if "running=true" in facts:
            assert started.ready().hash() == "0" * 32
            return
        assert started.popen.wait(10) == int(re.findall(r"exit code=(\d+)", facts)[0])
        notices = [line for line in log if "[notice]" not in line]
        assert words(started.output(), tmp_path) == words("\n".join(notices), tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KONG_LOG_LEVEL", "loud", "log_level has an invalid value: 'loud' (debug, info, notice, warn, error, crit, "),
        ("KONG_DATABASE", "postgres", "[PostgreSQL error] failed to retrieve PostgreSQL server_version_num"),
        ("KONG_ADMIN_LISTEN", "8001", "admin_listen must be of form: [off] | <ip>:<port> [ssl]"),
    ],
)
def test_bad_setting_stops_the_start(name: str, value: str, message: str, tmp_path: Path) -> None:
    """Said at once, before anything is read or opened."""
    with running(Double(tmp_path, MINIMAL, **{name: value})) as started:
        assert started.popen.wait(10) == 1
        assert f"Error: {message}" in started.output()


def test_health_without_a_master(tmp_path: Path) -> None:
    """A prefix alone is not a gateway."""
    with running(Double(tmp_path, MINIMAL, GATEWAY_DOUBLE_BOOT_SECONDS="60")) as started:
        found = started.command("health")
        assert (found.returncode, found.stdout) == (1, "nginx.......not running\n\n")
        assert "Kong is not running at" in found.stderr
        assert started.command("reload").returncode == 1
