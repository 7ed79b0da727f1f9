"""Which configuration should be loaded, wherever it is given; and how Kong is asked, wherever it listens."""

from __future__ import annotations

import hashlib
import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.checks import NotMeasured, ask_groups
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_look import KongLook
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.chain_checks import (
    ChainChecks,
    ProbeSettings,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification.kong_checks import KongChecks
from ansible_collections.kong_masking.recovery.tests.unit import samples
from ansible_collections.kong_masking.recovery.tests.unit.replay import Answer, serving

FILE = b'_format_version: "3.0"\nservices: [{name: s, url: "http://u"}]\n'
INSIDE = "/usr/local/kong/declarative/kong.yml"


class Engine:
    """One Kong; its image holds a file."""

    def __init__(self, kong, image_file=FILE):
        self.found, self.image_file = kong, image_file

    def containers(self):
        return {self.found.service: self.found}

    def read_file(self, _container, _path):
        return self.image_file

    def processes(self, _container):
        return [(1, 0, "Ss", "nginx: master process"), (2, 1, "S", "nginx: worker process")]


def look(tmp_path, **kong):
    made = KongLook(samples.stack(tmp_path), Engine(samples.container("kong", **kong)), Runner())
    made.refresh()
    return made


def test_a_file_that_is_mounted_is_read_on_the_host(tmp_path):
    (tmp_path / "kong.yml").write_bytes(FILE)
    mounts = (samples.bind(tmp_path / "kong.yml", INSIDE),)
    found = look(tmp_path, env={"KONG_DECLARATIVE_CONFIG": INSIDE}, mounts=mounts).document()
    assert found == ("kong.yml", FILE)


def test_a_file_in_the_image_is_read_there(tmp_path):
    found = look(tmp_path, env={"KONG_DECLARATIVE_CONFIG": INSIDE}).document()
    assert found == (f"{INSIDE} in its image", FILE)


def test_a_configuration_in_a_variable_is_that(tmp_path):
    text = FILE.decode() + "\n"
    found = look(tmp_path, env={"KONG_DECLARATIVE_CONFIG_STRING": text}).document()
    assert found == ("KONG_DECLARATIVE_CONFIG_STRING", text.encode())


def test_a_file_that_is_gone_is_a_failure(tmp_path):
    mounts = (samples.bind(tmp_path / "kong.yml", INSIDE),)
    with pytest.raises(RecoveryError, match="is not there"):
        look(tmp_path, env={"KONG_DECLARATIVE_CONFIG": INSIDE}, mounts=mounts).document()


@pytest.mark.parametrize(
    ("listen", "why"), [("off", "KONG_ADMIN_LISTEN is off"), ("unix:/run/admin.sock", "a socket in its file system")]
)
def test_an_admin_api_that_nobody_can_ask_is_not_measured(tmp_path, listen, why):
    with pytest.raises(NotMeasured, match=why):
        look(tmp_path, env={"KONG_ADMIN_LISTEN": listen}).admin()


def test_an_admin_api_with_tls_alone_is_asked_so(tmp_path):
    with serving(admin_of("a" * 32), tls=True) as server:
        env = {"KONG_ADMIN_LISTEN": f"0.0.0.0:{server.place[1]} ssl"}
        assert look(tmp_path, env=env, addresses={"net": server.place[0]}).admin().loaded_hash() == "a" * 32


def test_a_kong_that_does_not_run_is_a_failure(tmp_path):
    with pytest.raises(RecoveryError, match="gateway-kong-1 is exited"):
        look(tmp_path, state="exited").admin()


@pytest.mark.parametrize(("settings", "asked"), [({}, "nginx"), ({"proxy_service": "", "proxy_port": 81}, "kong")])
def test_clients_ask_the_proxy_or_kong_where_there_is_none(tmp_path, settings, asked):
    with serving({}) as proxy, serving({}) as kong:
        found = (samples.container("nginx", ports={"80/tcp": proxy.place}),
                 samples.container("kong", ports={"8000/tcp": kong.place}))  # fmt: skip
        made = KongLook(samples.stack(tmp_path, **settings), samples.SmallEngine(*found), Runner())
        made.refresh()
        assert made.front_url() == {"nginx": proxy.url, "kong": kong.url}[asked]


def admin_of(hash_text, **other):
    """An Admin API with this hash."""
    root = {"version": "3.9.1", "configuration": {"database": "off"}, "plugins": {"available_on_server": {}}}
    rows = {kind: other.get(kind, []) for kind in ("services", "routes", "plugins", "upstreams")}
    return {
        ("GET", "/"): Answer(200, json.dumps(root).encode()),
        ("GET", "/status"): Answer(200, json.dumps({"configuration_hash": hash_text}).encode()),
        **{("GET", f"/{kind}"): Answer(200, json.dumps({"data": items}).encode()) for kind, items in rows.items()},
    }


@pytest.mark.parametrize("stripped", [False, True])
def test_the_hash_of_a_configuration_in_a_variable(tmp_path, stripped):
    text = FILE + b"\n"
    loaded = hashlib.md5(text.strip() if stripped else text, usedforsecurity=False).hexdigest()
    with serving(admin_of(loaded)) as server:
        env = {
            "KONG_DECLARATIVE_CONFIG_STRING": text.decode(),
            "KONG_ADMIN_LISTEN": f"0.0.0.0:{server.place[1]}",
        }
        made = look(tmp_path, env=env, addresses={"net": server.place[0]})
        assert KongChecks(made, {})._hash()[0] is True


def test_secrets_that_the_admin_api_shows_stay_inside(tmp_path):
    (tmp_path / "kong.yml").write_bytes(FILE)
    secret = "canary-s3cret-value"
    plugin = {"name": "aws-masker", "enabled": True, "config": {"anthropic_api_key": secret}, "id": "1"}
    with serving(admin_of("a" * 32, plugins=[plugin], services=[{"id": "2", "name": "s", "host": "u"}])) as server:
        env = {"KONG_DECLARATIVE_CONFIG": INSIDE, "KONG_ADMIN_LISTEN": f"0.0.0.0:{server.place[1]}"}
        mounts = (samples.bind(tmp_path / "kong.yml", INSIDE),)
        made = look(tmp_path, env=env, addresses={"net": server.place[0]}, mounts=mounts)
        chain = ChainChecks(made, ProbeSettings(evidence="off"))
        questions = [*KongChecks(made, {}).questions(), *chain.questions()]
        found = ask_groups(questions, chain.later)
    assert len(found) > 15
    assert secret not in json.dumps([item.as_dict() for item in found])
    assert {item.name for item in found if item.status == "failed"} >= {"kong_configuration_hash", "masking_plugin"}
