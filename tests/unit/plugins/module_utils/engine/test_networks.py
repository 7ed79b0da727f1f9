"""Which of a project's networks are no longer as recorded, or as defined."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import networks

# What Engine 20.10 says of a network that Compose 2.40.3 made.
MADE = {
    "Name": "gateway_default",
    "Driver": "bridge",
    "EnableIPv6": False,
    "Internal": False,
    "Attachable": False,
    "Options": {},
    "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "172.26.0.0/16", "Gateway": "172.26.0.1"}]},
    "Labels": {
        "com.docker.compose.config-hash": "3dbf49f90fa2",
        "com.docker.compose.network": "default",
        "com.docker.compose.project": "gateway",
        "com.docker.compose.version": "2.40.3",
    },
}
BOTH = [{"Subnet": "172.26.0.0/16"}, {"Subnet": "fd00::/64"}]
RECORD = {"gateway_default": {"config_hash": "3dbf49f90fa2", "compose_version": "2.40.3"}}
LEFT_OPEN = {"default": {"name": "gateway_default", "ipam": {}}}


def made(**changes):
    """The same network with other settings; labels are changed one by one."""
    found = copy.deepcopy(MADE)
    found["Labels"].update(changes.pop("labels", {}))
    return {**found, **changes}


def test_what_a_backup_records():
    assert networks.as_records([MADE, {"Name": "gateway_old", "Labels": None}]) == {
        **RECORD,
        "gateway_old": {"config_hash": "", "compose_version": ""},
    }


@pytest.mark.parametrize(
    ("labels", "changed"),
    [
        ({}, {}),
        ({"com.docker.compose.config-hash": "another"}, {"gateway_default": "its definition"}),
        ({"com.docker.compose.config-hash": "another", "com.docker.compose.version": "5.0.0"}, {}),
        ({"com.docker.compose.config-hash": ""}, {}),
    ],
    ids=["the-same", "another-hash", "of-another-compose", "of-a-compose-that-notes-none"],
)
def test_labels_count_only_where_one_compose_wrote_both(labels, changed):
    assert networks.changed(RECORD, LEFT_OPEN, [made(labels=labels)]) == changed


def test_what_was_never_recorded_or_is_not_there_differs_in_nothing():
    assert networks.changed({}, {}, [MADE]) == {}
    assert networks.changed(RECORD, LEFT_OPEN, []) == {}


@pytest.mark.parametrize(
    ("wanted", "now", "differs"),
    [
        ({}, {}, ""),
        ({}, {"Internal": True}, "internal"),
        ({"internal": True}, {}, "internal"),
        ({"internal": True}, {"Internal": True}, ""),
        ({}, {"Attachable": True}, "attachable"),
        # docker-compose 1 made every network so.
        ({}, {"Attachable": True, "Labels": {"com.docker.compose.project": "gateway"}}, ""),
        ({"attachable": True}, {}, "attachable"),
        ({"driver": "bridge"}, {}, ""),
        ({"driver": "macvlan"}, {}, "driver"),
        ({"enable_ipv6": True}, {}, "enable_ipv6"),
        ({"driver_opts": {"com.docker.network.driver.mtu": 1400}}, {}, "driver_opts.com.docker.network.driver.mtu"),
        (
            {"driver_opts": {"com.docker.network.driver.mtu": 1400}},
            {"Options": {"com.docker.network.driver.mtu": "1400", "more": "x"}},
            "",
        ),
        ({"ipam": {"config": [{"subnet": "172.26.0.0/16"}]}}, {}, ""),
        ({"ipam": {"config": [{"subnet": "10.9.0.0/24"}]}}, {}, "subnet"),
        ({"ipam": {"config": [{"subnet": "172.26.1.1/16"}]}}, {}, ""),
        ({"ipam": {"config": [{"subnet": "FD00:0:0::/64"}]}}, {"IPAM": {"Config": [{"Subnet": "fd00::/64"}]}}, ""),
        ({"ipam": {"config": [{"subnet": "fd00::/64"}]}}, {"IPAM": {"Config": BOTH}}, ""),
        ({"ipam": {"config": [{"subnet": "fd01::/64"}]}}, {"IPAM": {"Config": BOTH}}, "subnet"),
        ({"internal": True, "driver": "macvlan"}, {}, "driver, internal"),
        ({"external": True, "internal": True}, {}, ""),
    ],
    ids=[
        "left-open",
        "shut",
        "to-be-shut",
        "both-shut",
        "attachable",
        "attachable-as-of-old",
        "to-be-attachable",
        "driver",
        "other-driver",
        "ipv6",
        "option-missing",
        "option-and-others",
        "subnet",
        "other-subnet",
        "subnet-by-an-address-of-it",
        "subnet-of-ipv6",
        "the-engine-chose-the-other-kind",
        "other-subnet-of-ipv6",
        "two",
        "external",
    ],
)
def test_settings_count_as_far_as_the_definition_gives_them(wanted, now, differs):
    about = {"default": {**LEFT_OPEN["default"], **wanted}, "nothing": None}
    assert networks.changed({}, about, [made(**now)]) == ({"gateway_default": differs} if differs else {})
