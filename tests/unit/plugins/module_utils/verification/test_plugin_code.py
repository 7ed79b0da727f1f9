"""Which code of the plugin runs: the image's, or what was mounted when Kong started."""

from __future__ import annotations

import hashlib
import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import NotMeasured
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import plugin_code
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.plugin_code import MountedCode
from ansible_collections.kong_masking.recovery.tests.unit import samples

INSIDE = "/usr/local/share/lua/5.1/kong/plugins"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "aws-masker"
    place.mkdir()
    (place / "handler.lua").write_text('local H = { VERSION = "1.2.0" }\n')
    return place


def kong(destination, source, **env):
    return samples.container("kong", env=env, mounts=(samples.bind(source, destination),))


@pytest.mark.parametrize(
    ("destination", "env", "found"),
    [
        (f"{INSIDE}/aws-masker", {}, True),
        ("/usr/local/kong/plugins/aws-masker", {}, False),
        ("/opt/own/kong/plugins/aws-masker", {}, False),
        ("/opt/own/kong/plugins/aws-masker", {"KONG_LUA_PACKAGE_PATH": "/opt/own/?.lua;;"}, True),
    ],
    ids=["where-kong-looks", "unused", "unused-elsewhere", "own-path"],
)
def test_a_folder_that_kong_does_not_look_into_is_none(folder, destination, env, found):
    assert plugin_code.mounted_folder(kong(destination, folder, **env), "aws-masker") == (str(folder) if found else "")


def test_a_folder_of_all_plugins_is_found(folder):
    assert plugin_code.mounted_folder(kong(INSIDE, folder.parent), "aws-masker") == str(folder)


def test_what_lies_there(folder):
    code = plugin_code.mounted_code(Runner(), str(folder))
    (folder / "handler.lua").write_text('local H = { VERSION = "1.2.0" } -- other\n')
    assert code.version == "1.2.0"
    assert plugin_code.mounted_code(Runner(), str(folder)).digest != code.digest


CODE = MountedCode("/opt/plugin", "digest", "1.2.0", 1000.0)
SAME = {"container": "id", "started": 2000.0, "sha256": "digest"}


@pytest.mark.parametrize(
    ("loaded", "started", "before", "good", "text"),
    [
        ("1.2.0", 2000.0, {}, True, "version 1.2.0"),
        ("", 2000.0, {}, True, "as Kong read it"),
        ("1.1.0", 2000.0, {}, False, "loaded version 1.1.0"),
        ("1.2.0", 900.0, {}, False, "changed after Kong started"),
        ("1.2.0", 999.5, {}, True, "as Kong read it"),
        ("1.2.0", 2000.0, SAME, True, "as Kong read it"),
        ("1.2.0", 2000.0, {**SAME, "sha256": "other"}, False, "changed after Kong started"),
        ("1.2.0", 2000.0, {**SAME, "sha256": "other", "container": "old"}, True, "as Kong read it"),
        ("1.2.0", 2000.0, {**SAME, "sha256": "other", "started": 1.0}, True, "as Kong read it"),
    ],
    ids=["good", "unknown-version", "other-version", "changed-later", "same-second", "recorded",
         "changed-and-old-mtime", "another-container", "another-start"],
)  # fmt: skip
def test_mounted_code_is_what_kong_read(loaded, started, before, good, text):
    found = plugin_code.judge_mounted(CODE, loaded, started, 0.0, before, "id")
    assert (found[0], text in found[1]) == (good, True)


@pytest.mark.parametrize(
    ("started", "reloaded", "known"),
    [(900.0, 0.0, True), (900.0, 910.0, True), (900.0, 999.0, True), (900.0, 1100.0, False), (1050.0, 2000.0, True)],
    ids=["not-told", "first-workers", "reloaded-before-the-change", "reloaded-since", "changed-before-the-start"],
)
def test_a_reload_may_have_read_the_code_again(started, reloaded, known):
    if known:
        found = plugin_code.judge_mounted(CODE, "1.2.0", started, reloaded, {}, "id")
        assert found[0] is (CODE.changed <= started)
        return
    with pytest.raises(NotMeasured, match="docker restart id"):
        plugin_code.judge_mounted(CODE, "1.2.0", started, reloaded, {}, "id")


def test_code_in_the_image_is_the_backups_image():
    container = samples.container("kong")
    backup = {"services": {"kong": {"image_id": container.image_id}}}
    assert plugin_code.judge_image(container, backup)[0] is True
    assert plugin_code.judge_image(container, {})[0] is True
    backup["services"]["kong"]["image_id"] = "sha256:older"
    assert plugin_code.judge_image(container, backup) == (False, "image kong; the backup has older")


def test_mounted_code_is_the_backups(tmp_path, folder):
    stack = samples.stack(tmp_path)
    digest = hashlib.sha256((folder / "handler.lua").read_bytes()).hexdigest()
    backup = {"files": [{"target": "aws-masker/handler.lua", "sha256": digest}, {"target": "kong.yml", "sha256": "x"}]}
    wanted = plugin_code.recorded_files(backup, stack, str(folder))
    assert wanted == {os.path.join(stack.dir, "aws-masker/handler.lua"): digest}
    assert plugin_code.judge_recorded(Runner(), wanted)[0] is True
    (folder / "handler.lua").write_text("older\n")
    assert plugin_code.judge_recorded(Runner(), wanted) == (False, "not as in the backup: handler.lua")
