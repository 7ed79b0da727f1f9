"""A stack as others lay it out: links, lists of variables, environment files of any name, a job before Kong."""

from __future__ import annotations

import dataclasses
import re
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import releases
import stack_state
from lab import Lab, standing
from outside import run, wait_for

pytestmark = pytest.mark.slow

JOB = """
  init:
    image: kong-masking-ref/client:1
    command: ["true"]
    restart: "no"
    networks: [masking]
"""
AFTER_REDIS = "      redis:\n        condition: service_healthy\n"


class FieldLab(Lab):
    """The reference stack with the same services and another layout."""

    def deploy(self) -> None:
        """Lay the files out anew, then bring it up."""
        compose = self.stack.directory / "docker-compose.yml"
        text = compose.read_text(encoding="utf-8")
        job_first = "      init:\n        condition: service_completed_successfully\n"
        changes = {
            AFTER_REDIS: AFTER_REDIS + job_first,
            "    env_file: config/${ENVIRONMENT}.env\n": (
                "    env_file: .env.client\n    environment:\n      - RELEASE=${KONG_LOG_LEVEL}\n      - NOT_SET\n"
            ),
            "\nnetworks:\n": f"{JOB}\nnetworks:\n",
        }
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new, 1)
        compose.write_text(text, encoding="utf-8")
        (self.stack.directory / ".env.client").write_text("GREETING=hello\n", encoding="utf-8")
        for number in (1, 2):
            proxy_file(self, number).write_bytes(link(self).read_bytes() + f"# release {number}\n".encode())
        link(self).unlink()
        link(self).symlink_to(proxy_file(self, 1).name)
        super().deploy()
        releases.up(self.stack, "init")
        run(["docker", "wait", f"{self.project}-init-1"])


class OtherServicesLab(Lab):
    """A stack that has lost a service of the usual three; it is told of it by its settings."""

    lost = ""

    def deploy(self) -> None:
        """Bring the usual stack up, then the one without that service."""
        super().deploy()
        compose = self.stack.directory / "docker-compose.yml"
        text = compose.read_text(encoding="utf-8")
        without, count = re.subn(rf"  {self.lost}:\n.*?\n\n(?=  \w+:\n)", "", text, count=1, flags=re.DOTALL)
        assert count == 1, text
        compose.write_text(self.instead(without), encoding="utf-8")
        run(["docker", "rm", "-f", f"{self.project}-{self.lost}-1"])
        settings = self.settings()
        releases.up(self.stack, *(name for name in ("kong", "nginx", "client") if name != self.lost))
        if self.lost != "nginx":
            releases.reload_proxy(self)
        self.wait_masked(60)
        if self.lost == "redis":
            self.seed()
        self.write_inventory(**settings)
        self.good = self.state()

    def instead(self, text: str) -> str:
        """What the Compose file says without that service."""
        raise NotImplementedError

    def settings(self) -> dict[str, object]:
        """The inventory's settings; what stands in for the service is there afterwards."""
        raise NotImplementedError


class NoProxyLab(OtherServicesLab):
    """Clients ask Kong itself."""

    lost = "nginx"

    def instead(self, text: str) -> str:
        assert text.count("      nginx:\n") == 1, text
        return text.replace("      nginx:\n", "      kong:\n")

    def settings(self) -> dict[str, object]:
        self.stack.ports = dataclasses.replace(self.stack.ports, proxy=self.stack.ports.kong_proxy)
        return {"stack_proxy_service": ""}


class RedisElsewhereLab(OtherServicesLab):
    """A server that is not the project's, as a managed one; Kong knows it by another name than this host does."""

    lost = "redis"

    @property
    def elsewhere(self) -> str:
        return f"{self.project}-elsewhere"

    def instead(self, text: str) -> str:
        after, host = f"    depends_on:\n{AFTER_REDIS}", "REDIS_HOST: redis\n"
        assert after in text, text
        assert host in text, text
        return text.replace(after, "").replace(host, "REDIS_HOST: elsewhere\n")

    def settings(self) -> dict[str, object]:
        network, image = f"{self.project}_masking", "kong-masking-ref/redis:7"
        run(["docker", "run", "-d", "--name", self.elsewhere, "--network", network, "--network-alias", "elsewhere",
             "-p", f"127.0.0.1:{self.stack.ports.redis}:6379", image, "redis-server", "--requirepass",
             self.stack.redis_password])  # fmt: skip
        shown = f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}'
        address = run(["docker", "inspect", "-f", shown, self.elsewhere]).stdout.strip()
        wait_for("the Redis elsewhere", self.stack.redis_answers, 10)
        return {"stack_redis_host": address, "stack_redis_image": image}

    def down(self) -> None:
        """The stranger stands on the project's network, which could not be removed with it."""
        run(["docker", "rm", "-f", self.elsewhere], check=False)
        super().down()


def link(lab: Lab) -> Path:
    """The proxy's configuration, as Compose names it."""
    return lab.stack.directory / "nginx" / "conf.d" / "default.conf"


def proxy_file(lab: Lab, release: int) -> Path:
    """A release of the proxy's configuration."""
    return lab.stack.directory / "nginx" / "conf.d" / f"release-{release}.conf"


def seen_by_the_proxy(lab: Lab) -> str:
    """The last line of its configuration, as the container sees it."""
    command = ("exec", "-T", "nginx", "tail", "-n", "1", "/etc/nginx/conf.d/default.conf")
    return lab.stack.compose(*command).stdout.strip()


def job(lab: Lab) -> tuple[str, str]:
    """Which container the job was, and when it ran."""
    found = run(["docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", f"{lab.project}-init-1"]).stdout.split()
    return found[0], found[1]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One such stack for this module's tests, with a backup of its good state."""
    with standing(FieldLab(tmp_path_factory.mktemp("field"), f"kmr-field-{uuid.uuid4().hex[:8]}")) as lab:
        yield lab


def test_its_backup_is_complete_and_a_rollback_of_the_untouched_stack_changes_nothing(field: Lab) -> None:
    before, ran = field.state(), job(field)
    done = field.play("rollback")
    assert done.rc == 0, done.output
    assert done.changed == 0, done.output
    assert "not complete" not in done.flat
    assert field.state().identities() == before.identities()
    assert job(field) == ran
    assert link(field).is_symlink()


def test_a_link_that_a_release_pointed_elsewhere_leads_back(field: Lab) -> None:
    before, ran = field.state(), job(field)
    link(field).unlink()
    link(field).symlink_to(proxy_file(field, 2).name)
    field.stack.set_env(KONG_LOG_LEVEL="debug")
    (field.stack.directory / ".env.client").write_text("GREETING=goodbye\n", encoding="utf-8")
    field.stack.compose("restart", "-t", "1", "nginx")
    releases.up(field.stack, "kong", "client")
    field.wait_masked()
    assert seen_by_the_proxy(field) == "# release 2"

    done = field.play("rollback")

    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK", done.output
    after = field.state()
    assert link(field).is_symlink()
    assert link(field).readlink() == Path("release-1.conf")
    assert seen_by_the_proxy(field) == "# release 1"
    assert stack_state.environment_of(after, "client")["GREETING"] == "hello"
    assert stack_state.environment_of(after, "kong") == stack_state.environment_of(before, "kong")
    assert after.files == before.files
    assert job(field) == ran, "the job was run again"
    assert field.play("rollback").changed == 0


def test_what_a_link_shows_keeps_its_own_mode(field: Lab) -> None:
    shown = field.stack.directory / ".env"
    shown.unlink()
    shown.symlink_to(field.stack.env_file.relative_to(field.stack.directory))
    saved = field.backup()
    shown.unlink()

    done = field.play("rollback", "-e", f"deployment={saved}")

    assert done.rc == 0, done.output
    assert shown.is_symlink()
    assert stat.S_IMODE(shown.stat().st_mode) == 0o600


@pytest.fixture(scope="module", params=[NoProxyLab, RedisElsewhereLab], ids=["no-proxy", "redis-elsewhere"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherServicesLab]:
    """A stack without a proxy, then one without a Redis of its own, each with a backup of its good state."""
    with standing(request.param(tmp_path_factory.mktemp("other"), f"kmr-field-{uuid.uuid4().hex[:8]}")) as lab:
        yield lab


def test_a_stack_that_lacks_one_of_the_usual_services_passes_its_verification(other: OtherServicesLab) -> None:
    done = other.play("verify")
    assert done.rc == 0, done.output
    assert f"container_{other.lost}" not in done.output
    assert other.play("rollback").changed == 0


def test_and_is_rolled_back(other: OtherServicesLab) -> None:
    before = other.state()
    other.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(other.stack, "kong", "client")
    if other.lost != "nginx":
        releases.reload_proxy(other)
    other.wait_masked()

    done = other.play("rollback", "-e", "redis_data=keep")

    assert done.rc == 0, done.output
    assert done.verdict == "SERVICE: BACK", done.output
    after = other.state()
    assert stack_state.environment_of(after, "kong") == stack_state.environment_of(before, "kong")
    assert after.files == before.files
    assert set(after.services) == set(before.services)
    other.wait_masked()
