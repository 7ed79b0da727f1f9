"""The reference stack: a real Compose deployment as it is found in the field, for the tests and the demo.

As a library::

    stack = ReferenceStack.create(tmp_path / "stack", project="kmr-test-1", environment="staging")
    stack.deploy()
    stack.compose("up", "-d", "--no-deps", "kong")
    stack.down()

Only the standard library is used, so that any Python runs it. ``KONG_IMAGE`` in the environment names a real Kong to
take the gateway double's place, and ``KONG_PLUGIN_DIR`` the directory of the masking plugin for it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import leftovers
from outside import StackError, http, run, wait_for
from ports import Ports

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TEMPLATE = HERE / "template"
BUILD_IMAGES = HERE / "images" / "build"

GATEWAY_DOUBLE = "kong-masking-ref/gateway-double:3.9.1"
NOT_A_SECRET = "not-a-real-key-of-the-reference-stack"
SERVICES = ("redis", "kong", "nginx", "client", "upstream")
EMPTY_HASH = "0" * 32


@dataclasses.dataclass
class ReferenceStack:
    """One deployed copy of the template; several live side by side under different project names."""

    directory: Path
    project: str
    environment: str
    ports: Ports
    redis_password: str

    # ------------------------------------------------------------------ making and finding

    @classmethod
    def create(
        cls,
        directory: Path | str,
        project: str,
        environment: str = "demo",
        ports: Ports | None = None,
        redis_password: str | None = None,
        appendonly: bool = True,
        kong_image: str | None = None,
    ) -> ReferenceStack:
        """Lay the stack's directory out; nothing is started yet."""
        directory = Path(directory).resolve()
        if (directory / "docker-compose.yml").exists():
            raise StackError(f"there is a stack in {directory} already")
        stack = cls(
            directory=directory,
            project=project,
            environment=environment,
            ports=ports or Ports.free(),
            redis_password=redis_password or secrets.token_urlsafe(18),
        )
        shutil.copytree(TEMPLATE, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("stack.env.in"))
        plugin = os.environ.get("KONG_PLUGIN_DIR")
        if plugin:
            shutil.copytree(plugin, directory / "kong" / "plugins" / "aws-masker", dirs_exist_ok=True)
        values = {
            "ENVIRONMENT": environment,
            "PROJECT": project,
            "KONG_IMAGE": kong_image or os.environ.get("KONG_IMAGE") or GATEWAY_DOUBLE,
            "REDIS_PASSWORD": stack.redis_password,
            "REDIS_APPENDONLY": "yes" if appendonly else "no",
            "ANTHROPIC_API_KEY": NOT_A_SECRET,
            **{f"{name.upper()}_PORT": str(port) for name, port in dataclasses.asdict(stack.ports).items()},
        }
        text = (TEMPLATE / "stack.env.in").read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        (directory / "config").mkdir()
        (directory / "redis" / "data").mkdir()
        stack.write_env(text.encode())
        return stack

    @classmethod
    def load(cls, directory: Path | str) -> ReferenceStack:
        """Read a stack that was created before back from its directory."""
        directory = Path(directory).resolve()
        try:
            lines = (directory / ".env").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise StackError(f"no stack in {directory}") from None
        env = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        return cls(
            directory=directory,
            project=env["COMPOSE_PROJECT_NAME"],
            environment=env["ENVIRONMENT"],
            ports=Ports(**{f.name: int(env[f"{f.name.upper()}_PORT"]) for f in dataclasses.fields(Ports)}),
            redis_password=env["REDIS_PASSWORD"],
        )

    # ------------------------------------------------------------------ its files

    @property
    def env_file(self) -> Path:
        """The environment's own file, as the field keeps it; ``.env`` is its copy."""
        return self.directory / "config" / f"{self.environment}.env"

    def write_env(self, content: bytes) -> None:
        """Write the environment file and its copy."""
        for path in (self.env_file, self.directory / ".env"):
            path.write_bytes(content)
            path.chmod(0o600)

    def set_env(self, **settings: str) -> None:
        """Change settings in the environment file and its copy, as somebody who edits a release does."""
        lines = self.env_file.read_bytes().split(b"\n")
        for name, value in settings.items():
            start = f"{name}=".encode()
            at = next((i for i, line in enumerate(lines) if line.startswith(start)), None)
            if at is None:
                raise StackError(f"no setting {name} in {self.env_file}")
            lines[at] = start + value.encode()
        self.write_env(b"\n".join(lines))

    # ------------------------------------------------------------------ starting and stopping

    def compose(self, *args: str, check: bool = True, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run ``docker compose`` as the field does: in the stack's directory, which says all the rest."""
        return run(["docker", "compose", *args], cwd=self.directory, check=check, timeout=timeout)

    def deploy(self, timeout: float = 120) -> float:
        """Build and start everything, wait until a masking request passes, and return the seconds that it took.

        Compose waits for whole healthcheck intervals (over a minute here), so one service at a time is started
        without its dependencies, and readiness is asked of the service itself.
        """
        started = time.monotonic()
        run([str(BUILD_IMAGES)], timeout=600)
        self.compose("build", "--quiet")
        up = ("up", "-d", "--no-deps", "--no-build", "--pull", "never")
        self.compose(*up, "redis", "upstream")
        wait_for("Redis", self.redis_answers, timeout)
        self.compose(*up, "kong")
        wait_for("Kong's configuration", self.kong_configured, timeout)
        # Named together with nginx, the client would wait for its health in spite of --no-deps.
        self.compose(*up, "nginx")
        self.compose(*up, "client")
        wait_for("a masked request through the proxy", self.probe, timeout)
        return time.monotonic() - started

    def down(self, remove_directory: bool = False) -> None:
        """Remove the stack's containers, networks, volumes and own images, and its files when asked."""
        kept = leftovers.kept_images(self.directory, {str(one["Image"]) for one in self.containers().values()})
        self.compose("down", "-v", "--remove-orphans", "--timeout", "1", check=False)
        for image in kept:
            leftovers.free(image)
        for service in ("kong", "nginx"):
            run(["docker", "image", "rm", f"{self.project}-{service}"], check=False)
        if remove_directory:
            leftovers.remove_files(self.directory)

    # ------------------------------------------------------------------ asking

    @property
    def kong_admin(self) -> str:
        """Kong's Admin API."""
        return f"http://127.0.0.1:{self.ports.kong_admin}"

    @property
    def kong_proxy(self) -> str:
        """Kong's proxy, past nginx."""
        return f"http://127.0.0.1:{self.ports.kong_proxy}"

    @property
    def proxy(self) -> str:
        """What the clients use: nginx."""
        return f"http://127.0.0.1:{self.ports.proxy}"

    @property
    def upstream(self) -> str:
        """The echo that stands where the provider is."""
        return f"http://127.0.0.1:{self.ports.upstream}"

    def info(self) -> dict[str, Any]:
        """All that another program needs to reach the stack."""
        return {
            "project": self.project,
            "dir": str(self.directory),
            "environment": self.environment,
            "redis": {"host": "127.0.0.1", "port": self.ports.redis, "password": self.redis_password},
            "kong_admin": self.kong_admin,
            "kong_proxy": self.kong_proxy,
            "proxy": self.proxy,
            "upstream": self.upstream,
        }

    def containers(self, *, all_states: bool = True) -> dict[str, dict[str, Any]]:
        """Answer ``docker inspect`` of each service's container, by service."""
        which = ["-a"] if all_states else []
        ids = run(
            ["docker", "ps", "-q", "--no-trunc", *which,
             "--filter", f"label=com.docker.compose.project={self.project}",
             "--filter", "label=com.docker.compose.service"]
        ).stdout.split()  # fmt: skip
        if not ids:
            return {}
        found = json.loads(run(["docker", "inspect", *ids]).stdout)
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def redis_cli(self, *args: str, check: bool = True) -> str:
        """Run one command in the live Redis; the password goes by the container's environment."""
        shell = 'REDISCLI_AUTH="$REDIS_PASSWORD" exec redis-cli "$@"'
        done = self.compose("exec", "-T", "redis", "sh", "-c", shell, "redis-cli", *args, check=check)
        return done.stdout.rstrip("\n")

    def redis_answers(self) -> bool:
        """Tell whether Redis takes the password and answers."""
        with socket.create_connection(("127.0.0.1", self.ports.redis), timeout=2) as connection:
            password = self.redis_password.encode()
            connection.sendall(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\nPING\r\n" % (len(password), password))
            answer = b""
            while answer.count(b"\r\n") < 2 and not answer.startswith(b"-"):
                chunk = connection.recv(512)
                if not chunk:
                    break
                answer += chunk
        return answer == b"+OK\r\n+PONG\r\n"

    def kong_hash(self) -> str:
        """Answer the hash of the configuration that Kong has loaded."""
        return str(json.loads(http("GET", f"{self.kong_admin}/status")[1])["configuration_hash"])

    def kong_configured(self) -> bool:
        """Tell whether Kong has loaded a configuration."""
        return self.kong_hash() != EMPTY_HASH

    def probe(self, base: str | None = None) -> bool:
        """Send a new identifier through the proxy: it must come back, and the upstream must not have seen it."""
        probe_id = secrets.token_hex(8)
        identifier = f"i-{secrets.token_hex(9)[:17]}"
        body = {
            "model": "claude-3-5-sonnet-20241022",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": f"Test: {identifier}"}],
        }
        status, answer = http("POST", f"{base or self.proxy}/v1/messages", body, {"X-Probe-Id": probe_id})
        if status != 200 or identifier.encode() not in answer:
            return False
        status, seen = http("GET", f"{self.upstream}/__seen?probe={probe_id}")
        if status != 200 or identifier.encode() in seen:
            raise StackError("the identifier reached the upstream unmasked")
        return True
