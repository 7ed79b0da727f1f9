# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fresh random identifiers of each kind that a masking plugin may know. Pure but for the random numbers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import RecoveryError


@dataclass(frozen=True)
class Identifier:
    """One identifier of the probe.

    text: as it stands in the request; core: the part that must not be seen upstream. It is so random that whatever is
    kept about it, and was not known before, is the probe's own.
    """

    kind: str
    text: str
    core: str

    @property
    def originals(self) -> tuple[str, ...]:
        """What the plugin may have taken for the identifier: all of it, or the part that names something."""
        return tuple(dict.fromkeys((self.text, self.core)))


def _hex(digits: int) -> str:
    return secrets.token_hex(digits)[:digits]


def _digits(count: int) -> str:
    return "".join(secrets.choice("123456789") for _number in range(count))


def _access_key() -> str:
    return "AKIA" + "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _number in range(16))


def _address(first: str, numbers: int) -> str:
    return ".".join([first, *(str(1 + secrets.randbelow(254)) for _number in range(numbers))])


def _rds() -> tuple[str, str]:
    name = f"probe{_hex(12)}"
    return f"{name}.abc123.us-east-1.rds.amazonaws.com", name


# Kind → the text, or the text and the part of it that names something.
MAKERS: dict[str, Callable[[], str | tuple[str, str]]] = {
    "ec2": lambda: f"i-{_hex(17)}",
    "vpc": lambda: f"vpc-{_hex(8)}",
    "subnet": lambda: f"subnet-{_hex(17)}",
    "security_group": lambda: f"sg-{_hex(8)}",
    "ebs": lambda: f"vol-{_hex(17)}",
    "s3": lambda: f"probe-{_hex(16)}-bucket",
    "rds": _rds,
    "account": lambda: _digits(12),
    "access_key": _access_key,
    # A broadcast address: no host has it.
    "private_ip": lambda: f"{_address('10', 2)}.255",
    # Of the range for benchmarks (RFC 2544): nobody's real address.
    "public_ip": lambda: _address(f"198.{18 + secrets.randbelow(2)}", 2),
}
# What the plugin's switches in Kong's configuration promise.
SWITCHES = {
    "mask_ec2_instances": "ec2",
    "mask_s3_buckets": "s3",
    "mask_rds_instances": "rds",
    "mask_private_ips": "private_ip",
    "mask_vpc_ids": "vpc",
    "mask_subnet_ids": "subnet",
    "mask_security_groups": "security_group",
    "mask_ebs_volumes": "ebs",
    "mask_account_ids": "account",
    "mask_access_keys": "access_key",
    "mask_public_ips": "public_ip",
}


def fresh(kinds: Iterable[str]) -> list[Identifier]:
    """Return a new identifier of each kind."""
    found = []
    for kind in dict.fromkeys(kinds):
        if kind not in MAKERS:
            raise RecoveryError(
                f"{kind!r} is no kind of identifier that a probe can make.", f"Known: {', '.join(sorted(MAKERS))}"
            )
        made = MAKERS[kind]()
        text, core = (made, made) if isinstance(made, str) else made
        found.append(Identifier(kind, text, core))
    return found


def promised(switches: Iterable[str], required: Iterable[str]) -> list[str]:
    """Return the kinds that the plugin's configuration says it masks, beyond those that must be masked."""
    return sorted({SWITCHES[name] for name in switches if name in SWITCHES} - set(required))
