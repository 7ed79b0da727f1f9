"""The fields of the entities that a declarative file may hold, with their limits and defaults."""

from __future__ import annotations

from collections.abc import Mapping

from .schema import Field

TEXT = Field("string")
FLAG = Field("boolean")
STRINGS = Field("array", elements=TEXT)
STATUSES = Field("integer", low=100, high=999)
MILLISECONDS = Field("integer", 60000, 1, 2147483646)
COUNT = Field("integer", 0, 0, 255)
ROUTE_PROTOCOLS = ("grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp", "ws", "wss")


def _path(value: str) -> str | None:
    return None if value.startswith("/") else "should start with: /"


def _route_path(value: str) -> str | None:
    return None if value.startswith(("/", "~/")) else "should start with: / (fixed path) or ~/ (regex path)"


def _yes(default: bool) -> Field:
    return Field("boolean", default)


def _statuses(*codes: int) -> Field:
    return Field("array", list(codes), elements=STATUSES)


COMMON: dict[str, Field] = {
    "id": TEXT, "created_at": Field("number"), "updated_at": Field("number"), "tags": STRINGS,
}  # fmt: skip
SERVICES: dict[str, Field] = COMMON | {
    "name": TEXT,
    "protocol": Field("string", "http", choices=("grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough",
                                                 "udp", "ws", "wss")),
    "host": Field("string", required=True),
    "port": Field("integer", 80, 0, 65535),
    "path": Field("string", check=_path),
    "retries": Field("integer", 5, 0, 32767),
    "connect_timeout": MILLISECONDS,
    "read_timeout": MILLISECONDS,
    "write_timeout": MILLISECONDS,
    "client_certificate": Field("reference"),
    "ca_certificates": STRINGS,
    "tls_verify": FLAG,
    "tls_verify_depth": Field("integer", None, 0, 64),
    "enabled": _yes(True),
}  # fmt: skip
ROUTES: dict[str, Field] = COMMON | {
    "name": TEXT,
    "protocols": Field("array", ["http", "https"], elements=Field("string", choices=ROUTE_PROTOCOLS)),
    "methods": STRINGS,
    "hosts": STRINGS,
    "paths": Field("array", elements=Field("string", check=_route_path)),
    "headers": Field("map"),
    "snis": STRINGS,
    "sources": Field("array"),
    "destinations": Field("array"),
    "regex_priority": Field("integer", 0),
    "strip_path": _yes(True),
    "path_handling": Field("string", "v0", choices=("v0", "v1")),
    "preserve_host": _yes(False),
    "request_buffering": _yes(True),
    "response_buffering": _yes(True),
    "https_redirect_status_code": Field("integer", 426),
    "service": Field("reference"),
}
PLUGINS: dict[str, Field] = COMMON | {
    "name": Field("string", required=True),
    "instance_name": TEXT,
    "enabled": _yes(True),
    "protocols": Field("array", ["grpc", "grpcs", "http", "https"], elements=TEXT),
    "config": Field("map", {}),
    "route": Field("reference"),
    "service": Field("reference"),
    "consumer": Field("reference"),
}
_UNHEALTHY = {"timeouts": COUNT, "http_failures": COUNT, "tcp_failures": COUNT}
_KIND = Field("string", "http", choices=("tcp", "http", "https", "grpc", "grpcs"))
_PASSIVE = {
    "type": _KIND,
    "healthy": Field("record", fields={
        "successes": COUNT,
        "http_statuses": _statuses(*range(200, 209), 226, *range(300, 309)),
    }),
    "unhealthy": Field("record", fields=_UNHEALTHY | {"http_statuses": _statuses(429, 500, 503)}),
}  # fmt: skip
_ACTIVE = {
    "type": _KIND,
    "concurrency": Field("integer", 10, 1, 2147483648),
    "timeout": Field("number", 1, 0, 65535),
    "http_path": Field("string", "/", check=_path),
    "https_sni": TEXT,
    "https_verify_certificate": _yes(True),
    "headers": Field("map"),
    "healthy": Field("record", fields={
        "interval": Field("number", 0, 0, 65535), "successes": COUNT, "http_statuses": _statuses(200, 302),
    }),
    "unhealthy": Field("record", fields=_UNHEALTHY | {
        "interval": Field("number", 0, 0, 65535),
        "http_statuses": _statuses(429, 404, 500, 501, 502, 503, 504, 505),
    }),
}  # fmt: skip
UPSTREAMS: dict[str, Field] = COMMON | {
    "name": Field("string", required=True),
    "algorithm": Field("string", "round-robin", choices=("consistent-hashing", "least-connections", "round-robin",
                                                         "latency")),
    "hash_on": Field("string", "none"), "hash_fallback": Field("string", "none"),
    "hash_on_header": TEXT, "hash_fallback_header": TEXT,
    "hash_on_cookie": TEXT, "hash_on_cookie_path": Field("string", "/"),
    "hash_on_query_arg": TEXT, "hash_fallback_query_arg": TEXT,
    "hash_on_uri_capture": TEXT, "hash_fallback_uri_capture": TEXT,
    "slots": Field("integer", 10000, 10, 65536),
    "healthchecks": Field("record", fields={
        "active": Field("record", fields=_ACTIVE),
        "passive": Field("record", fields=_PASSIVE),
        "threshold": Field("number", 0, 0, 100),
    }),
    "host_header": TEXT, "use_srv_name": _yes(False), "client_certificate": Field("reference"),
}  # fmt: skip
TARGETS: dict[str, Field] = COMMON | {
    "target": Field("string", required=True), "weight": Field("integer", 100, 0, 65535), "upstream": Field("reference"),
}  # fmt: skip
CONSUMERS: dict[str, Field] = COMMON | {"username": TEXT, "custom_id": TEXT}

MASKER_CONFIG: dict[str, Field] = {
    "mask_ec2_instances": _yes(True), "mask_s3_buckets": _yes(True), "mask_rds_instances": _yes(True),
    "mask_private_ips": _yes(True), "preserve_structure": _yes(True), "log_masked_requests": _yes(True),
    "anthropic_api_key": TEXT, "use_redis": _yes(True), "redis_type": Field("string", "traditional"),
    "mapping_ttl": Field("integer", 86400), "max_entries": Field("integer", 10000),
    "redis_host": Field("string", "localhost"), "redis_port": Field("integer", 6379), "redis_password": TEXT,
    "redis_database": Field("integer", 0), "redis_ssl_enabled": _yes(False), "redis_ssl_verify": _yes(False),
    "redis_auth_token": TEXT, "redis_user": TEXT, "redis_cluster_mode": _yes(False), "redis_cluster_endpoint": TEXT,
}  # fmt: skip


def _lists(*names: str) -> Field:
    return Field("record", fields={name: Field("array", [], elements=TEXT) for name in names})


_CHANGE = ("headers", "json", "json_types")
_REQUEST = ("headers", "querystring", "body")
PLUGIN_CONFIGS: Mapping[str, Mapping[str, Field]] = {
    "aws-masker": MASKER_CONFIG,
    "correlation-id": {
        "header_name": Field("string", "Kong-Request-ID"),
        "generator": Field("string", "uuid#counter", choices=("uuid", "uuid#counter", "tracker")),
        "echo_downstream": _yes(False),
    },
    "response-transformer": {
        "add": _lists(*_CHANGE), "append": _lists(*_CHANGE), "replace": _lists(*_CHANGE),
        "remove": _lists("headers", "json"), "rename": _lists("headers", "json"),
    },
    "request-transformer": {
        "http_method": TEXT,
        "add": _lists(*_REQUEST), "append": _lists(*_REQUEST), "remove": _lists(*_REQUEST),
        "rename": _lists(*_REQUEST),
        "replace": Field("record", fields={**_lists(*_REQUEST).fields, "uri": TEXT}),
    },
}  # fmt: skip

FIELDS: Mapping[str, Mapping[str, Field]] = {
    "services": SERVICES, "routes": ROUTES, "plugins": PLUGINS, "upstreams": UPSTREAMS, "targets": TARGETS,
    "consumers": CONSUMERS,
}  # fmt: skip
# Accepted and listed, but neither checked nor acted upon.
OTHER_COLLECTIONS = (
    "acls", "basicauth_credentials", "ca_certificates", "certificates", "hmacauth_credentials", "jwt_secrets",
    "key_sets", "keyauth_credentials", "keys", "oauth2_credentials", "oauth2_tokens", "snis", "vaults",
)  # fmt: skip
# Which entities may be written inside which, and the field of the inner one that names the outer one.
NESTED: Mapping[str, Mapping[str, str]] = {
    "services": {"routes": "service", "plugins": "service"},
    "routes": {"plugins": "route"},
    "upstreams": {"targets": "upstream"},
    "consumers": {"plugins": "consumer"},
}
KEYS = {"services": "name", "routes": "name", "upstreams": "name", "targets": "target", "consumers": "username"}
