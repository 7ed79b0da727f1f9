"""The ports of the tests' stacks: no two processes, no two stacks and no outgoing connection get the same."""

from __future__ import annotations

import dataclasses
import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

PATH = Path(__file__).resolve().parents[1] / "stack" / "ports.py"
spec = importlib.util.spec_from_file_location("ports", PATH)
assert spec is not None
assert spec.loader is not None
ports = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = ports
spec.loader.exec_module(ports)

HOLD = """
import pathlib, sys, ports
ports.LOCKS = pathlib.Path(sys.argv[1])
print(*(ports.free_port() for dummy in range(50)), flush=True)
input()
"""


def another(locks: Path) -> subprocess.Popen[str]:
    """A process that asks for 50 ports, prints them and lives until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(locks)],
        cwd=PATH.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> set[int]:
    """The ports that it printed."""
    assert process.stdout is not None
    return {int(port) for port in process.stdout.readline().split()}


def blocks(found: set[int]) -> set[int]:
    """The numbers of the blocks that they are from."""
    return {(port - ports.LOWEST) // ports.BLOCK for port in found}


def test_two_processes_never_get_the_same_port(tmp_path: Path) -> None:
    """Each has a block of its own while it lives."""
    with another(tmp_path / "locks") as one, another(tmp_path / "locks") as other:
        first, second = said(one), said(other)
        one.communicate("\n")
        other.communicate("\n")
    assert [len(first), len(second)] == [50, 50]
    assert first.isdisjoint(second)
    assert sorted([blocks(first), blocks(second)], key=max) == [{0}, {1}]


def test_a_killed_process_leaves_its_block(tmp_path: Path) -> None:
    """Who is killed unlocks nothing itself; the next one gets the same block."""
    found = []
    for _dummy in range(2):
        with another(tmp_path / "locks") as one:
            found.append(blocks(said(one)))
            one.kill()
    assert found == [{0}, {0}]


def test_a_port_that_is_listened_on_is_left_out() -> None:
    """Also one of this process's own block."""
    first = ports.free_port()
    with socket.create_server(("127.0.0.1", first)):
        found = {ports.free_port() for dummy in range(ports.BLOCK)}
    assert first not in found
    assert first in {ports.free_port() for dummy in range(ports.BLOCK)}


def test_a_stack_gets_five_ports_that_no_outgoing_connection_takes() -> None:
    """Linux takes those from 32768 on."""
    found = dataclasses.astuple(ports.Ports.free())
    assert len(set(found)) == 5
    assert max(found) < 32768
    assert ports.LOWEST + ports.BLOCK * ports.BLOCKS <= 32768
