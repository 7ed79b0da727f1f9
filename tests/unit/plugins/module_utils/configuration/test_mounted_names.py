"""The stack's names on which it depends what a container sees."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration.mounted_names import (
    mounted_names,
    read_at_start,
)
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


@pytest.mark.parametrize(
    ("source", "inside", "env", "names"),
    [
        ("nginx/templates", "/etc/nginx/templates", {}, ["nginx/templates"]),
        ("nginx/a.template", "/etc/nginx/templates/a.template", {}, ["nginx/a.template"]),
        ("nginx", "/etc/nginx", {}, ["nginx/templates"]),
        ("nginx/start.sh", "/docker-entrypoint.d/40-start.sh", {}, ["nginx/start.sh"]),
        ("nginx/conf.d", "/etc/nginx/conf.d", {}, []),
        ("own", "/own", {"NGINX_ENVSUBST_TEMPLATE_DIR": "/own/templates/"}, ["own/templates"]),
        ("nginx/more", "/etc/nginx/templates-of-old", {}, []),
    ],
)
def test_what_the_proxys_image_reads_at_its_start_only(tmp_path, source, inside, env, names):
    found = samples.container("nginx", env=env, mounts=(samples.bind(tmp_path / source, inside),))
    assert read_at_start(samples.stack(tmp_path), found) == names
