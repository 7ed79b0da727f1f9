# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The networks that Compose made for a project: what a backup records of them, and which are others now. Pure.

A network is the engine's answer to ``GET /networks``. Compose makes one anew whose definition changed, and cannot while
containers are on it that it was not asked to replace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Union

from .container import LABEL


def as_records(networks: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return network → what Compose noted about its definition; older ones note no hash."""
    return {item["Name"]: _record(item) for item in networks}


def changed(
    recorded: Mapping[str, Mapping[str, str]], wanted: Mapping[str, Any], networks: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return network → how it differs from a definition, or from what was recorded of it.

    wanted: the ``networks`` of Compose's reading of the definition; networks: the project's own, as they are. One that
    is not there differs in nothing: Compose makes it.
    """
    defined = {str(about.get("name")): about for about in wanted.values() if about and not about.get("external")}
    found = {}
    for item in networks:
        name = str(item["Name"])
        fields = _differences(defined.get(name) or {}, item) if name in defined else []
        if fields or _other_label(recorded.get(name) or {}, _record(item)):
            found[name] = ", ".join(fields) or "its definition"
    return found


Subnet = Union[IPv4Network, IPv6Network]
_NOTED = {"config_hash": "config-hash", "compose_version": "version"}


def _record(network: Mapping[str, Any]) -> dict[str, str]:
    labels = network.get("Labels") or {}
    return {name: str(labels.get(LABEL + label) or "") for name, label in _NOTED.items()}


def _other_label(then: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Say whether the same Compose noted two hashes."""
    noted = then.get("config_hash") and now["config_hash"] and then["compose_version"] == now["compose_version"]
    return bool(noted) and then["config_hash"] != now["config_hash"]


def _differences(about: Mapping[str, Any], network: Mapping[str, Any]) -> list[str]:
    """Return the settings in which a network is not as defined; what the definition leaves open is no difference."""
    options = network.get("Options") or {}
    pairs: dict[str, tuple[Any, Any]] = {
        "internal": (bool(about.get("internal")), bool(network.get("Internal"))),
    }
    # The first Compose made every network attachable and noted no hash; later ones leave such a network as it is.
    if about.get("attachable") or _record(network)["config_hash"]:
        pairs["attachable"] = (bool(about.get("attachable")), bool(network.get("Attachable")))
    if about.get("driver"):
        pairs["driver"] = (about["driver"], network.get("Driver"))
    if about.get("enable_ipv6") is not None:
        pairs["enable_ipv6"] = (about["enable_ipv6"], bool(network.get("EnableIPv6")))
    for name, value in (about.get("driver_opts") or {}).items():
        pairs[f"driver_opts.{name}"] = (str(value), options.get(name))
    wanted = subnets(about.get("ipam"))
    if wanted:
        # The engine chooses a subnet itself for the kind of addresses that the definition leaves open.
        named = {item.version for item in wanted}
        pairs["subnet"] = (set(wanted), {item for item in subnets(network.get("IPAM")) if item.version in named})
    return sorted(name for name, (then, now) in pairs.items() if then != now)


def subnets(ipam: Any) -> list[Subnet]:
    """Return the subnets of a definition's ``ipam`` or of an engine's ``IPAM``, however their addresses are written."""
    about = ipam or {}
    texts = [row.get("subnet") or row.get("Subnet") for row in about.get("config") or about.get("Config") or []]
    return [ip_network(text, strict=False) for text in texts if text]
