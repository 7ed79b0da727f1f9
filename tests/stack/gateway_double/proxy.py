"""The proxy: from a client's request to the upstream's reply, through the plugins that the double acts out."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from . import upstreams
from .masker import Masked, Masker, MaskerError, endpoint
from .plugins import MASKER
from .replies import SERVER, proxy_error
from .routing import Match, find_route, plugins_for
from .settings import Settings
from .state import State, Store

HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
              "transfer-encoding", "upgrade", "content-length", "host"}  # fmt: skip
UNEXPECTED = "An unexpected error occurred"
BAD_UPSTREAM = "An invalid response was received from the upstream server"
DELAY_FILE = Path("/tmp/gateway-double-delay")
NO_PEER = "failure to get a peer from the ring-balancer"


class GatewayError(Exception):
    """An answer of the gateway itself; ``reached`` says whether it had begun to talk to the upstream."""

    def __init__(self, status: int, message: str, reached: bool = False) -> None:
        super().__init__(message)
        self.status, self.message, self.reached = status, message, reached


def _delay() -> float:
    """How many seconds each request is held back: what the file says, which tests write into the running container."""
    try:
        return float(DELAY_FILE.read_text())
    except (OSError, ValueError):
        return 0.0


@dataclass
class Exchange:
    """One request on its way."""

    request: web.BaseRequest
    plugins: dict[str, dict[str, Any]]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: float = field(default_factory=time.monotonic)
    sent: float = 0.0
    correlation: tuple[str, str] | None = None
    masked: Masked | None = None

    def client_headers(self) -> dict[str, str]:
        """What plugins add to every reply, the gateway's own errors included."""
        headers: dict[str, str] = {}
        config = self.plugins.get("correlation-id")
        if config and config["echo_downstream"] and self.correlation:
            headers[self.correlation[0]] = self.correlation[1]
        for entry in self.plugins.get("response-transformer", {}).get("add", {}).get("headers") or []:
            name, _unused, value = entry.partition(":")
            headers.setdefault(name.strip(), value.strip())
        return headers

    def latencies(self) -> dict[str, str]:
        """The latency headers of a request that got as far as the upstream."""
        now = time.monotonic()
        sent = self.sent or now
        return {
            "X-Kong-Upstream-Latency": str(int((now - sent) * 1000)),
            "X-Kong-Proxy-Latency": str(int((sent - self.started) * 1000)),
            "Via": f"1.1 {SERVER}",
        }


class Proxy:
    """One worker's proxy."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=1)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        self._maskers: dict[tuple[Any, ...], Masker] = {}
        self._numbers = itertools.count(1)

    def warm_up(self) -> None:
        """Start a masker for each configured plugin, as a starting gateway does before its first request."""
        for plugin in self._store.read().all("plugins"):
            if plugin["name"] == MASKER and plugin["enabled"]:
                self._masker(plugin["config"])

    def _masker(self, config: dict[str, Any]) -> Masker:
        key = (*endpoint(config, self._settings), config.get("redis_database"))
        if key not in self._maskers:
            self._maskers[key] = Masker(config, self._settings)
        return self._maskers[key]

    async def close(self) -> None:
        """End of the worker."""
        await self._session.close()
        for masker in self._maskers.values():
            await masker.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, and write the access line that a container log shows."""
        state = self._store.read()
        match = find_route(state, request.method, request.rel_url.raw_path, request.headers)
        exchange = Exchange(request, plugins_for(state, match))
        await asyncio.sleep(_delay())
        try:
            response = await self._serve(exchange, state, match)
        except GatewayError as exc:
            latency = {"X-Kong-Response-Latency": str(int((time.monotonic() - exchange.started) * 1000))}
            headers = exchange.client_headers() | (exchange.latencies() if exc.reached else latency)
            response = proxy_error(exc.status, exc.message, exchange.id, headers)
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        line = f'"{request.method} {request.path_qs} HTTP/{request.version[0]}.{request.version[1]}" {response.status}'
        print(f'{request.remote} - - [{stamp}] {line} kong_request_id: "{exchange.id}"', file=sys.stdout, flush=True)
        return response

    async def _serve(self, exchange: Exchange, state: State, match: Match | None) -> web.StreamResponse:
        body = await exchange.request.content.read()
        headers = self._upstream_headers(exchange)
        if match is None or match.service is None:
            raise GatewayError(404, "no Route matched with those values")
        config = exchange.plugins.get(MASKER)
        if config is not None:
            body = await self._mask(exchange, config, headers, body)
        for entry in exchange.plugins.get("request-transformer", {}).get("add", {}).get("headers") or []:
            name, _unused, value = entry.partition(":")
            if name.strip() not in headers:
                headers[name.strip()] = value.strip()
        async with await self._send(exchange, state, match, headers, body) as reply:
            return await self._answer(exchange, reply, await reply.read())

    def _upstream_headers(self, exchange: Exchange) -> CIMultiDict[str]:
        request = exchange.request
        headers = CIMultiDict((k, v) for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP)
        peer = request.remote or "127.0.0.1"
        earlier = request.headers.get("X-Forwarded-For")
        version = "1.1" if request.version >= (1, 1) else "1"
        sock = request.transport.get_extra_info("sockname") if request.transport else None
        headers.update({
            "X-Forwarded-For": f"{earlier}, {peer}" if earlier else peer,
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": request.headers.get("Host", "").split(":")[0],
            "X-Forwarded-Port": str(sock[1] if sock else 8000),
            "X-Forwarded-Path": request.rel_url.raw_path,
            "X-Real-IP": peer,
            "X-Kong-Request-Id": exchange.id,
            "Via": f"{version} {SERVER}",
        })  # fmt: skip
        config = exchange.plugins.get("correlation-id")
        if config:
            name = config["header_name"]
            number = "" if config["generator"] == "uuid" else f"#{next(self._numbers)}"
            exchange.correlation = (name, headers.get(name) or f"{uuid.uuid4()}{number}")
            headers[name] = exchange.correlation[1]
        return headers

    async def _mask(
        self, exchange: Exchange, config: dict[str, Any], headers: CIMultiDict[str], body: bytes
    ) -> bytes:  # fmt: skip
        """What the masking plugin does to a request; it throws for every request while it is cold."""
        text = body.decode("utf-8", "surrogateescape")
        try:
            exchange.masked = await self._masker(config).mask(text, config)
        except MaskerError as exc:
            raise GatewayError(500, UNEXPECTED) from exc
        headers.update({
            "Accept": "application/json",
            "Content-Type": "application/json",
            "anthropic-version": "2023-06-01",
            "X-Request-ID": f"{round(time.time(), 3)}-{os.getpid()}-{next(self._numbers)}",
        })  # fmt: skip
        if key := config.get("anthropic_api_key") or self._settings.provider_key:
            headers["x-api-key"] = key
        return exchange.masked.text.encode("utf-8", "surrogateescape")

    async def _send(
        self, exchange: Exchange, state: State, match: Match, headers: CIMultiDict[str], body: bytes
    ) -> aiohttp.ClientResponse:
        service = match.service or {}
        request = exchange.request
        connect = service["connect_timeout"] / 1000
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=service["read_timeout"] / 1000)
        failure = GatewayError(502, BAD_UPSTREAM, reached=True)
        for attempt in range(service["retries"] + 1):
            try:
                host, port = upstreams.choose(state, service["host"], service["port"], attempt)
                address = await upstreams.resolve(host, port, self._settings)
            except upstreams.NoPeer as exc:
                raise GatewayError(503, NO_PEER) from exc
            except upstreams.UnknownHost as exc:
                raise GatewayError(503, "name resolution failed") from exc
            default = 443 if service["protocol"] == "https" else 80
            shown = host if port == default else f"{host}:{port}"
            headers["Host"] = request.headers.get("Host", shown) if match.route["preserve_host"] else shown
            where = host if service["protocol"] == "https" else address.host
            where = f"[{where}]" if ":" in where else where
            query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
            path = match.upstream_path(request.rel_url.raw_path)
            url = URL(f"{service['protocol']}://{where}:{address.port}{path}{query}", encoded=True)
            exchange.sent = exchange.sent or time.monotonic()
            try:
                return await self._session.request(
                    request.method, url, headers=headers, data=body or None, timeout=timeout, allow_redirects=False,
                    ssl=False, skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                )  # fmt: skip
            except (aiohttp.ServerTimeoutError, TimeoutError):
                failure = GatewayError(504, "The upstream server is timing out", reached=True)
            except (aiohttp.ClientError, OSError):
                failure = GatewayError(502, BAD_UPSTREAM, reached=True)
        raise failure

    async def _answer(self, exchange: Exchange, reply: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
        """Hand the reply on.

        The masking plugin changes its length. Towards HTTP/1.1 it is chunked and complete; towards HTTP/1.0 (an nginx
        in front, by default) the length of the masked reply stays in the header, and the longer text is cut there.
        """
        request = exchange.request
        response = web.StreamResponse(status=reply.status, reason=reply.reason)
        for name, value in reply.headers.items():
            if name.lower() not in HOP_BY_HOP and name.lower() not in ("server", "via"):
                response.headers.add(name, value)
        for name, value in (exchange.client_headers() | exchange.latencies()).items():
            response.headers[name] = value
        response.headers["Server"] = SERVER
        response.headers["X-Kong-Request-Id"] = exchange.id
        length = reply.headers.get("Content-Length")
        if exchange.masked:
            length = str(len(body))
            if "Content-Encoding" not in reply.headers:
                text = exchange.masked.unmask(body.decode("utf-8", "surrogateescape"))
                body = text.encode("utf-8", "surrogateescape")
        empty = request.method == "HEAD" or reply.status in (204, 304) or reply.status < 200
        if request.version >= (1, 1) and not empty and (exchange.masked or length is None):
            response.enable_chunked_encoding()
        elif length is not None:
            response.headers["Content-Length"] = length
        if request.version < (1, 1):
            response.force_close()
        await response.prepare(request)
        if not empty:
            await response.write(body)
        await response.write_eof()
        return response
