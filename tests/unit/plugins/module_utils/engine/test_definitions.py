"""What Compose says about definition files that are not in place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.definitions import (
    Definitions,
    drifts,
    find_client,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import CommandError, RecoveryError
from ansible_collections.kong_masking.recovery.tests.unit import samples

SECRET = "canary-s3cret-value"
FILES = {"docker-compose.yml": b"services: {}", "config/production.env": f"A=1\n{SECRET}=\n".encode()}
# By what a definition or the settings name something out of the stack's directory.
NAMED = b"services: {kong: {env_file: ../common.env}, client: {extends: {file: ../shared/x.yml}}}"
BESIDE = ("../common.env", "../shared/x.yml", "compose.yml", "on-disk.env")


class Compose(samples.RememberingRunner):
    """Answers like ``docker compose config``, with the paths of the directory that it was given."""

    def run(self, cmd, timeout=120.0, check=True):
        self.folder = cmd[cmd.index("--project-directory") + 1]
        self.seen = sorted(
            os.path.join(parent, name) for parent, _folders, names in os.walk(self.folder) for name in names
        )
        self.texts = [Path(path).read_text(encoding="utf-8") for path in self.seen]
        definition = {"kong": {"volumes": [{"source": f"{self.folder}/kong.yml"}]}}
        self.answers["docker"] = self.answers.get("docker") or json.dumps({"services": definition})
        return super().run(cmd, timeout, check)


def test_files_are_laid_out_elsewhere_and_paths_come_back_as_the_stacks():
    runner = Compose()
    found = Definitions(samples.stack(), runner, ("docker", "compose")).resolve(FILES)
    assert found == {"kong": {"volumes": [{"source": "/opt/gateway/kong.yml"}]}}
    assert runner.seen == [f"{runner.folder}/config/production.env", f"{runner.folder}/docker-compose.yml"]
    assert not os.path.exists(runner.folder)
    assert f"{runner.folder}/config/production.env" in runner.commands[0]


@pytest.mark.parametrize("path", ["/etc/passwd", "../shared.env", "config/../../shared.env"])
def test_what_leads_out_of_the_stack_is_not_laid_out(path):
    """It would be written where it lies."""
    runner = Compose()
    with pytest.raises(RecoveryError, match="is no file of the stack"):
        Definitions(samples.stack(), runner, ("docker", "compose")).resolve({path: b"A=1"})
    assert runner.commands == []


def test_absolute_paths_into_the_stack_lead_to_the_files_that_are_asked_about():
    """What lies on disk is another release's, or is gone."""
    text = b"""services: {kong: {env_file: [/opt/gateway/config/app.env, /opt/gateway/config/app.env.more,
        /etc/opt/gateway/config/app.env, "/opt/gateway/in-no-backup.env"], volumes: ["/opt/gateway/data:/x"]}}"""
    runner = Compose()
    files = {"docker-compose.yml": text, "config/app.env": b"A=1\n"}
    Definitions(samples.stack(), runner, ("docker", "compose")).resolve(files)
    (laid_out,) = [found for found in runner.texts if "services" in found]
    # What the backup does not hold is read where it lies, as Compose itself would.
    for path in (
        "/opt/gateway/config/app.env.more",
        "/etc/opt/gateway/config/app.env",
        "/opt/gateway/in-no-backup.env",
    ):
        assert path in laid_out
    assert laid_out.replace(f"[{runner.folder}/config/app.env,", "[/opt/gateway/config/app.env,").encode() == text
    assert runner.folder in laid_out


def test_absolute_paths_as_the_stack_was_deployed_and_as_defaults_lead_to_them_too(tmp_path):
    """The stack's directory is reached by a link, and a variable may have such a default."""
    (tmp_path / "releases").mkdir()
    (tmp_path / "gateway").symlink_to("releases")
    text = f"services: {{kong: {{env_file: ['{tmp_path}/gateway/a.env', '${{F:-{tmp_path}/releases/a.env}}']}}}}"
    runner = Compose()
    stack = samples.stack(tmp_path / "gateway")
    Definitions(stack, runner, ("docker", "compose")).resolve({"compose.yml": text.encode(), "a.env": b""})
    (laid_out,) = [found for found in runner.texts if "services" in found]
    assert laid_out == f"services: {{kong: {{env_file: ['{runner.folder}/a.env', '${{F:-{runner.folder}/a.env}}']}}}}"


@pytest.mark.parametrize(
    ("link", "text", "settings"),
    [(False, NAMED, {}), (True, NAMED, {}), (False, b"services: {}", {"env_file": "../common.env"})],
    ids=["by-the-definition", "of-a-stack-behind-a-link", "by-the-settings"],
)
def test_what_lies_beside_the_stack_is_read_where_it_is(tmp_path, link, text, settings):
    """Compose takes ``../common.env`` from the directory that it is given."""
    folder = tmp_path / "releases" / "7" if link else tmp_path / "gateway"
    folder.mkdir(parents=True)
    (folder / "on-disk.env").write_text("", encoding="utf-8")
    if link:
        (tmp_path / "gateway").symlink_to(folder)
    (tmp_path / "common.env").write_text("A=1\n", encoding="utf-8")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "x.yml").write_text("services: {}", encoding="utf-8")

    class Looking(Compose):
        def run(self, cmd, timeout=120.0, check=True):
            folder = cmd[cmd.index("--project-directory") + 1]
            self.found = [Path(folder, name).exists() for name in BESIDE]
            return super().run(cmd, timeout, check)

    runner = Looking()
    stack = samples.stack(tmp_path / "gateway", **settings)
    Definitions(stack, runner, ("docker", "compose")).resolve({"compose.yml": text})
    assert runner.found == [True, True, True, False]
    assert runner.seen == [f"{runner.folder}/compose.yml"]
    assert ("--env-file" in runner.commands[0]) is bool(settings)
    assert (tmp_path / "common.env").exists()


@pytest.mark.parametrize("name", ["config/production.env", ".env"])
def test_the_environment_file_is_the_one_among_the_files_and_not_the_one_on_disk(tmp_path, name):
    (tmp_path / ".env").write_text("", encoding="utf-8")
    runner = Compose()
    files = {"docker-compose.yml": b"services: {}", ".env": b"", name: b"A=1\n"}
    Definitions(samples.stack(tmp_path), runner, ("docker", "compose")).resolve(files)
    assert f"{runner.folder}/{name}" in runner.commands[0]


def test_templates_are_asked_for():
    runner = Compose()
    Definitions(samples.stack(), runner, ("docker", "compose")).resolve(FILES, interpolate=False)
    assert runner.commands[0][-1] == "--no-interpolate"


def test_what_compose_cannot_read_is_a_reason_without_secrets():
    """Compose quotes the line that it stumbles over: ``unexpected character "+" in variable name "SECRET+..."``."""
    error = CommandError(["docker", "compose"], 1, "", f'line 2: unexpected character "+" in variable name "{SECRET}"')
    runner = Compose({"docker": error})
    files = {**FILES, "config/production.env": f"REDIS_PASSWORD=x\n{SECRET}+=\n".encode()}
    found, problem = Definitions(samples.stack(), runner, ("docker", "compose")).try_resolve(files)
    assert found == {}
    assert problem
    assert SECRET not in problem


class Images:
    """An engine that knows one image."""

    def image_id(self, _reference):
        return "sha256:kong"

    def image_facts(self, _reference):
        return {"env": {"LANG": "C"}, "labels": {}}


def test_drifts():
    containers = {
        "kong": samples.container("kong", env={"A": "1", "LANG": "C"}),
        "gone": samples.container("gone"),
        "same": samples.container("same", env={"LANG": "C"}),
    }
    assert drifts({"kong": {"environment": {"A": "2"}}, "same": {}}, containers, Images()) == {
        "kong": {"env.A": ("1", "2")},
        "gone": {"service": ("present", "absent")},
    }


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_no_compose_client(path):
    runner = samples.RememberingRunner()
    runner.environ = {"PATH": path}
    with pytest.raises(RecoveryError, match="neither `docker compose` nor `docker-compose`"):
        find_client(runner)


@pytest.mark.parametrize("broken", [True, False], ids=["a-profile-cannot-be-read", "every-profile"])
def test_a_profile_that_cannot_be_read_does_not_hide_the_others(broken):
    class Picky(Compose):
        def run(self, cmd, *rest, **options):
            if "--profile" in cmd and broken:
                self.commands.append(list(cmd))
                raise CommandError(cmd, 1, "", "env file debug.env not found")
            return super().run(cmd, *rest, **options)

    runner = Picky()
    Definitions(samples.stack(), runner, ("docker", "compose"), every_profile=True).resolve(FILES)
    assert ["--profile" in cmd for cmd in runner.commands] == ([True, False] if broken else [True])
