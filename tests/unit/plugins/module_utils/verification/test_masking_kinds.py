"""Identifiers of a probe: of their kind's form, nobody's real ones, never the same twice."""

from __future__ import annotations

import ipaddress
import re

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.masking_kinds import (
    MAKERS,
    SWITCHES,
    fresh,
    promised,
)

FORMS = {
    "ec2": r"i-[0-9a-f]{17}",
    "vpc": r"vpc-[0-9a-f]{8}",
    "subnet": r"subnet-[0-9a-f]{17}",
    "security_group": r"sg-[0-9a-f]{8}",
    "ebs": r"vol-[0-9a-f]{17}",
    "s3": r"probe-[0-9a-f]{16}-bucket",
    "rds": r"probe[0-9a-f]{12}\.abc123\.us-east-1\.rds\.amazonaws\.com",
    "account": r"[1-9]{12}",
    "access_key": r"AKIA[A-Z2-9]{16}",
    "private_ip": r"10(\.\d{1,3}){3}",
    "public_ip": r"198\.1[89](\.\d{1,3}){2}",
}
MANY = 200


@pytest.mark.parametrize("kind", FORMS)
def test_form(kind):
    for _number in range(MANY):
        (item,) = fresh([kind])
        assert re.fullmatch(FORMS[kind], item.text)
        assert item.kind == kind
        assert item.core in item.text


def test_every_kind_has_a_form_here_and_every_switch_leads_to_a_kind():
    assert set(FORMS) == set(MAKERS)
    assert set(SWITCHES.values()) == set(MAKERS)


@pytest.mark.parametrize("kind", [kind for kind in FORMS if not kind.endswith("_ip")])
def test_fresh_ones_differ(kind):
    assert len({fresh([kind])[0].core for _number in range(MANY)}) == MANY


def test_no_host_has_the_addresses():
    for _number in range(MANY):
        private, public = (ipaddress.ip_address(item.text) for item in fresh(["private_ip", "public_ip"]))
        assert private in ipaddress.ip_network("10.0.0.0/8")
        assert str(private).endswith(".255")
        assert public in ipaddress.ip_network("198.18.0.0/15")


@pytest.mark.parametrize(("kind", "originals"), [("ec2", 1), ("rds", 2)])
def test_the_plugin_may_have_taken_all_of_it_or_the_part_that_names_something(kind, originals):
    (item,) = fresh([kind])
    assert item.originals == (item.text, item.core)[:originals]
    assert len(set(item.originals)) == originals


def test_one_of_each_kind_in_the_order_asked_for():
    assert [item.kind for item in fresh(["vpc", "ec2", "vpc"])] == ["vpc", "ec2"]
    assert fresh([]) == []


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(RecoveryError, match="'lambda' is no kind of identifier") as caught:
        fresh(["ec2", "lambda"])
    assert caught.value.hint.startswith("Known: access_key, account, ")


@pytest.mark.parametrize(
    ("switches", "required", "found"),
    [
        ({"mask_ec2_instances", "mask_private_ips", "mask_something_new"}, ["ec2"], ["private_ip"]),
        (set(SWITCHES), ["ec2", "s3"], sorted(set(MAKERS) - {"ec2", "s3"})),
        ({"mask_ec2_instances"}, ["ec2"], []),
        (set(), ["ec2"], []),
    ],
    ids=["beyond-the-required", "in-order", "none-beyond", "none"],
)
def test_what_the_plugin_promises(switches, required, found):
    assert promised(switches, required) == found
