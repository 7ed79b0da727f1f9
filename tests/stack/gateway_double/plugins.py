"""Which plugins there are: the bundled ones by name, and aws-masker if its code lies in the plugin directory."""

from __future__ import annotations

import re
from pathlib import Path

from . import VERSION
from .settings import Settings, SettingsError

MASKER = "aws-masker"
MASKER_PRIORITY = 700
BUNDLED = {
    "session": 1900, "acme": 1705, "grpc-gateway": 998, "grpc-web": 3, "pre-function": 1000000,
    "post-function": -1000, "azure-functions": 749, "zipkin": 100000, "opentelemetry": 14, "ai-proxy": 770,
    "ai-prompt-decorator": 772, "ai-prompt-template": 773, "ai-prompt-guard": 771, "ai-request-transformer": 777,
    "ai-response-transformer": 768, "standard-webhooks": 760, "redirect": 779, "jwt": 1450, "acl": 950,
    "correlation-id": 100001, "cors": 2000, "oauth2": 1400, "tcp-log": 7, "udp-log": 8, "file-log": 9,
    "http-log": 12, "key-auth": 1250, "hmac-auth": 1030, "basic-auth": 1100, "ip-restriction": 990,
    "request-transformer": 801, "response-transformer": 800, "request-size-limiting": 951, "rate-limiting": 910,
    "response-ratelimiting": 900, "syslog": 4, "loggly": 6, "datadog": 10, "ldap-auth": 1200, "statsd": 11,
    "bot-detection": 2500, "aws-lambda": 750, "request-termination": 2, "prometheus": 13, "proxy-cache": 100,
}  # fmt: skip


def masker_version(directory: Path) -> str | None:
    """The version that the plugin's ``handler.lua`` declares, or None where there is no plugin."""
    try:
        text = (directory / "handler.lua").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(r"VERSION\s*=\s*[\"']([^\"']+)[\"']", text)
    return match[1] if match else "0.0.0"


def available(settings: Settings) -> dict[str, dict[str, int | str]]:
    """Name to priority and version, as ``GET /`` shows it; an enabled plugin without code stops the start."""
    found: dict[str, dict[str, int | str]] = {}
    for name in settings.plugins:
        if name == "off":
            continue
        if name == "bundled":
            found.update({plugin: {"priority": rank, "version": VERSION} for plugin, rank in BUNDLED.items()})
        elif name in BUNDLED:
            found[name] = {"priority": BUNDLED[name], "version": VERSION}
        elif name == MASKER:
            version = masker_version(settings.plugin_dir)
            if version is not None:
                found[name] = {"priority": MASKER_PRIORITY, "version": version}
        else:
            raise SettingsError(
                f"error loading plugin schemas: on plugin '{name}': {name} plugin is enabled but not installed;\n"
                "no plugin found"
            )
    return found
