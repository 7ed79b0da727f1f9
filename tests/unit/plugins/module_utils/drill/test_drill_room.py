"""Nothing of a rehearsal stays, and nothing else goes."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.drill import drill_room
from ansible_collections.kong_masking.recovery.plugins.module_utils.drill.drill_room import (
    LABEL,
    OWNER,
    PREFIX,
    SCRATCH_PROJECT,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.process_name import process_id
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples

ME, DEAD = process_id(os.getpid()), "4194999:1"


def thing(name, live="gateway", project=f"{PREFIX}1", owner=DEAD):
    labels = {LABEL: live, SCRATCH_PROJECT: project, OWNER: owner}
    return {"Id": name, "Name": name, "Labels": labels}


class Api:
    """Containers, networks and volumes by their labels."""

    def __init__(self, containers=(), networks=(), volumes=()):
        self.kinds = {"c": list(containers), "n": list(networks), "v": list(volumes)}
        self.removed = []

    def _find(self, kind, filters):
        name, _equal, value = filters["label"].partition("=")
        return [item for item in self.kinds[kind] if item["Labels"].get(name) == value]

    def containers(self, all=False, filters=None):  # noqa: A002  # the SDK's own name
        assert all, "a stopped one is left behind too"
        return self._find("c", filters)

    def networks(self, filters=None):
        return self._find("n", filters)

    def volumes(self, filters=None):
        return {"Volumes": self._find("v", filters) or None}

    def _remove(self, kind, name):
        self.removed.append(name)
        self.kinds[kind] = [item for item in self.kinds[kind] if item["Id"] != name]

    def remove_container(self, name, force, v):
        assert force
        assert v
        self._remove("c", name)

    def remove_network(self, name):
        self._remove("n", name)

    def remove_volume(self, name, force):
        self._remove("v", name)

    def stats(self, _name, stream, one_shot):
        return {"memory_stats": {"usage": 100 << 20, "stats": {"inactive_file": 20 << 20}}}


def engine(**things):
    return SimpleNamespace(project="gateway", api=Api(**things), containers=lambda: {"kong": samples.container("kong")})


def test_what_a_killed_rehearsal_left_goes_networks_and_volumes_too():
    live = engine(containers=[thing("c1"), thing("c2")], networks=[thing("n1")], volumes=[thing("v1")])
    assert drill_room.sweep(live) == 1
    assert sorted(live.api.removed) == ["c1", "c2", "n1", "v1"]


@pytest.mark.parametrize(
    "other",
    [
        thing("x", owner=ME),
        thing("x", live="another"),
        thing("x", project="gateway"),
        thing("x", project=""),
    ],
    ids=["one-that-runs", "another-stacks", "with-the-live-projects-label", "without-a-project"],
)
def test_nothing_else_goes(other):
    live = engine(containers=[other], networks=[other], volumes=[other])
    assert drill_room.sweep(live) == 0
    assert live.api.removed == []


def test_everything_goes_at_the_end_also_after_a_failure():
    live = engine(
        containers=[thing("c1", owner=ME), thing("live", project="gateway")], networks=[thing("n1", owner=ME)]
    )
    with pytest.raises(RuntimeError), drill_room.swept(live, f"{PREFIX}1"):
        raise RuntimeError
    assert live.api.removed == ["c1", "n1"]


@pytest.mark.parametrize(("free", "enough"), [(400, True), (375, False)])
def test_memory_is_checked_beforehand(free, enough):
    runner = Runner()
    runner.available_memory = lambda: free << 20
    if enough:
        drill_room.need_memory(runner, engine(), 10 << 20)
    else:
        with pytest.raises(RecoveryError, match="may take 376 MiB, the host has 375 available"):
            drill_room.need_memory(runner, engine(), 10 << 20)
