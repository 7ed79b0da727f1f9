"""A small stack on disk, the containers that were made from it, and Compose's reading of it without Compose."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os

import yaml

from ansible_collections.kong_masking.recovery.plugins.module_utils.backups.backup_store import BackupWriter
from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration import links
from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration.references import fill_in
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import env_file
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.container import as_record
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.definitions import Definitions
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner, Stamp
from ansible_collections.kong_masking.recovery.tests.unit import samples, small_redis
from ansible_collections.kong_masking.recovery.tests.unit.backup_samples import ID, MINE, NOW, manifest, store
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, recorded, serving
from ansible_collections.kong_masking.recovery.tests.unit.small_redis import OK, PONG, bulk, listed

# When the containers started, and a moment before it, in seconds since the epoch.
STARTED, BEFORE = 1785315601.0, 1785315000.0
ENV, COMPOSE, KONG_FILE, NGINX = "config/production.env", "docker-compose.yml", "kong/kong.yml", "nginx/nginx.conf"
PLUGIN = "kong/plugins/aws-masker/handler.lua"
KONG = b'_format_version: "3.0"\nservices:\n- name: llm\n  url: http://up\n  routes: [{name: all, paths: [/]}]\n'
# The same with the masking plugin on its route, and what Kong's Admin API then shows.
MASKING = KONG.replace(b"paths: [/]", b"paths: [/], plugins: [{name: aws-masker}]")
LISTEN = {"KONG_ADMIN_LISTEN": "0.0.0.0:8001"}
ENTITIES = {
    "services": [{"id": "s", "name": "llm", "host": "up", "port": 8080}],
    "routes": [{"id": "r", "name": "all", "paths": ["/"]}],
    "plugins": [{"name": "aws-masker", "enabled": True, "route": {"id": "r"}}],
    "upstreams": [],
}
SERVICES = """services:
  kong:
    image: gateway-kong
    mem_limit: ${KONG_MEMORY}
    environment:
      KONG_DECLARATIVE_CONFIG: /etc/kong/kong.yml
      KONG_LOG_LEVEL: "${KONG_LOG_LEVEL}"
      KONG_ADMIN_LISTEN: "0.0.0.0:8001"
    volumes:
    - {type: bind, source: ROOT/kong/kong.yml, target: /etc/kong/kong.yml}
    - {type: bind, source: ROOT/kong/plugins/aws-masker, target: /usr/local/kong/plugins/aws-masker}
  nginx:
    image: gateway-nginx
    depends_on: {kong: {}}
    volumes: [{type: bind, source: ROOT/nginx/nginx.conf, target: /etc/nginx/nginx.conf}]
  redis:
    image: gateway-redis
    environment: {REDIS_PASSWORD: "${REDIS_PASSWORD}"}
    volumes: [{type: bind, source: ROOT/redis/data, target: /data}]
"""
FILES = {
    ENV: b"KONG_LOG_LEVEL=notice\nKONG_MEMORY=512m\nREDIS_PASSWORD=pass-of-the-file\n",
    KONG_FILE: KONG,
    NGINX: b"worker_processes 1;\n",
    PLUGIN: b"-- masks\n",
    "redis/data/dump.rdb": b"REDIS",
}


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


SHOWN = md5(KONG)


def put(stack, path, data, modified=BEFORE):
    """Write a file that was last changed at a moment."""
    full = stack.path(path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as handle:
        handle.write(data)
    os.utime(full, (modified, modified))


def lay_out(root, **settings):
    """Write the stack's files and return its arguments."""
    stack = samples.stack(root, **settings)
    for path, data in {**FILES, COMPOSE: SERVICES.replace("ROOT", stack.dir).encode()}.items():
        put(stack, path, data)
    return stack


def containers(stack, **changes):
    """Return service → the container that Compose made of these files; changes: service → fields that differ."""
    about = {
        "kong": {
            "env": {"KONG_DECLARATIVE_CONFIG": "/etc/kong/kong.yml", "KONG_LOG_LEVEL": "notice", **LISTEN},
            "mounts": (
                samples.bind(stack.path(KONG_FILE), "/etc/kong/kong.yml"),
                samples.bind(stack.path("kong/plugins/aws-masker"), "/usr/local/kong/plugins/aws-masker"),
            ),
            "settings": samples.settings(memory=512 << 20),
        },
        "nginx": {"mounts": (samples.bind(stack.path(NGINX), "/etc/nginx/nginx.conf"),)},
        "redis": {
            "env": {"REDIS_PASSWORD": "pass-of-the-file"},
            "mounts": (samples.bind(stack.path("redis/data"), "/data", writable=True),),
        },
    }
    started = {"started_at": "2026-07-29T09:00:01.5Z"}
    return {name: samples.container(name, **{**started, **about[name], **changes.get(name, {})}) for name in about}


def well(stack, places, **changes):
    """Return the containers of a stack that answers at these places, with changes of some of them."""
    both = {name: {**places[name], **changes.get(name, {})} for name in places}
    return containers(stack, **both)


class SmallCompose(Definitions):
    """Reads the one Compose file as Compose does, variables filled in; starts no process."""

    def __init__(self, stack):
        super().__init__(stack, Runner(), ("docker", "compose"))
        self.read = []

    def resolve(self, files, interpolate=True):
        self.read.append(sorted(files))
        text = files[COMPOSE].decode()
        variables = env_file.parse(files.get(self.stack.env_file_among(files), b""))
        try:
            document = yaml.safe_load(fill_in(text, variables) if interpolate else text)
        except yaml.YAMLError as exc:
            raise RecoveryError("yaml: line 1: did not find expected node content") from exc
        self.networks = document.get("networks") or {}
        return document["services"]


def kong_answers(shown, exported=None):
    """Return the answers of a Kong 3.9.1 that shows this hash and exports this configuration."""
    answers = {("GET", "/"): recorded("3.9.1", "001-GET-root")}
    answers["GET", "/status"] = Answer(200, json.dumps({"configuration_hash": shown}).encode())
    if exported is not None:
        answers["GET", "/config"] = Answer(200, json.dumps({"config": exported}).encode())
    return answers


class TalkingEngine(samples.SmallEngine):
    """Its Kong's Admin API listens inside the container, where it gives these answers; answers: as for serving.

    asked: the paths that were asked for in there.
    """

    def __init__(self, *found, admin, **engine):
        super().__init__(*found, **engine)
        self.admin, self.asked = admin, []

    def execute(self, container, cmd, env=None):
        if cmd[:2] != ["sh", "-c"]:
            return super().execute(container, cmd, env)
        self.asked.append(cmd[-1])
        answer = self.admin.get(("GET", cmd[-1]))
        return (0, b"HTTP/1.0 200 OK\r\n\r\n" + answer.body, b"") if answer else (1, b"", b"connection refused")


def admin_answers(shown=None, version="3.9.1", **entities):
    """Return the answers of an Admin API that shows this hash and these entities in place of those of MASKING."""
    rows = {**ENTITIES, **entities}
    lists = {("GET", f"/{kind}"): Answer(200, json.dumps({"data": found}).encode()) for kind, found in rows.items()}
    status = {"configuration_hash": md5(MASKING) if shown is None else shown}
    about = {("GET", "/"): recorded(version, "001-GET-root")}
    return {**about, ("GET", "/status"): Answer(200, json.dumps(status).encode()), **lists}


@contextlib.contextmanager
def answering(shown=SHOWN, mappings=7):
    """Yield service → where it answers: Kong shows a hash, the proxy lets through, Redis holds so many mappings."""
    keys = [bulk(b"aws_masker:map:%d" % number) for number in range(mappings)]
    redis = {
        "PING": PONG,
        "AUTH pass-of-the-file": OK,
        "INFO": bulk(
            b"# Keyspace\r\ndb0:keys=%d,expires=0,avg_ttl=0\r\n" % mappings if mappings else b"# Keyspace\r\n"
        ),
        "SCAN 0 COUNT 500 MATCH aws_masker:*": listed(bulk(b"0"), listed(*keys)),
    }
    paths = {("GET", path): Answer(200) for path in ("/v1/messages", "/health")}
    with serving({**kong_answers(shown), **paths}) as server, small_redis.serving_redis(redis) as (where, _asked):
        yield {
            "kong": {"ports": {"8000/tcp": server.place, "8001/tcp": server.place}},
            "nginx": {"ports": {"80/tcp": server.place}},
            "redis": {"ports": small_redis.place(where)},
        }


def backed_up(stack, found=None, files=None, backup_id=ID, **about):
    """Write a backup of the stack as it is on disk and return the record that backup_discover would give.

    found: service → container; files: path → content in place of what is on disk.
    """
    where, found = store(stack.backup_dir), found or containers(stack)
    writer = BackupWriter(where, backup_id, MINE)
    on_disk = {path: Runner().read(stack.path(path)) for path in (COMPOSE, ENV, KONG_FILE, NGINX, PLUGIN)}
    for path, data in {**on_disk, **(files or {})}.items():
        owner = Runner().stamp(stack.path(path)) if os.path.exists(stack.path(path)) else Stamp(0o644, 0, 0)
        writer.add(f"files/{path}", data, target=path, mode=owner.mode, uid=owner.uid, gid=owner.gid)
    records = {name: as_record(item) for name, item in found.items()}
    writer.add("containers.json", json.dumps(records).encode())
    services = {
        name: {
            **{field: getattr(item, field) for field in ("image_ref", "image_id", "config_hash", "compose_version")},
            "depends_on": list(item.depends_on),
            "mounts": [name for mount in item.mounts for name in links.names(stack, mount.source)],
            "ports": {},
        }
        for name, item in found.items()
    }
    kong = {"file": KONG_FILE, "configuration_hash": md5(KONG), "proven": True}
    values = {
        "services": services,
        "kong": kong,
        "host": "gw1",
        "directories": ["kong/plugins/aws-masker"],
        "absent": [],
    }
    writer.finish(manifest(backup_id, **{**values, **about}), {"verified": True})
    rows = where.listing(stack.environment, stack.project, ["gw1"], NOW)
    row = next(item for item in rows if item["id"] == backup_id)
    return {**row, "files": where.prove(row)}
