"""One reference stack with its inventory, and the playbooks driven as a user drives them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import redis
import stack_state
from leftovers import KEEP_LABEL
from outside import StackError, http, run, wait_for
from reference_stack import NOT_A_SECRET, ROOT, ReferenceStack
from stack_state import State
from target_python import target_python

ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
GOLDEN = "deploy-20260101-000000"
MAPPINGS = 50
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
INVENTORY = """
{environment}:
  hosts:
    {environment}-gateway:
      ansible_connection: local
      ansible_python_interpreter: {python}
  vars:
    stack_dir: {directory}
    stack_project: {project}
    stack_masking_probe: echo
    stack_echo_url: {upstream}
    recovery_runbook_dir: {directory}/../runbooks
"""


@dataclasses.dataclass
class Run:
    """One finished ansible-playbook: exit status, output and seconds."""

    rc: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def output(self) -> str:
        """Both streams; an assertion that fails shows it."""
        return f"{self.stdout}\n{self.stderr}"

    @property
    def flat(self) -> str:
        """Both streams with YAML's line folding and quoting undone, so that sentences are found."""
        return re.sub(r"\s+", " ", self.output).replace("''", "'")

    @property
    def changed(self) -> int:
        """How many tasks changed something, over all hosts."""
        return sum(int(row[2]) for row in RECAP.findall(self.stdout))

    @property
    def verdict(self) -> str:
        """The last line that speaks about the service."""
        found = re.findall(r"SERVICE: [^\n']*", self.stdout)
        return found[-1].strip() if found else ""


L = TypeVar("L", bound="Lab")


class Lab:
    """A deployed stack, its good state, and one backup of that state under a fixed id."""

    def __init__(self, folder: Path, project: str, environment: str = "staging", patient: bool = False) -> None:
        self.folder, self.project, self.environment, self.patient = folder, project, environment, patient
        # Every secret of the stack is a word that can be looked for.
        self.canaries = (f"Canary1-redis-{project}", f"sk-ant-Canary2-{project}")
        self.stack = ReferenceStack.create(folder / "stack", project, environment, redis_password=self.canaries[0])
        self.inventory = folder / "hosts.yml"
        self.built: set[str] = set()
        self.good: State | None = None

    # ------------------------------------------------------------------ life

    def deploy(self) -> None:
        """Bring the good release up with data in it, and remember its state."""
        for service in ("kong", "nginx"):
            # Images of this stack alone: taking them away at the end must not reach another stack's.
            with (self.stack.directory / service / "Dockerfile").open("a", encoding="utf-8") as file:
                file.write(f"LABEL kong_masking.e2e={self.project}\n")
        self.stack.set_env(ANTHROPIC_API_KEY=self.canaries[1])
        kong = self.stack.directory / "kong" / "kong.yml"
        kong.write_text(kong.read_text(encoding="utf-8").replace(NOT_A_SECRET, self.canaries[1]), encoding="utf-8")
        if not self.patient:
            self._shorten_waits()
        self.stack.deploy()
        self.seed()
        self.write_inventory()
        self.good = self.state()
        self.note_images()

    def _shorten_waits(self) -> None:
        """Take away what would be most of these tests' time: the client's grace, and whole health intervals."""
        compose = self.stack.directory / "docker-compose.yml"
        text = compose.read_text(encoding="utf-8").replace("interval: 30s", "interval: 3s")
        client = "    image: kong-masking-ref/client:1\n"
        compose.write_text(text.replace(client, f"{client}    stop_grace_period: 1s\n"), encoding="utf-8")

    def down(self) -> None:
        """Take everything away, also what keeps this stack's own images."""
        self.note_images()
        self.stack.down(remove_directory=True)
        for image in self.built:
            holding = run(["docker", "ps", "-aq", "--filter", f"label={KEEP_LABEL}={image}"]).stdout.split()
            if holding:
                run(["docker", "rm", "-f", *holding], check=False)
            run(["docker", "image", "rm", "-f", image], check=False)

    def reset(self) -> None:
        """Come back to the good state: cheaply when only data, logs and backups differ, else by a new deployment."""
        self.note_images()
        if self.good is None or not self._repaired(self.good):
            ports, password = self.stack.ports, self.stack.redis_password
            golden = self.golden_copy
            shutil.rmtree(golden, ignore_errors=True)
            self.down()
            self.stack = ReferenceStack.create(
                self.folder / "stack", self.project, self.environment, ports=ports, redis_password=password
            )
            self.deploy()
            return
        assert self.good is not None
        stack_state.put_keys(self.stack, self.good.keys)
        for name in ("backups", "logs", ".recovery"):
            shutil.rmtree(self.stack.directory / name, ignore_errors=True)

    def _repaired(self, good: State) -> bool:
        """Bring back only what a test has changed; whether that was enough, compared exactly."""
        found = stack_state.differences(good, self.state(), identity=False, data=False)
        if not found:
            return True
        now = self.state()
        touched = stack_state.put_files(self.stack.directory, good.files, now.files)
        for reference, image in good.images.items():
            if now.images.get(reference) != image:
                run(["docker", "tag", image, reference], check=False)
        anew = {name for name in good.services if any(f"service {name} " in line for line in found)}
        anew |= {path.split("/")[0] for path in touched} & {"kong", "nginx", "redis"}
        anew |= {"kong"} if now.kong_hash != good.kong_hash else set()
        for service in ("redis", "upstream", "kong", "nginx", "client"):
            if service in anew:
                up = ("up", "-d", "--no-deps", "--no-build", "--pull", "never", "--force-recreate", "-t", "1", service)
                self.stack.compose(*up, check=False)
        try:
            wait_for("Redis", self.stack.redis_answers, 10)
            wait_for("Kong", self.stack.kong_configured, 20)
            self.stack.compose("exec", "-T", "nginx", "nginx", "-s", "reload", check=False)
            self.wait_masked(10)
        except StackError:
            return False
        return stack_state.differences(good, self.state(), identity=False, data=False) == []

    def note_images(self) -> None:
        """Remember the images that this stack built, so that nothing of them stays behind."""
        references = ("--filter", f"label=kong_masking.e2e={self.project}", "--no-trunc", "-q", "-a")
        self.built |= set(run(["docker", "image", "ls", *references]).stdout.split())

    @property
    def golden_copy(self) -> Path:
        """Where the one backup of the good state is kept between tests."""
        return self.folder / "golden"

    def golden(self) -> str:
        """Have a verified backup of the good state; taken once, and put back for every further test."""
        place = self.stack.directory / "backups" / "pre-deploy" / GOLDEN
        if not self.golden_copy.exists():
            done = self.play("backup", "-e", f"backup_id={GOLDEN}")
            assert done.rc == 0, done.output
            shutil.copytree(place, self.golden_copy, copy_function=shutil.copy2)
        elif not place.exists():
            place.parent.mkdir(parents=True, mode=0o700)
            shutil.copytree(self.golden_copy, place, copy_function=shutil.copy2)
        return GOLDEN

    def inventory_text(self, **further: Any) -> str:
        """The inventory as its user would write it; JSON is YAML."""
        text = INVENTORY.format(
            environment=self.environment,
            python=target_python(),
            directory=self.stack.directory,
            project=self.project,
            upstream=self.stack.upstream,
        )
        return text + "".join(f"    {name}: {json.dumps(value)}\n" for name, value in further.items())

    def write_inventory(self, **further: Any) -> None:
        """Write that inventory."""
        self.inventory.write_text(self.inventory_text(**further), encoding="utf-8")

    # ------------------------------------------------------------------ acting

    def command(self, playbook: str, *args: str, env: str | None = None) -> list[str]:
        """The command line that a user would type in the checkout."""
        which = self.environment if env is None else env
        words = [str(ANSIBLE_PLAYBOOK), f"playbooks/{playbook}.yml", "-i", str(self.inventory)]
        return [*words, *(["-e", f"env={which}"] if which else []), *args]

    def play(self, playbook: str, *args: str, env: str | None = None, environ: Mapping[str, str] | None = None) -> Run:
        """Run one playbook to its end."""
        started = time.monotonic()
        done = subprocess.run(
            self.command(playbook, *args, env=env),
            cwd=ROOT,
            env={**user_environment(), **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    def backup(self, *args: str) -> str:
        """Take a backup and answer its id."""
        before = set(self.backups())
        done = self.play("backup", *args)
        assert done.rc == 0, done.output
        (new,) = set(self.backups()) - before
        return new

    def backups(self) -> list[str]:
        """The ids of all backups on disk."""
        return sorted(path.parent.name for path in (self.stack.directory / "backups").glob("*/*/manifest.json"))

    def backup_path(self, backup_id: str) -> Path:
        """Where a backup lies."""
        (path,) = (self.stack.directory / "backups").glob(f"*/{backup_id}")
        return path

    def snapshots(self) -> list[str]:
        """The ids of the snapshots that rollbacks took, oldest first."""
        return [name for name in self.backups() if name.startswith("rollback-")]

    def record(self) -> dict[str, Any]:
        """The JSON record that the newest run left in logs/rollbacks."""
        logs = self.stack.directory / "logs" / "rollbacks"
        newest = max(logs.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        return json.loads(newest.read_text(encoding="utf-8"))

    # ------------------------------------------------------------------ looking

    def state(self) -> State:
        """Everything as it is now."""
        return stack_state.capture(self.stack)

    def seed(self) -> None:
        """Make mappings: a few by real requests, the others as the plugin writes them."""
        for _time in range(3):
            assert self.stack.probe()
        names = [f"i-{number:017x}" for number in range(1, MAPPINGS + 1)]
        with stack_state.connect(self.stack) as client:
            pipe = client.pipeline()
            for number, name in enumerate(names, 100):
                alias = f"AWS_EC2_{number:03d}"
                pipe.set(f"aws_masker:map:{alias}", name, ex=86400)
                pipe.set(f"aws_masker:rev:{_base64(name)}", alias, ex=86400)
            pipe.set("aws_masker:cnt:ec2", 99 + len(names))
            pipe.hset("another:family", mapping={"kept": "too"})
            pipe.execute()

    def wait_masked(self, seconds: float = 20) -> None:
        """Wait until a masking request passes and the upstream saw no identifier."""
        stack_state.wait_masked(self.stack, seconds)

    def key_count(self) -> int:
        """How many keys Redis holds."""
        with stack_state.connect(self.stack) as client:
            return int(client.dbsize())

    def redis(self) -> redis.Redis:
        """A client of the live Redis."""
        return stack_state.connect(self.stack)

    def ask(self, url: str) -> tuple[int, bytes]:
        """One GET."""
        return http("GET", url)


@contextlib.contextmanager
def standing(lab: L) -> Iterator[L]:
    """Deploy a stack with a backup of its good state, and take it down in the end."""
    try:
        lab.deploy()
        lab.golden()
        yield lab
    finally:
        lab.down()


def user_environment() -> dict[str, str]:
    """What a user's shell hands over, without anything that this test run itself is steered by."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME") or name.startswith("DOCKER_")}
    # The plain screen, whose recap is counted; what the checkout's own screen shows is a test of its own.
    return {**kept, "LANG": "C.UTF-8", "ANSIBLE_STDOUT_CALLBACK": "default"}


def actions(plan_or_run: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Actions in comparable form: what is done to what, in which order."""
    fields = ("step", "action", "service", "path", "reference", "image_id", "why", "beside")
    return [tuple(item.get(field) for field in fields) for item in plan_or_run]


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()
