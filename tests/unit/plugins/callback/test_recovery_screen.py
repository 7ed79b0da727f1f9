"""What the screen shows of failures."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.callback.recovery_screen import CallbackModule


@pytest.fixture
def shown(monkeypatch):
    """Return a function that fails a task on a host, and the lines that were shown."""
    screen, lines = CallbackModule(), []
    display = SimpleNamespace(verbosity=0, display=lambda text, **_how: lines.append(text), warning=lines.append)
    monkeypatch.setattr(screen, "_display", display)

    def fail(host, message, name="Take the lock"):
        task = SimpleNamespace(get_name=lambda: name, action="debug", args={})
        screen._hosts.add(host)
        screen.v2_runner_on_failed(
            SimpleNamespace(host=SimpleNamespace(get_name=lambda: host), task=task, result={"msg": message})
        )
        return lines

    return fail


def test_a_failure_that_is_only_passed_on_is_shown_once(shown):
    before = list(shown("gw1", "No engine answers."))
    assert shown("gw1", "Take the lock: No engine answers.") == before


def test_two_hosts_that_fail_with_the_same_words_are_both_shown(shown):
    shown("gw1", "No engine answers.")
    lines = shown("gw2", "No engine answers.")
    assert [line.split(":")[0] for line in lines if "No engine answers" in line][-1] == "gw2"
    assert sum("No engine answers" in line for line in lines) == 2
