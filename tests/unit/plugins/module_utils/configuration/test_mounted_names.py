"""The stack's names on which it depends what a container sees."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration.mounted_names import mounted_names
from ansible_collections.kong_masking.recovery.tests.unit import samples

KONG_FILE = {"KONG_DECLARATIVE_CONFIG": "/all/kong/kong.yml"}


@pytest.mark.parametrize(
    ("service", "mounted", "inside", "names"),
    [
        ("kong", ".", "/all", [".", "kong/kong.yml"]),
        ("nginx", ".", "/all", ["."]),
        ("kong", "kong", "/all/kong", ["kong"]),
        ("kong", "kong/kong.yml", "/all/kong/kong.yml", ["kong/kong.yml"]),
        ("nginx", "current/nginx.conf", "/etc/nginx/nginx.conf", ["releases/42/nginx.conf", "current"]),
    ],
    ids=["kong-whole", "another-whole", "directory", "file", "behind-a-link"],
)
def test_names(tmp_path, service, mounted, inside, names):
    for name in ("kong/kong.yml", "releases/42/nginx.conf"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "current").symlink_to("releases/42")
    mounts = (samples.bind(tmp_path / mounted, inside), samples.bind("/elsewhere", "/outside"))
    found = samples.container(service, env=KONG_FILE if service == "kong" else {}, mounts=mounts)
    assert mounted_names(samples.stack(tmp_path), found) == names
