# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happens to each service, and why. Pure; the shapes are those of plan.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.container import NAMELESS, OLD_SOCKETS, OTHER_KIND, UNREACHED
from ..wording import short

KEEP, RELOAD, START, RESTART, RECREATE, REMOVE = "keep", "reload", "start", "restart", "recreate", "remove"
STRENGTH = {KEEP: 0, RELOAD: 1, START: 2, RESTART: 3, RECREATE: 4, REMOVE: 5}
OWNER_ONLY = "has another owner or mode"


class Decision:
    """What happens to one service, and why: the strongest of all that was asked for."""

    def __init__(self) -> None:
        self.do = KEEP
        self.why: list[str] = []

    def want(self, do: str, why: str) -> None:
        """Ask for at least this much."""
        if STRENGTH[do] > STRENGTH[self.do]:
            self.do = do
        if why not in self.why:
            self.why.append(why)


def decide(
    target: Mapping[str, Any], live: Mapping[str, Any], settings: Mapping[str, Any], files: list[dict[str, Any]]
) -> dict[str, Decision]:
    """Return service → decision, the consequences of one service for another included."""
    known = live.get("declared") or {}
    names = set(target["services"]) | set(live["services"]) | set(known)
    decisions = {name: Decision() for name in names}
    for name, wanted in target["services"].items():
        _decide_service(decisions[name], wanted, live["services"].get(name))
    for name in set(live["services"]) - set(target["services"]):
        if target["services"]:
            decisions[name].want(REMOVE, "was not part of the stack when the backup was taken")
        elif name in known or not known:
            _decide_alone(decisions[name], live["services"][name])
    wanted_ones = [name for name, item in known.items() if name in live["services"] or item["wanted"]]
    for name in set(wanted_ones) - set(live["services"]):
        decisions[name].want(RECREATE, "has no container")
    # A process that has read the file does not care who owns it.
    content = {item["path"] for item in files if item["why"] != OWNER_ONLY}
    _mounted_content(decisions, live, settings, content, target)
    if network_is_made_anew(live, settings):
        for name in target["services"] or wanted_ones:
            now = live["services"].get(name)
            # A job that is done is not run again for it.
            if now is None or now["running"] or now["trouble"]:
                decisions[name].want(RECREATE, "because the network is made anew")
    limit = set(settings.get("services") or ()) or names
    decisions = {name: decision if name in limit else Decision() for name, decision in decisions.items()}
    _consequences(decisions, live, settings)
    return {name: decision for name, decision in decisions.items() if name in limit or decision.do != KEEP}


def _decide_service(decision: Decision, wanted: Mapping[str, Any], running: Mapping[str, Any] | None) -> None:
    """Compare one recorded service with its container."""
    if running is None:
        decision.want(RECREATE, "has no container")
        return
    if running["image_id"] != wanted["image_id"]:
        decision.want(RECREATE, f"image {short(running['image_id'])} → {short(wanted['image_id'])}")
    # The labels can be compared only where the same Compose wrote both; otherwise what counts is what differs.
    comparable = running["compose_version"] == wanted["compose_version"]
    if running["differs"]:
        decision.want(RECREATE, "differs in " + ", ".join(running["differs"]))
    elif comparable and running["config_hash"] != wanted["config_hash"]:
        decision.want(RECREATE, "Compose definition differs")
    _decide_alone(decision, running)


def _decide_alone(decision: Decision, running: Mapping[str, Any]) -> None:
    """Ask for what the container's own state needs."""
    if running["differs"]:
        decision.want(RECREATE, "differs in " + ", ".join(running["differs"]))
    if running["trouble"]:
        signs = (NAMELESS, OLD_SOCKETS, OTHER_KIND)
        # One that was made and never started may lack its name or a network: Compose was killed over it.
        hopeless = running["state"] in ("dead", "created") or any(sign in running["trouble"] for sign in signs)
        again = RECREATE if hopeless else START if running["state"] == "exited" else RESTART
        decision.want(again, running["trouble"])


def _mounted_content(
    decisions: dict[str, Decision],
    live: Mapping[str, Any],
    settings: Mapping[str, Any],
    changed: set[str],
    target: Mapping[str, Any],
) -> None:
    """Ask for a reload or restart where a mounted file changes, or where the container still sees an older one."""
    kong, proxy = settings["kong_service"], settings["proxy_service"]
    kong_file = settings.get("kong_file") or ""
    for name, running in live["services"].items():
        mounted = [path for path in sorted(changed) if covers(running["mounts"], path)]
        stale = [path for path in running.get("stale_files") or () if path in target["files"]]
        for path in mounted:
            if path in (live.get("blocked") or ()) and path in running["mounts"]:
                decisions[name].want(RECREATE, f"{path} was mounted while it was a directory")
            hot = name == kong and path == kong_file and live.get("kong_hash") is not None and live["kong_loads"]
            gentle = hot or (name == proxy and not covers(running.get("read_at_start") or (), path))
            decisions[name].want(RELOAD if gentle and path not in stale else RESTART, f"{path} differs")
        for path in stale:
            decisions[name].want(RESTART, f"{path} was replaced under the running container")
    wanted_hash = (target.get("kong") or {}).get("configuration_hash") or ""
    runs = (live["services"].get(kong) or {}).get("running")
    if runs and kong in decisions and kong_file and wanted_hash and live.get("kong_hash") not in (None, wanted_hash):
        # A Kong that takes no configuration from outside reads its file when it starts.
        decisions[kong].want(RELOAD if live["kong_loads"] else RESTART, "serves another configuration")


def _consequences(decisions: dict[str, Decision], live: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Kong is off while Redis is away (it would mix up clients' ids); the proxy learns Kong's new address."""
    redis, kong, proxy = (settings[f"{role}_service"] for role in ("redis", "kong", "proxy"))
    moves = (START, RESTART, RECREATE)
    if data_needs_kong_off(live) and kong in decisions and decisions[kong].do != REMOVE:
        decisions[kong].want(RESTART, "because Redis data")
    if redis in decisions and kong in decisions and decisions[redis].do in moves and decisions[kong].do != REMOVE:
        decisions[kong].want(RESTART, "because Redis")
    if kong in decisions and proxy in decisions and decisions[kong].do in moves:
        decisions[proxy].want(RELOAD, "because Kong gets a new address")
    if proxy in decisions and decisions[proxy].do == RELOAD and not (live["services"].get(proxy) or {}).get("running"):
        decisions[proxy].want(START, "does not run")


def data_needs_kong_off(live: Mapping[str, Any]) -> bool:
    """Say whether the data is replaced in a way during which Redis cannot serve."""
    data = live.get("data") or {}
    return bool(data.get("changes") and data.get("kong_off"))


def network_is_made_anew(live: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Say whether the project's networks are taken away and made again, which concerns the whole stack.

    Where one is defined otherwise than in the backup, and by force where one broke.
    """
    lost = any(sign in item["trouble"] for item in live["services"].values() for sign in (NAMELESS, UNREACHED))
    broken = lost or not live.get("network", True)
    wanted = bool(live.get("other_networks")) or (bool(settings.get("force")) and broken)
    return wanted and not settings.get("services")


def other_networks(live: Mapping[str, Any]) -> str:
    """Return which networks are others than in the backup, in words; empty for none."""
    return "; ".join(f"{name} differs in {what}" for name, what in sorted((live.get("other_networks") or {}).items()))


def covers(mounts: Iterable[str], path: str) -> bool:
    """Say whether a file lies in one of the mounted paths or is one."""
    return any(path == mount or path.startswith(mount.rstrip("/") + "/") for mount in mounts)
