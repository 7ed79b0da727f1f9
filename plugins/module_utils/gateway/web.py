# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP and HTTPS to Kong and to the proxy in front, which are asked by address and not by the name that they have.

No certificate holds for an address, so none is verified; and a redirect leads to where clients would go, not to what is
asked about.
"""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..engine import endpoints
from ..engine.container import Container
from ..libraries import requests

TLS_PORT = 443
HANDSHAKE_SECONDS = 2.0
MOST_HOPS = 5
REDIRECTS = (301, 302, 303, 307, 308)


def session(host: str = "") -> Any:
    """Return a session that neither looks at the environment nor verifies certificates.

    host: the name that is asked for at whatever address, where routes or servers are chosen by it.
    """
    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    made = requests.Session()
    made.trust_env = made.verify = False
    if host:
        made.headers["Host"] = host
    return made


def base(place: tuple[str, int], tls: bool = False) -> str:
    """Return the URL of a place."""
    host = f"[{place[0]}]" if ":" in place[0] else place[0]
    return f"{'https' if tls else 'http'}://{host}:{place[1]}"


def kong_url(kong: Container) -> str:
    """Return the URL of Kong's proxy port; empty where nothing accepts a connection."""
    place = endpoints.reachable(endpoints.gateway(kong))
    listen = endpoints.gateway_listen(kong)
    return base(place, listen.tls) if place and listen else ""


def front_url(proxy: Container, port: int = 0) -> str:
    """Return the URL of the proxy in front; empty where nothing accepts a connection."""
    place = endpoints.reachable(endpoints.front(proxy, port))
    if place is None:
        return ""
    return base(place, endpoints.front_port(proxy, port) % 1000 == TLS_PORT and speaks_tls(place))


def speaks_tls(place: tuple[str, int]) -> bool:
    """Say whether a place that accepts connections takes a TLS handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(place, HANDSHAKE_SECONDS) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def get(url: str, timeout: float, host: str = "", headers: Mapping[str, str] | None = None) -> Any:
    """Return the answer to a GET; redirects are followed to other paths of the same place, not to another one.

    host: as for session; what leads to it leads to the same place. headers: what else is sent, credentials too.
    """
    made = session(host)
    made.headers.update(headers or {})
    answer = made.get(url, timeout=timeout, allow_redirects=False)
    for _hop in range(MOST_HOPS):
        target = urljoin(url, answer.headers.get("Location", ""))
        if host and urlsplit(target).netloc == host:
            target = urlsplit(target)._replace(netloc=urlsplit(url).netloc).geturl()
        if answer.status_code not in REDIRECTS or target == url or urlsplit(target)[:2] != urlsplit(url)[:2]:
            break
        url = target
        answer = made.get(url, timeout=timeout, allow_redirects=False)
    return answer


def redirect(answer: Any) -> str:
    """Return the place to which an answer sends its client, without path and question; empty where it does not."""
    target = answer.headers.get("Location", "")
    if answer.status_code not in REDIRECTS or not target:
        return ""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "another path"
