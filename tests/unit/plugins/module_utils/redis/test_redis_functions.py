"""Functions of a server, carried to another one; servers before 7.0 know none."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_functions
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis.redis_wire import ReplyError


class Wires:
    """Connections whose first question is answered by a reply or an error line."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def __call__(self, _client):
        return contextlib.nullcontext(self)

    def ask(self, *words):
        self.asked.append(words)
        if isinstance(self.answer, bytes) and self.answer.startswith(b"-"):
            raise ReplyError(self.answer[1:])
        return self.answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"-ERR unknown command `FUNCTION`, with args beginning with: `DUMP`, ", ""),
        (b"-ERR unknown subcommand 'DUMP'. Try FUNCTION HELP.", ""),
        (
            b"-NOPERM User app has no permissions to run the 'function|dump' command",
            "functions (FUNCTION LOAD) are not kept: Redis refuses a command: NOPERM",
        ),
    ],
    ids=["before-7.0", "another-server", "no-right"],
)
def test_what_cannot_be_asked(monkeypatch, answer, told):
    monkeypatch.setattr(redis_functions, "Wire", Wires(answer))
    found = redis_functions.carry("live", "scratch")
    assert found.startswith(told)
    assert bool(found) is bool(told)


@pytest.mark.parametrize(("keep", "policy"), [(True, b"REPLACE"), (False, b"FLUSH")])
def test_what_is_asked(monkeypatch, keep, policy):
    wires = Wires(b"payload")
    monkeypatch.setattr(redis_functions, "Wire", wires)
    assert redis_functions.carry("live", "scratch", keep) == ""
    assert wires.asked == [(b"FUNCTION", b"DUMP"), (b"FUNCTION", b"RESTORE", b"payload", policy)]
