"""A stack as others lay it out: links, lists of variables, environment files of any name, a job before Kong."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import releases
import stack_state
from lab import Lab
from outside import run

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
    lab = FieldLab(tmp_path_factory.mktemp("field"), f"kmr-field-{uuid.uuid4().hex[:8]}")
    try:
        lab.deploy()
        lab.golden()
        yield lab
    finally:
        lab.down()


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
