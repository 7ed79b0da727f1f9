"""A target and a live state in build_plan's terms, what differs between them, and a model of what actions do."""

from __future__ import annotations

import copy

HASH = "1a9184771897f978257e8468322fe853"
OTHER_HASH = "a1b798791fadd521f6329804a8dc9867"
KONG_FILE = "kong/kong.yml"
ENV_FILE = "config/production.env"
SETTINGS = {
    "redis_service": "redis",
    "kong_service": "kong",
    "proxy_service": "nginx",
    "kong_file": KONG_FILE,
    "definition_files": ["docker-compose.yml", ENV_FILE, ".env"],
    "services": [],
    "force": False,
}
DEPENDS = {"redis": [], "kong": ["redis"], "nginx": ["kong"], "client": ["nginx"]}
MOUNTS = {
    "redis": ["redis/redis.conf", "redis/data"],
    "kong": [KONG_FILE, "kong/plugins/aws-masker"],
    "nginx": ["nginx/nginx.conf"],
    "client": [],
}
FILES = (
    ".env",
    ENV_FILE,
    "docker-compose.yml",
    KONG_FILE,
    "kong/plugins/aws-masker/handler.lua",
    "nginx/nginx.conf",
    "redis/redis.conf",
)
SINGLE = ["kong/kong.yml", "nginx/nginx.conf", "redis/redis.conf"]


def target_service(name, depends_on=None, mounts=None):
    """A service as the manifest records it."""
    return {
        "image_ref": f"gateway-{name}",
        "image_id": f"sha256:{name}-image-of-old",
        "config_hash": f"hash-{name}",
        "compose_version": "2.40.3",
        "depends_on": list(DEPENDS.get(name, []) if depends_on is None else depends_on),
        "mounts": list(MOUNTS.get(name, []) if mounts is None else mounts),
    }


def live_service(recorded):
    """The container that fits a record exactly."""
    found = {key: copy.deepcopy(value) for key, value in recorded.items() if key != "image_ref"}
    return {**found, "differs": [], "trouble": "", "state": "running", "running": True, "stale_files": []}


def content(path):
    """What the record says about a file."""
    return {"sha256": f"sha-of-{path}", "mode": 0o644, "uid": 0, "gid": 0}


def target():
    """The state to reach."""
    return {
        "id": "deploy-20260729-120000",
        "services": {name: target_service(name) for name in DEPENDS},
        "files": {path: {**content(path), "source": f"files/{path}"} for path in FILES},
        "kong": {"file": KONG_FILE, "configuration_hash": HASH, "version": "3.9.1"},
        "notes": [],
    }


def live(wanted):
    """The live state that equals a target."""
    return {
        "services": {name: live_service(item) for name, item in wanted["services"].items()},
        "files": {path: content(path) for path in wanted["files"]},
        "extra_files": [],
        "mounted_singly": list(SINGLE),
        "images": {item["image_ref"]: item["image_id"] for item in wanted["services"].values()},
        "present_images": {item["image_id"] for item in wanted["services"].values()},
        "kong_hash": HASH,
        "kong_loads": True,
        "guards": [],
        "warnings": [],
        "data": {"mode": "keep", "line": "DATA: KEEP - 7 live mappings stay"},
    }


# Each of these makes one difference; they can be combined.


def env(name, *variables):
    """The service was deployed with other variables."""

    def change(_wanted, now):
        now["services"][name].update(config_hash="hash-of-new", differs=list(variables or ["LOG_LEVEL"]))

    return change


def image(name):
    """The service runs another image, and its tag has moved there."""

    def change(wanted, now):
        now["services"][name]["image_id"] = f"sha256:{name}-image-of-new"
        now["images"][wanted["services"][name]["image_ref"]] = f"sha256:{name}-image-of-new"

    return change


def tag(name):
    """Only the tag has moved: rebuilt, not deployed."""

    def change(wanted, now):
        now["images"][wanted["services"][name]["image_ref"]] = f"sha256:{name}-image-of-new"

    return change


def file(path, **fields):
    """A file on disk differs."""

    def change(_wanted, now):
        now["files"][path].update(fields or {"sha256": "sha-of-another"})

    return change


def lost(path):
    """A file is missing on disk."""

    def change(_wanted, now):
        del now["files"][path]

    return change


def extra(*paths):
    """Files are there that were not there before."""

    def change(_wanted, now):
        now["extra_files"] = sorted([*now["extra_files"], *paths])

    return change


def trouble(name, state, why):
    """The container is in a bad state; a Kong in one shows no hash."""

    def change(_wanted, now):
        now["services"][name].update(state=state, trouble=why, running=state == "running")
        if name == "kong" and state != "running":
            now["kong_hash"] = None

    return change


def gone(name):
    """The service has no container."""

    def change(_wanted, now):
        del now["services"][name]
        if name == "kong":
            now["kong_hash"] = None

    return change


def stranger(name, **fields):
    """A service runs that the backup does not know."""

    def change(_wanted, now):
        now["services"][name] = {**live_service(target_service(name)), **fields}

    return change


def serves(found):
    """Kong shows another hash, an empty one for nothing loaded, or None when it does not answer."""

    def change(_wanted, now):
        now["kong_hash"] = found

    return change


def stale(name, path):
    """The container still sees an older file."""

    def change(_wanted, now):
        now["services"][name]["stale_files"] = [path]

    return change


def states(*changes):
    """Return (target, live) with these differences between them."""
    wanted = target()
    now = live(wanted)
    for change in changes:
        change(wanted, now)
    return wanted, now


def steps(plan):
    """Return the actions as ``action subject``, an ampersand before what runs beside."""
    return [
        ("&" if item.get("beside") else "")
        + f"{item['action']} {item.get('service') or item.get('path') or item.get('reference')}"
        for item in plan["actions"]
    ]


def decided(plan):
    """Return service → decision, what is kept left out."""
    return {name: item["do"] for name, item in plan["services"].items() if item["do"] != "keep"}


def reached(wanted, now, plan):
    """Return the live state after the plan's actions, as the engine would show it."""
    after = copy.deepcopy(now)
    for item in plan["actions"]:
        service = item.get("service")
        if item["action"] == "write_file":
            after["files"][item["path"]] = {key: item[key] for key in ("sha256", "mode", "uid", "gid")}
        elif item["action"] == "remove_file":
            after["extra_files"].remove(item["path"])
        elif item["action"] == "tag_image":
            after["images"][item["reference"]] = item["image_id"]
        elif item["action"] == "recreate":
            after["services"][service] = live_service(wanted["services"][service])
        elif item["action"] == "remove":
            del after["services"][service]
        elif item["action"] in ("start", "restart"):
            after["services"][service].update(trouble="", state="running", running=True, stale_files=[])
        elif item["action"] == "load_configuration":
            after["kong_hash"] = item["configuration_hash"]
        if service == "kong" and item["action"] in ("start", "restart", "recreate"):
            after["kong_hash"] = HASH
    return after
