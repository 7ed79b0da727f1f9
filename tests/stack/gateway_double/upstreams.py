"""Upstreams and their targets: health as the Admin API tells it, and the choice of a peer."""

from __future__ import annotations

import asyncio
import itertools
import socket
from dataclasses import replace
from typing import Any

from .declarative import Entity
from .settings import Address, Settings
from .state import State, Store

Answer = tuple[int, Any]
_turns: dict[str, itertools.count[int]] = {}


class UnknownHost(Exception):
    """A host name without an address."""


class NoPeer(Exception):
    """An upstream without a target that could be used."""


def targets_of(state: State, upstream: Entity) -> list[Entity]:
    """The targets of an upstream, in the order in which they are listed."""
    found = [t for t in state.all("targets") if (t.get("upstream") or {}).get("id") == upstream["id"]]
    return sorted(found, key=lambda target: str(target["target"]))


def _address(target: str) -> Address:
    host, _unused, port = target.rpartition(":")
    return Address(host, int(port)) if host else Address(target, 8000)


async def resolve(host: str, port: int, settings: Settings) -> Address:
    """The address behind a name; raises where there is none."""
    known = settings.hosts.get(f"{host}:{port}")
    if known:
        return known
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise UnknownHost(host) from exc
    return Address(str(found[0][4][0]), port)


def choose(state: State, host: str, port: int, attempt: int) -> tuple[str, int]:
    """Host and port to try: those of the service, or the next usable target of the upstream with that name."""
    upstream = next((u for u in state.all("upstreams") if u["name"] == host), None)
    if upstream is None:
        return host, port
    peers = [t for t in targets_of(state, upstream) if t["weight"] and _healthy(state, upstream, t)]
    if not peers:
        raise NoPeer
    turn = next(_turns.setdefault(upstream["id"], itertools.count())) if attempt == 0 else attempt
    peer = _address(peers[turn % len(peers)]["target"])
    return peer.host, peer.port


def _healthy(state: State, upstream: Entity, target: Entity) -> bool:
    return state.marks.get(f"{upstream['name']}/{target['target']}") != "unhealthy"


def mark(store: Store, name: str, target: str, health: str) -> Answer:
    """What ``PUT …/targets/T/unhealthy`` does; marks outlive a new configuration."""
    state = store.read()
    upstream = state.find("upstreams", name)
    if upstream is None or target not in [t["target"] for t in targets_of(state, upstream)]:
        return 404, {"message": "Not found"}
    store.write(replace(state, marks=state.marks | {f"{upstream['name']}/{target}": health}))
    return 204, None


async def health(state: State, settings: Settings, upstream: Entity, balancer: bool) -> Answer:
    """An upstream's health: a dead target is HEALTHY, one without targets UNHEALTHY though all may work."""
    data: list[dict[str, Any]] = []
    hosts: list[dict[str, Any]] = []
    for target in targets_of(state, upstream):
        address, weight, healthy = _address(target["target"]), target["weight"], _healthy(state, upstream, target)
        try:
            ip = (await resolve(address.host, address.port, settings)).host
        except UnknownHost:
            ip = ""
        shares = {"total": weight, "available": weight if healthy and ip else 0}
        shares["unavailable"] = weight - shares["available"]
        peer = {"ip": ip, "port": address.port, "weight": weight}
        word = "DNS_ERROR" if not ip else "HEALTHY" if healthy else "UNHEALTHY"
        host = {"host": address.host, "port": address.port, "dns": "A", "nodeWeight": weight, "weight": shares}
        hosts.append(host | {"addresses": [peer | {"healthy": healthy}] if ip else []})
        detail = host | {"addresses": [peer | {"health": word}] if ip else []}
        data.append(target | {"health": word, "data": detail})
    if not balancer:
        return 200, {"data": data, "next": None, "node_id": state.node_id}
    total = {key: sum(h["weight"][key] for h in hosts) for key in ("total", "available", "unavailable")}
    word = "HEALTHY" if total["available"] else "UNHEALTHY"
    details = {"healthy": bool(total["available"]), "weight": total, "hosts": hosts or {}}
    body = {"id": upstream["id"], "health": word, "balancer_health": word, "details": details}
    return 200, {"data": body, "next": None, "node_id": state.node_id}
