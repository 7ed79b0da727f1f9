"""After a breach: the release goes back, the secrets that were changed since do not."""

from __future__ import annotations

import pytest
import stack_state
from lab import Lab

CHANGED = "sk-ant-changed-after-the-breach-0123456789"


@pytest.mark.slow
def test_named_secrets_keep_their_live_values_and_all_else_returns(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    lab.stack.set_env(ANTHROPIC_API_KEY=CHANGED, KONG_LOG_LEVEL="debug")
    lab.stack.compose("up", "-d", "--no-deps", "kong")

    done = lab.play("rollback", "-e", "keep_secrets=ANTHROPIC_API_KEY")

    after = lab.state()
    assert done.rc == 0, done.output
    found = stack_state.environment_of(after, "kong")
    assert (found["ANTHROPIC_API_KEY"], found["KONG_LOG_LEVEL"]) == (CHANGED, "notice")
    old = lab.canaries[1].encode()
    for path in (f"config/{lab.environment}.env", ".env"):
        assert after.files[path][0] == before.files[path][0].replace(old, CHANGED.encode())
    assert CHANGED not in done.output

    again = lab.play("rollback", "-e", "keep_secrets=ANTHROPIC_API_KEY")
    assert again.changed == 0, again.output
    assert after.identities() == lab.state().identities()


@pytest.mark.slow
def test_a_secret_that_the_live_file_does_not_have_is_refused(lab: Lab) -> None:
    lab.golden()
    before = lab.state()
    done = lab.play("rollback", "-e", "keep_secrets=NO_SUCH_NAME")
    assert done.rc != 0
    assert "REFUSED: unknown_secret - keep_secrets names NO_SUCH_NAME" in done.flat
    assert stack_state.untouched(before, lab.state()) == []
