"""Record what the sampler reads on the reference stack, well and in trouble, for the unit tests of the decision matrix.

    .venv/bin/python tests/e2e/record_series.py [NAME …]

writes tests/unit/recordings/assess/NAME.json. The text of the proxy's log is kept beside the readings.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
for place in (HERE, HERE.parent / "stack", HERE.parent.parent / "playbooks" / "collections"):
    sys.path.insert(0, str(place))

import stack_state  # noqa: E402
from lab import Lab  # noqa: E402
from outside import run  # noqa: E402

from ansible_collections.kong_masking.recovery.plugins.module_utils.assessment.assess_sampler import Sampler  # noqa: E402
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.docker_stack import DockerStack  # noqa: E402
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.engine_readings import log_since  # noqa: E402
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner  # noqa: E402
from ansible_collections.kong_masking.recovery.tests.unit.samples import stack  # noqa: E402

FOLDER = HERE.parent / "unit" / "recordings" / "assess"
Trouble = Callable[[Lab], "contextlib.AbstractContextManager[None]"]


def kong_id(lab: Lab) -> str:
    return str(lab.stack.containers()["kong"]["Id"])


@contextlib.contextmanager
def healthy(lab: Lab) -> Iterator[None]:
    yield


@contextlib.contextmanager
def kong_stopped(lab: Lab) -> Iterator[None]:
    lab.stack.compose("stop", "-t", "1", "kong")
    yield
    lab.stack.compose("start", "kong")


@contextlib.contextmanager
def kong_restarts_once(lab: Lab) -> Iterator[None]:
    late = threading.Timer(3, lambda: lab.stack.compose("restart", "-t", "0", "kong"))
    late.start()
    yield
    late.join()


@contextlib.contextmanager
def mappings_disagree(lab: Lab) -> Iterator[None]:
    with stack_state.connect(lab.stack) as client:
        client.set("aws_masker:map:AWS_EC2_101", "i-somebodyelse", ex=86400)
        client.set("aws_masker:cnt:ec2", 3)
    yield


@contextlib.contextmanager
def process_killed_for_memory(lab: Lab) -> Iterator[None]:
    late = threading.Timer(2, lambda: run(["docker", "exec", kong_id(lab), "sh", "-c", "tail /dev/zero"], check=False))
    late.start()
    yield
    late.join()


@contextlib.contextmanager
def processor_full(lab: Lab) -> Iterator[None]:
    run(["docker", "update", "--cpus", "0.1", kong_id(lab)])
    busy = subprocess.Popen(["docker", "exec", kong_id(lab), "timeout", "25", "sh", "-c", "while :; do :; done"])
    time.sleep(2)
    yield
    busy.wait()
    run(["docker", "update", "--cpus", "2", kong_id(lab)])


@contextlib.contextmanager
def slow(lab: Lab) -> Iterator[None]:
    run(["docker", "update", "--cpus", "0.04", kong_id(lab)])
    time.sleep(1)
    yield
    run(["docker", "update", "--cpus", "2", kong_id(lab)])


@contextlib.contextmanager
def client_stopped(lab: Lab) -> Iterator[None]:
    lab.stack.compose("stop", "-t", "1", "client")
    yield
    lab.stack.compose("start", "client")


SERIES: dict[str, tuple[Trouble, float]] = {
    "healthy": (healthy, 10),
    "kong_stopped": (kong_stopped, 14),
    "kong_restarts_once": (kong_restarts_once, 24),
    "mappings_disagree": (mappings_disagree, 4),
    "process_killed_for_memory": (process_killed_for_memory, 8),
    "processor_full": (processor_full, 9),
    "slow": (slow, 10),
    "client_stopped": (client_stopped, 5),
}


def record(lab: Lab, name: str) -> None:
    """Record one series of a stack in its good state."""
    trouble, window = SERIES[name]
    engine = DockerStack(lab.project)
    arguments = stack(dir=str(lab.stack.directory), project=lab.project)
    began = time.time()
    with trouble(lab):
        readings = Sampler(arguments, engine, Runner()).take(window, 0.5, time.time() - began + 1, [])
        now = time.time()
        log = log_since(engine, engine.containers()["nginx"], began)
    text = json.dumps({"now": now, "readings": readings, "proxy_log": log.splitlines()})
    (FOLDER / f"{name}.json").write_text(text.replace(lab.project, "gateway") + "\n", encoding="utf-8")


def main() -> None:
    """Record all series, or those that are named."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), f"kmr-record-{uuid.uuid4().hex[:8]}")
        try:
            lab.deploy()
            for name in sys.argv[1:] or SERIES:
                lab.reset()
                lab.wait_masked()
                print(name, flush=True)
                record(lab, name)
        finally:
            lab.down()


if __name__ == "__main__":
    main()
