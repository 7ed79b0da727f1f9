"""The decision, on the reference stack: nothing to decide while it is well, at once when masking fails."""

from __future__ import annotations

import re

import pytest
import releases
import stack_state
from lab import Lab
from outside import wait_for

# Private addresses leave the plugin in clear whatever runs, as recorded from a real one.
KNOWN = ("-e", '{"assess_known": ["masking_kinds"]}')
SHORT = ("-e", "assess_window=6", "-e", "assess_interval=0.5")


def lines(output: str) -> dict[str, str]:
    """Short forms of the matrix's lines: the first words of each title → its answer."""
    found = re.findall(r"(YES|NO|NOT MEASURED) +([A-Z][\w/ ]+?)(?: \(|:)", output)
    return {title: answer for answer, title in found}


def test_a_healthy_stack_and_one_that_masks_nothing(lab: Lab) -> None:
    # Their logs tell of what other tests did to this stack, and would be taken for this one's troubles.
    for service in ("redis", "kong", "nginx"):
        lab.stack.compose(*releases.UP, "--force-recreate", "-t", "1", service)
        wait_for("Kong", lab.stack.kong_configured, 30)
    lab.wait_masked()
    before = lab.state()
    well = lab.play("assess", *SHORT, "-e", "assess_security_breach=false", "-e", "assess_fail_on=consider", *KNOWN)

    assert well.rc == 0, well.output
    assert "VERDICT: NONE" in well.flat
    found = lines(well.flat)
    assert found["API completely unavailable"] == "NO"
    assert found["Security breach or compromise"] == "NO"
    assert found["Critical functionality broken"] == "NO"
    assert found["Data corruption detected in Redis"] == "NO"
    assert stack_state.untouched(before, lab.state()) == []

    file = releases.kong_file(lab)
    name = "  - name: aws-masker\n"
    text = file.read_text(encoding="utf-8").replace(name, f"{name}    enabled: false\n")
    file.write_text(text, encoding="utf-8")
    lab.stack.compose("restart", "-t", "1", "kong")
    broken = lab.play("assess", *SHORT, "-e", "assess_fail_on=immediate")

    assert broken.rc == 2, broken.output
    assert "VERDICT: IMMEDIATE" in broken.flat
    assert lines(broken.flat)["Critical functionality broken"] == "YES"
    assert f"RUN: ansible-playbook playbooks/rollback.yml -e env={lab.environment}" in broken.flat
    for done in (well, broken):
        assert [secret for secret in lab.canaries if secret in done.output] == []
        print(f"assess over a window of 6 s: {done.seconds:.1f} s, {done.seconds / 6:.1f} times the window")


@pytest.mark.slow
def test_check_mode_samples_nothing_and_says_what_it_leaves_open(lab: Lab) -> None:
    before = stack_state.redis_keys(lab.stack)
    done = lab.play("assess", "--check")
    assert done.rc == 0, done.output
    assert lines(done.flat)["Critical functionality broken"] == "NOT MEASURED"
    assert stack_state.redis_keys(lab.stack) == before
