"""Who may work on a stack: every state of a lease, seen from the target."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.runs import lease as leases

MACHINE, NOW = "boot-1/pid:[1]", 1000.0
OWNER, MODULE = "10:1", "20:2"
REMOTE = {"user": "ann", "host": "laptop", "machine": "boot-9/pid:[1]", "process": OWNER}
LOCAL = {**REMOTE, "host": "gw1", "machine": MACHINE}


def held(owner, left, module=""):
    """A lease with ``left`` seconds to go."""
    return {
        "run": "rollback-1",
        "kind": "rollback",
        "owner": owner,
        "machine": MACHINE,
        "fence": 4,
        "since": "2026-07-29T12:00:00Z",
        "phase": "apply",
        "module": module,
        "expires": NOW + left,
        "released": False,
    }


CASES = {
    "nobody-ever": ({}, (), False, leases.TAKE, ""),
    "given-back": ({**held(LOCAL, 9), "released": True}, (OWNER,), False, leases.TAKE, ""),
    "host-booted-since": ({**held(REMOTE, 9), "machine": "boot-0/pid:[1]"}, (), False, leases.TAKE, ""),
    "owner-lives-here": (held(LOCAL, 9), (OWNER,), False, leases.HELD, ""),
    "owner-hangs-here": (held(LOCAL, -1), (OWNER,), False, leases.TAKE, ""),
    "owner-lives-here-force": (held(LOCAL, 9), (OWNER,), True, leases.HELD, ""),
    "owner-dead-here": (held(LOCAL, 9), (), False, leases.TAKE, ""),
    "owner-dead-here-module-works": (held(LOCAL, 9, MODULE), (MODULE,), False, leases.WAIT, MODULE),
    "owner-dead-here-module-hangs": (held(LOCAL, -1, MODULE), (MODULE,), False, leases.TAKE, MODULE),
    "elsewhere-silent": (held(REMOTE, 9), (), False, leases.WAIT, ""),
    "elsewhere-silent-too-long": (held(REMOTE, -1), (), False, leases.TAKE, ""),
    "elsewhere-module-works": (held(REMOTE, 9, MODULE), (MODULE,), False, leases.HELD, ""),
    "elsewhere-module-hangs": (held(REMOTE, -1, MODULE), (MODULE,), False, leases.TAKE, MODULE),
    "elsewhere-module-was-killed": (held(REMOTE, 9, MODULE), (), False, leases.WAIT, ""),
    "elsewhere-force": (held(REMOTE, 9), (), True, leases.TAKE, ""),
    "elsewhere-force-ends-the-module": (held(REMOTE, 9, MODULE), (MODULE,), True, leases.TAKE, MODULE),
}


@pytest.mark.parametrize(("lease", "living", "force", "do", "ends"), CASES.values(), ids=CASES)
def test_judge(lease, living, force, do, ends):
    found = leases.judge(lease, MACHINE, NOW, lambda name: name in living, force)
    assert (found.do, found.ends) == (do, ends)
    assert found.seconds == (9.0 if do == leases.WAIT else 0.0)


def test_another_process_namespace_sees_no_owner():
    """A job runner in a container on the same machine: its process numbers mean nothing here."""
    container = {**LOCAL, "machine": "boot-1/pid:[2]"}
    assert leases.judge(held(container, 9), MACHINE, NOW, lambda _name: False).do == leases.WAIT


@pytest.mark.parametrize(
    ("change", "shown"),
    [({}, False), ({"expires": 1}, True), ({"module": MODULE}, True), ({"fence": 5}, True), ({"phase": "x"}, False)],
)
def test_a_holder_that_lives_shows_it(change, shown):
    before = held(REMOTE, 9)
    assert leases.renewed(before, {**before, **change}) is shown


@pytest.mark.parametrize(("before", "fence"), [({}, 1), ({"fence": 41, "released": True}, 42)])
def test_fencing_numbers_only_grow(before, fence):
    found = leases.taken(before, {"run": "r", "kind": "rollback"}, REMOTE, MACHINE, NOW, "now")
    assert (found["fence"], found["expires"]) == (fence, NOW + leases.GRACE)


def test_the_loser_is_told_who_since_when_and_which_phase():
    assert leases.described(held(REMOTE, 9), NOW) == (
        "rollback-1 of ann on laptop, since 2026-07-29T12:00:00Z, in phase apply; unless renewed its lease ends in 9 s"
    )
