"""What a stack leaves behind when it goes: the images that the collection keeps for its backups, and its files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from outside import run

# How the collection keeps the images of a backup: a never started container with a label, and a tag.
KEEP_LABEL = "kong_masking.recovery.keeps"
KEPT_REPOSITORY = "kong-masking-recovery/kept:"


def kept_images(directory: Path, running: set[str]) -> list[str]:
    """Answer the ids of the images that a stack's backups and its services (running) need."""
    found = set(running)
    for manifest in (directory / "backups").glob("*/*/manifest.json"):
        try:
            services = json.loads(manifest.read_text(encoding="utf-8"))["services"]
            found |= {str(service["image_id"]) for service in services.values()}
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    return sorted(found)


def free(image: str) -> None:
    """Remove the never started containers that hold an image for a backup, unless another stack runs on it."""
    holding = set(run(["docker", "ps", "-aq", "--filter", f"label={KEEP_LABEL}={image}"]).stdout.split())
    using = set(run(["docker", "ps", "-aq", "--filter", f"ancestor={image}"], check=False).stdout.split())
    if using - holding:
        return
    if holding:
        run(["docker", "rm", "-f", *holding], check=False)
    shown = run(["docker", "image", "inspect", "--format", '{{join .RepoTags "\\n"}}', image], check=False)
    kept = [tag for tag in shown.stdout.split() if tag.startswith(KEPT_REPOSITORY)]
    if kept:
        run(["docker", "image", "rm", *kept], check=False)


def remove_files(directory: Path) -> None:
    """Remove a stack's directory, whoever owns what is in it."""
    if os.geteuid() != 0 and (directory / "redis" / "data").exists():
        # Redis' own user made them: only a container may take them away.
        emptying = ["--user", "0", "--entrypoint", "find", "--volume", f"{directory}:/stack"]
        what = ["/stack/redis/data", "-mindepth", "1", "-delete"]
        run(["docker", "run", "--rm", *emptying, "kong-masking-ref/redis:7", *what], check=False)
    shutil.rmtree(directory, ignore_errors=True)
