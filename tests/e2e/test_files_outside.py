"""What a definition names out of the stack's directory is read where it lies, and is in no backup."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator

import pytest
import releases
import stack_state
from lab import Lab, standing

CLIENT = "    env_file: config/${ENVIRONMENT}.env\n"
OUTSIDE = "    env_file: [../common.env]\n    volumes: [../certs:/certs:ro]\n"

pytestmark = pytest.mark.slow


class SharingLab(Lab):
    """The reference stack, whose client reads an environment file and mounts a directory beside the stack's own."""

    def deploy(self) -> None:
        """Write both, then bring everything up; the stack's own environment file moves out too."""
        (self.folder / "certs").mkdir(exist_ok=True)
        (self.folder / "certs" / "ca.pem").write_text("x\n", encoding="utf-8")
        (self.folder / "common.env").write_text("RELEASE=one\n", encoding="utf-8")
        path = self.stack.directory / "docker-compose.yml"
        text = path.read_text(encoding="utf-8")
        assert text.count(CLIENT) == 1
        path.write_text(text.replace(CLIENT, OUTSIDE), encoding="utf-8")
        super().deploy()


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharingLab]:
    """One such stack."""
    with standing(SharingLab(tmp_path_factory.mktemp("sharing"), f"kmr-sharing-{uuid.uuid4().hex[:8]}")) as lab:
        yield lab


def test_a_backup_is_complete_without_them_and_a_rollback_reads_them(sharing: SharingLab) -> None:
    good = sharing.state()
    backup = sharing.backup()
    manifest = json.loads((sharing.backup_path(backup) / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["complete"], manifest["notes"]
    sharing.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(sharing.stack, "kong", "client")

    done = sharing.play("rollback")

    assert done.rc == 0, done.output
    assert stack_state.environment_of(sharing.state(), "client")["RELEASE"] == "one"
    assert stack_state.differences(good, sharing.state(), identity=False, data=False) == []
    again = sharing.play("rollback")
    assert (again.rc, again.changed) == (0, 0), again.output


def test_compose_reads_an_environment_file_that_lies_outside(sharing: SharingLab) -> None:
    """An .env in the stack's directory does not stand in for it."""
    good = sharing.state()
    moved = sharing.folder / "production.env"
    shutil.copy2(sharing.stack.env_file, moved)
    dotenv = sharing.stack.directory / ".env"
    kept = dotenv.read_bytes()
    sharing.write_inventory(stack_env_file=str(moved))
    backup = sharing.backup()
    sharing.stack.set_env(KONG_LOG_LEVEL="debug")
    releases.up(sharing.stack, "kong")
    dotenv.write_bytes(b"KONG_LOG_LEVEL=error\n")
    os.chmod(dotenv, 0o600)

    done = sharing.play("rollback", "-e", f"deployment={backup}")

    assert done.rc == 0, done.output
    level = stack_state.environment_of(sharing.state(), "kong")["KONG_LOG_LEVEL"]
    assert level == stack_state.environment_of(good, "kong")["KONG_LOG_LEVEL"]
    assert dotenv.read_bytes() == kept
