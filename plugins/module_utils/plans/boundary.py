# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the project ends: strangers who hold what it needs are named before anything is stopped. Pure.

summaries and networks are the engine's answers to ``GET /containers/json?all=1`` and ``GET /networks``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..engine.container import ANY_ADDRESS, LABEL, Container
from ..engine.networks import subnets
from ..engine.sockets import ANYWHERE, Listener, stranger
from ..guards import Guard

# A place on the host that a container publishes: address, port, protocol.
Place = tuple[str, int, str]
LOOPBACK = "127.0.0.1"
PROJECT = f"{LABEL}project"


def name_of(summary: Mapping[str, Any]) -> str:
    """Return a container's name."""
    return str((summary.get("Names") or ["?"])[0]).lstrip("/")


def foreign(labels: Mapping[str, str] | None, project: str) -> bool:
    """Say whether something with these labels belongs to somebody else."""
    return (labels or {}).get(PROJECT) != project


def names_taken(wanted: Iterable[str], summaries: Iterable[Mapping[str, Any]], project: str) -> list[Guard]:
    """Return a guard for each name of the backup's containers that a stranger's container has now."""
    names = set(wanted)
    return [
        Guard(
            "name_taken",
            f"The name {name_of(item)} is held by a container that is not of project {project}.",
            f"Look: docker inspect {name_of(item)}",
        )
        for item in summaries
        if name_of(item) in names and foreign(item.get("Labels"), project)
    ]


def published(
    services: Mapping[str, Mapping[str, Any]], recorded: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[Place]]:
    """Return service → the places on the host that a backup records of it.

    recorded: service → its container in the backup. The address is the one that it asked for; where that is not
    recorded, any: the 127.0.0.1 of services may be the place at which one that listens everywhere was reached.
    """
    found: dict[str, list[Place]] = {}
    for name, item in services.items():
        asked = ((recorded.get(name) or {}).get("settings") or {}).get("ports") or {}
        found[name] = [
            place
            for inside, (host, port) in item.get("ports", {}).items()
            for place in _places(inside, asked.get(inside), str(host), int(port))
        ]
    return found


def handed_over(
    containers: Mapping[str, Container], wanted: Mapping[str, Iterable[Place]]
) -> dict[str, list[tuple[str, int]]]:
    """Return service → (other service of the project, port) for each place that it has and the other one wants."""
    found: dict[str, list[tuple[str, int]]] = {}
    for giver, container in sorted(containers.items()):
        places = _asked_for(container.settings.get("ports") or {})
        for taker, others in sorted(wanted.items()):
            ports = sorted({place[1] for place in places for other in others if _overlaps(other, place)})
            if giver != taker and ports:
                found.setdefault(giver, []).extend((taker, port) for port in ports)
    return found


def _asked_for(bindings: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Place]:
    """Return the places that a container asks for; bindings: HostConfig.PortBindings. A range is not known yet."""
    return [
        (str(item.get("HostIp") or ANY_ADDRESS), int(item["HostPort"]), inside.rpartition("/")[2])
        for inside, rows in bindings.items()
        for item in rows or []
        if str(item.get("HostPort") or "").isdigit()
    ]


def _places(inside: str, asked: Iterable[Mapping[str, Any]] | None, host: str, port: int) -> list[Place]:
    """Return the places that a container's port was asked for at; host, port: at which it was reached.

    That port stands for one of a range, of which it was not known which one it would be.
    """
    protocol = inside.rpartition("/")[2]
    if not asked:
        return [(ANY_ADDRESS if host == LOOPBACK else host, port, protocol)]
    given = [(str(row.get("HostIp") or ANY_ADDRESS), str(row.get("HostPort") or "")) for row in asked]
    found = [(address, int(text) if text.isdigit() else port, protocol) for address, text in given]
    return list(dict.fromkeys(found))


def ports_taken(
    wanted: Mapping[str, Iterable[Place]], summaries: Iterable[Mapping[str, Any]], project: str
) -> list[Guard]:
    """Return a guard for each place of the backup that a stranger's container holds; wanted: service → places.

    What a container of the project holds at this moment is nobody else's, whatever is published beside it.
    """
    theirs: list[tuple[Place, str]] = []
    ours: list[Place] = []
    for item in summaries:
        for port in item.get("Ports") or []:
            if port.get("PublicPort"):
                place = (port.get("IP") or ANY_ADDRESS, int(port["PublicPort"]), port.get("Type") or "tcp")
                if foreign(item.get("Labels"), project):
                    theirs.append((place, name_of(item)))
                else:
                    ours.append(place)
    guards = []
    for service, places in sorted(wanted.items()):
        for place in places:
            holder = next((name for held, name in theirs if _overlaps(place, held)), "")
            if holder and not any(_covers(held, place) for held in ours):
                guards.append(
                    Guard(
                        "port_taken",
                        f"Port {place[1]} of {service} is held by container {holder}.",
                        f"Look: docker inspect {holder}",
                    )
                )
    return guards


def _overlaps(wanted: Place, held: Place) -> bool:
    """Say whether two places exclude each other."""
    return wanted[1:] == held[1:] and (bool({wanted[0], held[0]} & ANYWHERE) or wanted[0] == held[0])


def _covers(held: Place, wanted: Place) -> bool:
    return held[1:] == wanted[1:] and (held[0] in ANYWHERE or held[0] == wanted[0])


def programs_on_ports(
    wanted: Mapping[str, Iterable[Place]], running: Iterable[str], listeners: Iterable[Listener]
) -> list[Guard]:
    """Return a guard for each port of a service that does not run now, and that a program of the host listens on."""
    up = set(running)
    rows = [item for item in listeners if not item.carrier]
    return [
        Guard("port_taken", f"Port {port} of {service} is held by {who}.", f"Look: ss -tlnp 'sport = :{port}'")
        for service, places in sorted(wanted.items())
        if service not in up
        for host, port, protocol in places
        if protocol == "tcp"  # the listeners are those of TCP
        for who in [stranger((LOOPBACK if host in ANYWHERE else host, port), rows, {})]
        if who
    ]


def makes_network(wanted: Mapping[str, Mapping[str, Any] | None]) -> bool:
    """Say whether Compose makes a network for the definition; wanted: as for networks_taken."""
    return any(not (about or {}).get("external") for about in wanted.values())


def networks_taken(
    wanted: Mapping[str, Mapping[str, Any]], networks: Iterable[Mapping[str, Any]], project: str
) -> list[Guard]:
    """Return a guard for each network of the definition whose name or subnet a stranger's network has.

    wanted: the ``networks`` of Compose's reading of the definition. One that Compose does not make itself is not ours;
    one of this very name that nobody labelled was made beforehand for the project, and takes no subnet from it.
    """
    listed = list(networks)
    own = {item["Name"] for item in listed if not foreign(item.get("Labels"), project)}
    guards = []
    for about in wanted.values():
        name = str((about or {}).get("name") or "")
        if not about or about.get("external") or not name or name in own:
            continue
        for other in listed:
            if other["Name"] == name and PROJECT in (other.get("Labels") or {}):
                guards.append(
                    Guard(
                        "network_taken",
                        f"The network {name} belongs to project {other['Labels'][PROJECT]}.",
                        f"Look: docker network inspect {name}",
                    )
                )
            elif other["Name"] != name and _overlap(about, other):
                guards.append(
                    Guard(
                        "subnet_taken",
                        f"The subnet of network {name} is held by network {other['Name']}.",
                        f"Look: docker network inspect {other['Name']}",
                    )
                )
    return guards


def _overlap(about: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    mine, theirs = subnets(about.get("ipam")), subnets(other.get("IPAM"))
    return any(one.version == two.version and one.overlaps(two) for one in mine for two in theirs)


def guests(names: Iterable[str], summaries: Iterable[Mapping[str, Any]], project: str) -> list[str]:
    """Return the strangers' containers on the project's networks; they are never touched."""
    wanted = set(names)
    return sorted(
        name_of(item)
        for item in summaries
        if wanted & set((item.get("NetworkSettings") or {}).get("Networks") or {})
        and foreign(item.get("Labels"), project)
    )


def passengers(
    names: Iterable[str], summaries: Iterable[Mapping[str, Any]], project: str, services: Collection[str]
) -> list[str]:
    """Return the project's own running containers on its networks that no plan of these services makes anew."""
    wanted = set(names)
    return sorted(
        name_of(item)
        for item in summaries
        for labels in [item.get("Labels") or {}]
        if item.get("State") == "running" and not foreign(labels, project)
        if wanted & set((item.get("NetworkSettings") or {}).get("Networks") or {})
        if labels.get(f"{LABEL}oneoff") == "True" or labels.get(f"{LABEL}service") not in services
    )


def several(summaries: Iterable[Mapping[str, Any]], project: str) -> list[str]:
    """Return a word about each service of the project that has several containers: only the first is looked at."""
    own = [item.get("Labels") or {} for item in summaries if not foreign(item.get("Labels"), project)]
    # Two with one number are one that Compose was about to replace.
    places = {
        (labels.get(f"{LABEL}service", ""), labels.get(f"{LABEL}container-number", "1"))
        for labels in own
        if labels.get(f"{LABEL}oneoff") != "True"
    }
    counted = Counter(service for service, _number in places)
    return [
        f"{service} has {number} containers: the first is compared and asked, all are stopped and started"
        for service, number in sorted(counted.items())
        if service and number > 1
    ]
