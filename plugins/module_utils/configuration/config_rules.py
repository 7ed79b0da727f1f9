# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with an environment file. Pure: read as data, never evaluated; no finding holds a secret."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..engine import compose, env_file
from ..errors import RecoveryError
from ..redact import shown

ERROR, WARNING = "error", "warning"
PRODUCTION = "production"
SHORT_PASSWORD = 12
LEAST_MEMORY = 6 << 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PORT = re.compile(r"(^|_)PORT$")
# As Compose publishes: a port, a range, either behind an address of the host.
_PUBLISHED = re.compile(r"(?:(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):)?(\d+)(?:-(\d+))?")
# As Docker and Kubernetes give a place to what they start.
_PLACE = re.compile(r"[a-z]+://.+:(\d+)")
_OURS = re.compile(r"^(REDIS|KONG|NGINX|PROXY|GATEWAY|ADMIN|UPSTREAM|HTTPS?)(_|$)")
_MEMORY = re.compile(r"(^|_)(MEM(ORY)?(_LIMIT|_RESERVATION|_CACHE_SIZE)?|MAX_?MEMORY)$")
_LIMIT = re.compile(r"(LIMIT|RESERVATION|MAX_?MEMORY)$")
_CIDR = re.compile(r"(^|_)(SUBNET|CIDR|IP_RANGE)$")
# What AWS calls a network of its own.
_AWS_ID = re.compile(r"[a-z]+-[0-9a-f]{8,}")
_NETWORK_NAME = re.compile(r"(^|_)NETWORK(_NAME)?$")
_PASSWORD = re.compile(r"PASS(WORD)?$")
_LOG_LEVEL = re.compile(r"(^|_)LOG_?LEVEL$")
_PLACEHOLDER = re.compile(r"^(<.*>|your[-_ ].*|.*change[-_]?me.*|xxx+|todo|example)$", re.IGNORECASE)
_COMMAND = re.compile(r"\$\(|`")
KEY_FORMATS = {
    "ANTHROPIC_API_KEY": (re.compile(r"sk-ant-[\w-]+"), "sk-ant-…"),
    "AWS_ACCESS_KEY_ID": (re.compile(r"(AKIA|ASIA)[0-9A-Z]{16}"), "AKIA and 16 capitals or digits"),
}
WELL_KNOWN = (80, 443)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: level error or warning, variable, text.

    refuses: whether a backup with it could not be deployed; the others are errors of a file that is being written, and
    no reason to leave a broken stack as it is.
    """

    level: str
    name: str
    text: str
    refuses: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as modules return it."""
        return asdict(self)


def validate(content: bytes, environment: str, required: Iterable[str] = (), used: Iterable[str] = ()) -> list[Finding]:
    """Return everything that is wrong with an environment file, errors first.

    required: variables that must have a value; used: those that a Compose file takes without a default.
    """
    values = env_file.parse(content)
    wanted = list(dict.fromkeys(required))
    found = [
        Finding(ERROR, name, f"{name} is required and {'empty' if name in values else 'missing'}", refuses=True)
        for name in wanted
        if not values.get(name, "").strip()
    ]
    found += [
        Finding(WARNING, name, f"{name} is used by a Compose file and missing: Compose takes nothing for it")
        for name in sorted(set(used) - set(values) - set(wanted))
    ]
    found += _lines(content)
    for name, value in values.items():
        if value:
            found += _value(name, value, environment, name in wanted)
    return sorted(found, key=lambda item: (item.level != ERROR, not item.refuses))


def _lines(content: bytes) -> list[Finding]:
    """Look at the form of the file."""
    found = []
    seen: dict[str, int] = {}
    quote = ""
    for number, raw in enumerate(content.splitlines(), 1):
        if quote:
            # A value in quotes may have several lines, as a certificate has.
            quote = "" if quote in raw.decode("utf-8", "replace") else quote
            continue
        line = raw.decode("utf-8", "replace").strip().lstrip("\ufeff").removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator or not _NAME.fullmatch(name.strip()):
            if not (":" in line and _NAME.fullmatch(line.partition(":")[0].strip())):
                found.append(Finding(ERROR, "", f"line {number} is neither a comment nor NAME=value"))
            continue
        name = name.strip()
        if name in seen:
            found.append(
                Finding(WARNING, name, f"{name} stands in lines {seen[name]} and {number}; the last one counts")
            )
        seen[name] = number
        quote = value.strip()[:1]
        if quote not in ("'", '"') or quote in value.strip()[1:]:
            quote = ""
    return found


def _value(name: str, value: str, environment: str, required: bool) -> list[Finding]:
    """Look at one value, by what its variable's name says that it is."""
    found: list[Finding] = []
    upper = name.upper()
    if _COMMAND.search(value):
        found.append(Finding(WARNING, name, f"{name} looks like a command; it is data and never executed"))
    if required and _PLACEHOLDER.match(value):
        found.append(Finding(ERROR, name, f"{name} still has a placeholder for its value"))
    if upper in KEY_FORMATS:
        pattern, form = KEY_FORMATS[upper]
        if re.search(r"\s", value):
            found.append(Finding(ERROR, name, f"{name} has a space in it, which no key has"))
        elif not pattern.fullmatch(value):
            found.append(Finding(WARNING, name, f"{name} has not the usual form ({form})"))
    for pattern, look in (
        (_PORT, _port),
        (_MEMORY, _memory),
        (_CIDR, _cidr),
        (_NETWORK_NAME, _network),
        (_PASSWORD, _password),
    ):
        # What is made of other variables is judged where it is used, by Compose.
        if pattern.search(upper) and "$" not in value:
            found += look(name, value)
    if environment == PRODUCTION:
        found += _debug(name, value)
    return found


def _port(name: str, value: str) -> list[Finding]:
    ours = bool(_OURS.match(name.upper()))
    matches = [_PUBLISHED.fullmatch(part.strip()) or _PLACE.fullmatch(part.strip()) for part in value.split(",")]
    ports = [int(number) for match in matches if match for number in match.groups() if number]
    if not all(matches) or not all(1 <= port <= 65535 for port in ports):
        # A name alone does not make a port of what is no number.
        fatal = ours or bool(ports) or value.lstrip("-").isdigit()
        told = f"{name} is {shown(name, value)}, expected a port from 1024 to 65535"
        return [Finding(ERROR if fatal else WARNING, name, told, refuses=fatal)]
    if min(ports) >= 1024 or not ours:
        return []
    level = WARNING if all(port in WELL_KNOWN for port in ports if port < 1024) else ERROR
    return [Finding(level, name, f"{name} is {value}, expected a port from 1024 to 65535")]


def _memory(name: str, value: str) -> list[Finding]:
    if value in ("0", "-1"):
        return []
    try:
        size = compose.memory_bytes(value)
    except RecoveryError:
        fatal = bool(_LIMIT.search(name.upper()) or _OURS.match(name.upper())) or value[0].isdigit()
        told = f"{name} is {shown(name, value)}, expected a size like 512m or 1g"
        return [Finding(ERROR if fatal else WARNING, name, told, refuses=fatal)]
    if size < LEAST_MEMORY and name.upper().endswith("LIMIT"):
        if value.isdigit():
            told = f"{name} is {value}: bytes, unless the Compose file adds a unit, and no container starts below 6m"
            return [Finding(WARNING, name, told)]
        return [Finding(ERROR, name, f"{name} is {value}, and no container starts below 6m", refuses=True)]
    return []


def _cidr(name: str, value: str) -> list[Finding]:
    found = []
    for part in (item.strip() for item in value.split(",") if not _AWS_ID.fullmatch(item.strip())):
        try:
            ipaddress.ip_network(part, strict=True)
        except ValueError:
            try:
                ipaddress.ip_network(part, strict=False)
                found.append(Finding(WARNING, name, f"{name} is {part}, which has bits set beyond its mask"))
            except ValueError:
                told = f"{name} is {shown(name, part)}, expected a network like 172.28.0.0/16"
                found.append(Finding(ERROR, name, told, refuses=True))
    return found


def _network(name: str, value: str) -> list[Finding]:
    if all(re.fullmatch(r"[0-9a-fA-F.:]+/\d+", part.strip()) for part in value.split(",")):
        return _cidr(name, value)
    if _NETWORK.fullmatch(value):
        return []
    return [Finding(ERROR, name, f"{name} is {shown(name, value)}, which is no name for a network", refuses=True)]


def _password(name: str, value: str) -> list[Finding]:
    if len(value) >= SHORT_PASSWORD:
        return []
    return [Finding(WARNING, name, f"{name} has fewer than {SHORT_PASSWORD} characters")]


def _debug(name: str, value: str) -> list[Finding]:
    upper, lower = name.upper(), value.strip().lower()
    level = _LOG_LEVEL.search(upper) and lower in ("debug", "trace")
    switch = (upper == "DEBUG" or upper.endswith("_DEBUG")) and lower in ("1", "true", "yes", "on")
    if level or switch:
        return [Finding(ERROR, name, f"{name} is {lower}: debug logs are on in {PRODUCTION}")]
    return []


def refusals(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with which a backup cannot be deployed."""
    return [item for item in findings if item.refuses]


def lines(findings: Iterable[Finding | Mapping[str, Any]]) -> list[str]:
    """Return a line a finding, for a person."""
    rows = [item.as_dict() if isinstance(item, Finding) else item for item in findings]
    return [f"{item['level'].upper():<8} {item['text']}" for item in rows]


def used_without_default(content: bytes) -> set[str]:
    """Return the variables that a Compose file takes and gives no default for."""
    text = "\n".join(
        line for line in content.decode("utf-8", "replace").splitlines() if not line.lstrip().startswith("#")
    )
    names = set()
    for match in re.finditer(
        r"(?<!\$)(?:\$\$)*\$(?:\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^}]*)\}|(?P<plain>[A-Za-z_]\w*))", text
    ):
        if match["plain"] or not match["rest"].startswith((":-", "-", ":+", "+")):
            names.add(match["braced"] or match["plain"])
    return names
