"""Releases that break the stack, deployed as the field does it: edit, build, `docker compose up -d`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab import Lab
from outside import wait_for
from reference_stack import ReferenceStack

BROKEN_KONG_FILE = b"services: [broken\n"
UP = ("up", "-d", "--no-deps", "--no-build", "--pull", "never")


def up(stack: ReferenceStack, *services: str) -> None:
    """Deploy what the files say, one service at a time so that nobody waits for a health check's interval."""
    for service in services or ("redis", "upstream", "kong", "nginx", "client"):
        stack.compose(*UP, service)


def rebuild(lab: Lab, service: str, mark: str) -> None:
    """Build another image under the same tag, as a new release of a built-only service does."""
    image = f"{lab.project}-{service}"
    file = f"FROM {image}\nLABEL kong_masking.e2e.release={mark}\n"
    lab.note_images()
    command = ["docker", "build", "--quiet", "--tag", image, "-"]
    subprocess.run(command, input=file, text=True, check=True, capture_output=True)
    lab.note_images()


def replace_image(lab: Lab, service: str) -> None:
    """Deploy an image under the same tag that shares nothing with the old one, so that the old one can be removed."""
    image = f"{lab.project}-{service}"
    file = f"FROM kong-masking-ref/{service}:1\nLABEL kong_masking.e2e={lab.project} kong_masking.e2e.release=other\n"
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", image, "-"], input=file, text=True, check=True, capture_output=True
    )
    lab.note_images()
    up(lab.stack, service)
    lab.wait_masked()


def break_everything(lab: Lab) -> None:
    """Another log level and memory limit, a broken kong.yml, another image for nginx; Kong does not come up again."""
    lab.stack.set_env(KONG_LOG_LEVEL="debug", KONG_MEMORY_LIMIT="512m")
    kong_file(lab).write_bytes(BROKEN_KONG_FILE)
    rebuild(lab, "nginx", "broken")
    up(lab.stack)


def good_but_different(lab: Lab, level: str = "info") -> None:
    """A release that works and differs in a setting and in Kong's configuration."""
    lab.stack.set_env(KONG_LOG_LEVEL=level)
    change_kong_file(lab, "read_timeout: 60000", "read_timeout: 30000")
    up(lab.stack, "kong", "nginx", "client")
    wait_for("Kong's configuration", lab.stack.kong_configured, 30)
    reload_proxy(lab)
    lab.wait_masked()


def reload_proxy(lab: Lab) -> None:
    """Tell nginx Kong's new address."""
    lab.stack.compose("exec", "-T", "nginx", "nginx", "-s", "reload")


def kong_file(lab: Lab) -> Path:
    """Kong's declarative file."""
    return lab.stack.directory / "kong" / "kong.yml"


def change_kong_file(lab: Lab, old: str, new: str) -> None:
    """Edit Kong's file in place."""
    text = kong_file(lab).read_text(encoding="utf-8")
    assert old in text
    kong_file(lab).write_text(text.replace(old, new), encoding="utf-8")


def load_kong_file(lab: Lab) -> None:
    """Restart Kong, so that it serves what its file says, and tell the proxy."""
    lab.stack.compose("restart", "-t", "1", "kong")
    wait_for("Kong's configuration", lab.stack.kong_configured, 30)
    reload_proxy(lab)


def recreate_by_hand(lab: Lab) -> None:
    """Stop Kong, recreate Redis, ask, recreate Kong, ask, recreate nginx, ask: Kong is never on without Redis."""
    stack, anew = lab.stack, (*UP, "--force-recreate")
    stack.compose("stop", "kong")
    stack.compose(*anew, "redis")
    wait_for("Redis", stack.redis_answers, 60)
    stack.compose(*anew, "kong")
    wait_for("Kong", stack.kong_configured, 60)
    stack.compose(*anew, "nginx")
    lab.wait_masked(60)
