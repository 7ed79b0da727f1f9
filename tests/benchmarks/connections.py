"""What the way to the target costs: a rollback with nothing to do, over SSH with and without pipelining, by mitogen.

A server of one's own on this machine, with keys of its own; the slow link is a relay that holds every piece back.
Prints the table and leaves it as docs/connections.md. MITOGEN names the folder that mitogen was installed into.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from bench import ROOT, about
from growth import a_lab, rolled_back
from ports import free_port

DELAY = 0.025
"""How long the relay holds a piece back, seconds; a round trip takes twice as long."""
# As in the shipped ansible.cfg, without a trace in the user's list of known hosts. mitogen reads the second one only.
SSH = {
    "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null",
    "ANSIBLE_HOST_KEY_CHECKING": "false",
}
SETTINGS = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile {folder}/pid
StrictModes no
PasswordAuthentication no
Subsystem sftp internal-sftp
"""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[int]:
    """An SSH server that lets this user in; its port."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    port = free_port()
    (folder / "sshd").write_text(SETTINGS.format(port=port, folder=folder), encoding="utf-8")
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd")], stderr=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def slow(port: int) -> Iterator[int]:
    """A port that leads to the other one, each piece DELAY late."""
    mine, loop = free_port(), asyncio.new_event_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def late(piece: bytes) -> None:
            writer.write(piece) if piece else writer.close()

        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                loop.call_later(DELAY, late, piece)
        loop.call_later(DELAY, late, b"")

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    listening = loop.run_until_complete(asyncio.start_server(accept, "127.0.0.1", mine))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield mine
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()


def ways(mitogen: str) -> dict[str, dict[str, str]]:
    """Each way by name, with the variables that choose it."""
    found = {"SSH, no pipelining": {"ANSIBLE_PIPELINING": "false"}, "SSH with pipelining, as shipped": {}}
    if mitogen:
        found["SSH, mitogen"] = {
            "PYTHONPATH": mitogen,
            "ANSIBLE_STRATEGY_PLUGINS": f"{mitogen}/ansible_mitogen/plugins/strategy",
            "ANSIBLE_STRATEGY": "mitogen_linear",
        }
    return found


def measure(rounds: int, mitogen: str) -> list[tuple[str, list[float], list[float]]]:
    """Seconds of each way, on the direct link and on the slow one, taken in turns."""
    rows = []
    with a_lab() as lab, tempfile.TemporaryDirectory(prefix="kmr-ssh-") as name, server(Path(name)) as port:
        folder = Path(name)
        rolled_back(lab)
        local = [rolled_back(lab) for _number in range(rounds)]
        rows.append(("no SSH: the controller is the target", local, []))
        with slow(port) as slow_port:
            seconds: dict[str, tuple[list[float], list[float]]] = {way: ([], []) for way in ways(mitogen)}
            for number in range(rounds + 1):
                for way, environ in ways(mitogen).items():
                    for column, at in enumerate((port, slow_port)):
                        taken = rolled_back(lab, *over(folder, at), environ={**SSH, **environ})
                        # The first of each also opens the connection that the others find open.
                        if number:
                            seconds[way][column].append(taken)
            rows += [(way, *columns) for way, columns in seconds.items()]
    return rows


def over(folder: Path, port: int) -> list[str]:
    """The options that send a playbook over SSH."""
    variables = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": str(port),
        "ansible_ssh_private_key_file": str(folder / "user"),
    }
    return [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "connections.md")
    options = parser.parse_args()
    facts = about()
    rows = measure(options.rounds, os.environ.get("MITOGEN", ""))
    base = statistics.median(rows[0][1])
    lines = ["# What the way to the target costs", "", f"`make bench-connections`: {facts['measured']}, commit"]
    lines += [f"{facts['commit']}, {facts['machine']}. A rollback that has nothing to do, {options.rounds} times each:"]
    lines += ["median of the whole run, as a multiple of the same without SSH.", ""]
    lines += [f"| way | direct link | {DELAY * 2000:.0f} ms a round trip |", "| --- | --- | --- |"]
    for way, direct, late in rows:
        cells = [f"{statistics.median(one) / base:.2f}" if one else "" for one in (direct, late)]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    print(text)
    options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
