"""Playbooks without an engine: a fleet of folders with journals, and webhooks of every temper."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ansible_collections.kong_masking.recovery.tests.unit import journal_samples

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
SCREEN = {"ANSIBLE_STDOUT_CALLBACK": "kong_masking.recovery.recovery_screen"}


def fleet(folder: Path, **variables: Any) -> Path:
    """Two hosts of environment staging, five journals each, and a third one that nobody reaches."""
    hosts: dict[str, Any] = {}
    for number, name in enumerate(("gw1", "gw2")):
        journals = folder / name / ".recovery" / "journal"
        journals.mkdir(parents=True)
        for run, text in journal_samples.ten_runs()[number::2]:
            (journals / f"{run}.jsonl").write_text(text.replace("gw1", name), encoding="utf-8")
        hosts[name] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "stack_dir": str(folder / name),
        }
    nowhere = {"ansible_host": "127.0.0.1", "ansible_port": 1, "stack_dir": "/nowhere"}
    inventory = {
        "staging": {"hosts": hosts, "vars": {"stack_project": "gateway", **variables}},
        "development": {"hosts": {"gw3": nowhere}, "vars": {"stack_project": "gateway"}},
    }
    (folder / "hosts.yml").write_text(json.dumps(inventory), encoding="utf-8")
    return folder / "hosts.yml"


def play(
    playbook: str | Path, inventory: Path, *args: str, environ: dict[str, str] | None = None, env: str = "staging"
) -> Any:
    """Run one playbook; answers a finished process with its seconds."""
    name = str(playbook) if isinstance(playbook, Path) else f"playbooks/{playbook}.yml"
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    began = time.monotonic()
    done: Any = subprocess.run(
        [str(ANSIBLE_PLAYBOOK), name, "-i", str(inventory), "-e", f"env={env}", *args],
        cwd=ROOT,
        env={**kept, "LANG": "C.UTF-8", **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    done.seconds = time.monotonic() - began
    done.output = f"{done.stdout}\n{done.stderr}"
    return done


class EmptyEngine:
    """Answers like an engine on which nothing runs: enough for a rollback that finds no backup."""

    def __init__(self) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = {"ApiVersion": "1.41", "MinAPIVersion": "1.12"} if self.path.endswith("/version") else []
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"tcp://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End."""
        self.server.shutdown()
        self.server.server_close()


class Webhooks:
    """A server whose paths answer at once, after a long time, or with an error; it remembers what it was told."""

    def __init__(self, slow_seconds: float = 30.0) -> None:
        told: list[tuple[str, dict[str, Any]]] = []
        end = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.append((self.path.split("/")[1], json.loads(body)))
                if self.path.startswith("/slow"):
                    end.wait(slow_seconds)
                self.send_response(500 if self.path.startswith("/broken") else 200)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Say nothing."""

        self.told, self.end = told, end
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count: int, seconds: float = 10.0) -> None:
        """Wait until so many were told; a test then says what is missing."""
        end = time.monotonic() + seconds
        while len(self.told) < count and time.monotonic() < end:
            time.sleep(0.05)

    def close(self) -> None:
        """Let the slow ones go and end."""
        self.end.set()
        self.server.shutdown()
        self.server.server_close()
