"""The environment file is data: its bytes come back as they were, and nothing in it is ever executed."""

from __future__ import annotations

import pytest
import releases
import stack_state
from lab import Lab
from reference_stack import ROOT

pytestmark = pytest.mark.slow

FURTHER = (
    b"SINGLE='a b $(touch x) `touch x`'\n",
    b'DOUBLE="a \\"quoted\\" one"\n',
    b"DOLLARS='$HOME ${HOME} $$'\n",
    b"COMMAND=$(touch x)\n",
    b"SEMICOLON=a; touch x\n",
    b"SPACES=  wide  \n",
    b"EMPTY=\n",
    b"#COMMENT=$(touch x)\n",
    b"LATIN='\xe9t\xe9 \xff'\n",
)


def test_bytes_come_back_and_nothing_is_executed(lab: Lab) -> None:
    lines = lab.stack.env_file.read_bytes() + b"".join(FURTHER)
    content = b"\xef\xbb\xbf" + lines.replace(b"\n", b"\r\n")
    lab.stack.write_env(content)
    lab.stack.compose("config", "--quiet")
    releases.up(lab.stack)
    releases.reload_proxy(lab)
    lab.wait_masked()
    backup = lab.backup()
    before = lab.state()
    lab.stack.write_env(content.replace(b"KONG_LOG_LEVEL=notice", b"KONG_LOG_LEVEL=debug"))
    releases.up(lab.stack, "kong", "client")

    done = lab.play("rollback")

    after = lab.state()
    assert done.rc == 0, done.output
    assert lab.stack.env_file.read_bytes() == content
    assert (lab.backup_path(backup) / "config.env").read_bytes() == content
    assert stack_state.differences(before, after, identity=False, data=False) == []
    for place in (lab.stack.directory, lab.stack.directory / "config", lab.folder, ROOT, ROOT / "playbooks"):
        assert not (place / "x").exists(), "something was executed"
