# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As much of requests as this collection uses, on the standard library; for force_rollback on a target without it.

Proxies and .netrc are not looked at: every caller sets trust_env to False. An answer's body is read before it is handed
over, so that a broken one fails here.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping, MutableMapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from . import plain_request_errors as exceptions
from .plain_request_errors import RequestException

__all__ = ["RequestException", "Response", "Session", "adapters", "exceptions"]

MOST_REDIRECTS = 30
REDIRECTS = (301, 302, 303, 307, 308)
# What stays of a URL as it is; requests quotes the same.
KEPT = "!#$%&'()*+,/:;=?@[]~"
DEFAULTS = {"User-Agent": "kong_masking.recovery", "Accept-Encoding": "gzip, deflate", "Accept": "*/*"}


class Headers(MutableMapping[str, str]):
    """Headers by name in any case; each keeps the case in which it came."""

    def __init__(self, items: Mapping[str, str] | None = None) -> None:
        self._found: dict[str, tuple[str, str]] = {}
        self.update(items or {})

    def __getitem__(self, name: str) -> str:
        return self._found[name.lower()][1]

    def __setitem__(self, name: str, value: str) -> None:
        self._found[name.lower()] = (name, value)

    def __delitem__(self, name: str) -> None:
        del self._found[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _value in self._found.values())

    def __len__(self) -> int:
        return len(self._found)


class Response:
    """An answer: status_code, reason, headers, url, request, and its body as content, text or json()."""

    def __init__(self) -> None:
        self.status_code = 0
        self.reason = ""
        self.headers = Headers()
        self.url = ""
        self.request: Any = None
        self._content = b""

    @property
    def content(self) -> bytes:
        """The body, decompressed."""
        return self._content

    @property
    def text(self) -> str:
        """The body as text, by the charset of its type."""
        kind, *about = [part.strip() for part in self.headers.get("Content-Type", "").split(";")]
        said = [part.split("=", 1)[1].strip("'\" ") for part in about if part.lower().startswith("charset=")]
        usual = "iso-8859-1" if kind.startswith("text/") else "utf-8"
        try:
            return self._content.decode((said or [usual])[0], "replace")
        except LookupError:
            return self._content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body's value; raise JSONDecodeError (a ValueError) where it is no JSON."""
        try:
            return json.loads(self._content)
        except UnicodeDecodeError as exc:
            raise exceptions.JSONDecodeError(exc.reason, "", exc.start) from exc
        except json.JSONDecodeError as exc:
            raise exceptions.JSONDecodeError(exc.msg, exc.doc, exc.pos) from exc


class BaseAdapter:
    """What carries requests to an address; send(request, timeout=...) returns a Response."""

    def send(self, request: Any, *_args: Any, **_options: Any) -> Any:
        """Carry one request."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what is kept open."""


class HTTPAdapter(BaseAdapter):
    """Carries requests over the network; a connection that the server keeps open serves the next one."""

    def __init__(self) -> None:
        self.idle: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def send(
        self, request: Any, *_args: Any, timeout: float | None = None, verify: bool = True, **_options: Any
    ) -> Response:
        """Carry one request; raise ConnectionError, Timeout, ChunkedEncodingError or another RequestException."""
        parts = urlsplit(request.url)
        place = (parts.scheme, parts.netloc)
        connection = self._connection(place, timeout, verify)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(request.method, path, body=request.body, headers=dict(request.headers))
            reply = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as exc:
            connection.close()
            raise _failure(exc, connected=True) from exc
        try:
            answer = _answer(reply, request)
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self.idle[place] = connection
        return answer

    def _connection(self, place: tuple[str, str], timeout: float | None, verify: bool) -> http.client.HTTPConnection:
        """Return a connection that is open."""
        kept = self.idle.pop(place, None)
        if kept is not None and kept.sock is not None:
            # One on which something lies ready was closed meanwhile: nothing was asked.
            poll = select.poll()
            poll.register(kept.sock, select.POLLIN)
            if not poll.poll(0):
                kept.sock.settimeout(timeout)
                return kept
            kept.close()
        host = place[1].rpartition("@")[2]
        try:
            made = (
                http.client.HTTPSConnection(host, timeout=timeout, context=_context(verify))
                if place[0] == "https"
                else http.client.HTTPConnection(host, timeout=timeout)
            )
            made.connect()
        except http.client.InvalidURL as exc:
            raise exceptions.InvalidURL(str(exc)) from exc
        except OSError as exc:
            raise _failure(exc, connected=False) from exc
        return made

    def close(self) -> None:
        """Close the connections."""
        while self.idle:
            self.idle.popitem()[1].close()


adapters = SimpleNamespace(BaseAdapter=BaseAdapter, HTTPAdapter=HTTPAdapter)


def _context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _failure(exc: Exception, connected: bool) -> RequestException:
    """Return a failure as the library names it."""
    if isinstance(exc, socket.timeout):
        return exceptions.ReadTimeout(str(exc)) if connected else exceptions.ConnectTimeout(str(exc))
    if isinstance(exc, ssl.SSLError):
        return exceptions.SSLError(str(exc))
    if isinstance(exc, ValueError):
        return exceptions.InvalidHeader(str(exc))
    return exceptions.ConnectionError(str(exc) or type(exc).__name__)


def _answer(reply: http.client.HTTPResponse, request: Any) -> Response:
    """Read an answer to its end."""
    answer = Response()
    answer.status_code, answer.reason = reply.status, reply.reason
    answer.url, answer.request = request.url, request
    for name, value in reply.getheaders():
        answer.headers[name] = f"{answer.headers[name]}, {value}" if name in answer.headers else value
    try:
        body = reply.read()
    except http.client.HTTPException as exc:
        raise exceptions.ChunkedEncodingError(str(exc) or type(exc).__name__) from exc
    except OSError as exc:
        raise exceptions.ConnectionError(str(exc)) from exc
    answer._content = _decompressed(body, answer.headers.get("Content-Encoding", ""))  # noqa: SLF001  # set here alone
    return answer


def _decompressed(body: bytes, how: str) -> bytes:
    if how.lower() not in ("gzip", "x-gzip", "deflate") or not body:
        return body
    # 47: gzip or zlib, by its first bytes; some servers mean by "deflate" the bare stream.
    for bits in (47, -zlib.MAX_WBITS):
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(bits).decompress(body)
    raise exceptions.ContentDecodingError(f"the body is not {how}")


class Session:
    """Sends requests and follows redirects; trust_env is there to be set, nothing of the environment is used.

    verify: whether the certificate of who answers has to hold for the address; headers: those of every request.
    """

    def __init__(self) -> None:
        self.trust_env, self.verify = False, True
        self.headers = Headers(DEFAULTS)
        self.adapters: dict[str, BaseAdapter] = {}
        for prefix in ("https://", "http://"):
            self.mount(prefix, HTTPAdapter())

    def mount(self, prefix: str, adapter: BaseAdapter) -> None:
        """Let an adapter carry what begins with prefix."""
        self.adapters[prefix] = adapter

    def close(self) -> None:
        """Close all connections."""
        for adapter in self.adapters.values():
            adapter.close()

    def get(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = True,
    ) -> Response:
        """Return the answer to a GET; raise a RequestException where there is none."""
        ask = self._follow if allow_redirects else self._send
        return ask("GET", _url(url, params), b"", {}, timeout)

    def post(
        self,
        url: str,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = True,
    ) -> Response:
        """Return the answer to a POST; raise a RequestException where there is none."""
        ask = self._follow if allow_redirects else self._send
        return ask("POST", _url(url), data, headers or {}, timeout)

    def _follow(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], timeout: float | None
    ) -> Response:
        for _hop in range(MOST_REDIRECTS + 1):
            answer = self._send(method, url, body, headers, timeout)
            target = answer.headers.get("Location", "")
            if answer.status_code not in REDIRECTS or not target:
                return answer
            before, url = urlsplit(url), _url(urljoin(url, target))
            if before[:2] != urlsplit(url)[:2]:
                # What proves who we are is for the place that was asked.
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            if answer.status_code in (301, 302, 303) and method == "POST":
                method, body = "GET", b""
                headers = {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
        raise exceptions.TooManyRedirects(f"Exceeded {MOST_REDIRECTS} redirects.")

    def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str], timeout: float | None) -> Response:
        adapter = next((item for prefix, item in self.adapters.items() if url.lower().startswith(prefix)), None)
        if adapter is None:
            raise exceptions.InvalidSchema(f"No connection adapters were found for {url!r}")
        sent = Headers({**self.headers, **headers})
        request = SimpleNamespace(method=method, url=url, headers=sent, body=body or None)
        made: Response = adapter.send(request, timeout=timeout, verify=self.verify)
        return made


def _url(url: str, params: Mapping[str, Any] | None = None) -> str:
    """Return a URL as it is sent; raise MissingSchema or InvalidURL where it is none."""
    if "://" not in url:
        raise exceptions.MissingSchema(f"Invalid URL {url!r}: No scheme supplied.")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises where it is no number
    except ValueError as exc:
        raise exceptions.InvalidURL(str(exc)) from exc
    if not parts.hostname:
        raise exceptions.InvalidURL(f"Invalid URL {url!r}: No host supplied")
    query = "&".join([*([parts.query] if parts.query else []), *([urlencode(params)] if params else [])])
    path = quote(parts.path or "/", safe=KEPT) + (f"?{quote(query, safe=KEPT)}" if query else "")
    return f"{parts.scheme}://{parts.netloc}{path}"
