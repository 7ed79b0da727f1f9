"""Only Kong's declarative file differs: it is loaded into the running Kong, and nobody notices."""

from __future__ import annotations

import hashlib
import json

import pytest
import releases
import stack_state
from lab import GOLDEN, Lab
from load import Load


def test_no_container_is_restarted_and_no_request_fails(lab: Lab) -> None:
    lab.golden()
    good = lab.state()
    releases.change_kong_file(lab, "retries: 3", "retries: 4")
    releases.load_kong_file(lab)
    lab.wait_masked()
    before = lab.state()

    with Load(lab.stack) as load:
        done = lab.play("rollback")

    after = lab.state()
    print(f"\n{load.line('only the file of Kong differs')}")
    assert done.rc == 0, done.output
    assert after.identities() == before.identities()
    assert after.files == good.files
    assert after.kong_hash == hashlib.md5(after.files["kong/kong.yml"][0], usedforsecurity=False).hexdigest()
    assert len(load.answers) > 20
    assert load.wrong() == []
    assert load.failed == []


@pytest.mark.slow
def test_a_configuration_that_kong_rejects_leaves_the_old_one_serving_and_the_file_as_it_was(lab: Lab) -> None:
    lab.golden()
    make_kong_reject(lab)
    before = lab.state()

    with Load(lab.stack) as load:
        done = lab.play("rollback")

    assert done.rc != 0, done.output
    assert "load_configuration" in done.flat
    assert stack_state.differences(before, lab.state(), data=False) == []
    assert lab.stack.probe()
    assert load.failed == []
    assert load.wrong() == []


def make_kong_reject(lab: Lab) -> None:
    """Give the backup a file that is valid YAML and names a plugin that Kong does not have."""
    golden = lab.backup_path(GOLDEN)
    file = golden / "files" / "kong" / "kong.yml"
    file.write_bytes(file.read_bytes().replace(b"name: request-transformer", b"name: no-such-plugin"))
    data = file.read_bytes()
    manifest = json.loads((golden / "manifest.json").read_text(encoding="utf-8"))
    for item in manifest["files"]:
        if item["path"] == "files/kong/kong.yml":
            item.update(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    manifest["kong"]["configuration_hash"] = hashlib.md5(data, usedforsecurity=False).hexdigest()
    (golden / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
