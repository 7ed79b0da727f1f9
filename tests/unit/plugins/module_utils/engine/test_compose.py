"""Compose command lines, and the reading of what Compose prints."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import compose
from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.tests.unit import samples

CLIENT = ("docker", "compose")
HEAD = ["docker", "compose", "--project-name", "gateway", "--project-directory", "DIR"]
FILE = ["--file", "DIR/docker-compose.yml"]
ENV = ["--env-file", "DIR/config/production.env"]


@pytest.fixture
def root(tmp_path):
    """A directory with a Compose file and an environment file."""
    (tmp_path / "stack/config").mkdir(parents=True)
    for name in ("docker-compose.yml", "config/production.env"):
        (tmp_path / "stack" / name).write_text("", encoding="utf-8")
    return tmp_path / "stack"


class TestCommands:
    def test_everything_is_explicit(self, root):
        assert self.called(root) == [*HEAD, *FILE, *ENV, "ps"]

    def called(self, root, client=CLIENT, **settings):
        words = compose.command(samples.stack(root, **settings), client, "ps")
        return [word.replace(str(root), "DIR") for word in words]

    def test_several_files_in_their_order(self, root):
        (root / "a.yml").write_text("", encoding="utf-8")
        found = self.called(root, ("docker-compose",), compose_files=["a.yml", "b/c.yml"])
        assert found == ["docker-compose", *HEAD[2:], "--file", "DIR/a.yml", "--file", "DIR/b/c.yml", *ENV, "ps"]

    def test_the_override_is_read_where_nobody_names_the_files(self, root):
        (root / "docker-compose.override.yml").write_text("", encoding="utf-8")
        both = [*FILE, "--file", "DIR/docker-compose.override.yml"]
        assert self.called(root, compose_files=[]) == [*HEAD, *both, *ENV, "ps"]
        assert self.called(root) == [*HEAD, *FILE, *ENV, "ps"]

    def test_without_an_environment_file(self, root):
        assert self.called(root, env_file="") == [*HEAD, *FILE, "ps"]

    def test_an_environment_file_that_is_not_there_is_not_named(self, root):
        (root / "config/production.env").unlink()
        assert self.called(root) == [*HEAD, *FILE, "ps"]

    def test_a_directory_that_is_a_link_is_called_as_it_was_given(self, root):
        """So that the containers' mounts stay what a plain ``docker compose up`` there makes them."""
        link = root.parent / "current"
        link.symlink_to("stack")
        assert self.called(link) == [*HEAD, *FILE, *ENV, "ps"]

    def test_recreate(self):
        words = ["up", "--detach", "--no-deps", "--no-build", "--pull", "never", "--force-recreate", "kong"]
        assert compose.recreate(samples.stack(), CLIENT, "kong")[-len(words) :] == words

    @pytest.mark.parametrize(("every", "profiles"), [(False, []), (True, ["--profile", "*"])])
    def test_resolved(self, every, profiles):
        words = [*profiles, "config", "--format", "json"]
        given = ["/opt/gateway/docker-compose.yml", *words]
        assert compose.resolved(samples.stack(), CLIENT, every)[-len(given) :] == given


class TestResolved:
    def test_services(self):
        assert compose.parse_resolved('{"name": "gateway", "services": {"kong": {"image": "k"}}}') == {
            "kong": {"image": "k"}
        }

    def test_doubled_dollars_are_single_ones(self):
        output = json.dumps({"services": {"a": {"environment": {"P": "pa$$word", "Q": "a$$$$b"}}}})
        assert compose.parse_resolved(output)["a"]["environment"] == {"P": "pa$word", "Q": "a$$b"}

    def test_no_service_at_all(self):
        assert compose.parse_resolved('{"services": null}') == {}

    @pytest.mark.parametrize(
        ("given", "top", "mounts"),
        [
            ({"secrets": [{"source": "pw"}]}, {"secrets": {"pw": {"file": "/s/pw"}}}, ["/s/pw:/run/secrets/pw"]),
            ({"secrets": ["pw"]}, {"secrets": {"pw": {"file": "/s/pw"}}}, ["/s/pw:/run/secrets/pw"]),
            (
                {"secrets": [{"source": "pw", "target": "other"}, {"source": "pw", "target": "/etc/pw"}]},
                {"secrets": {"pw": {"file": "/s/pw"}}},
                ["/s/pw:/run/secrets/other", "/s/pw:/etc/pw"],
            ),
            ({"configs": [{"source": "c"}]}, {"configs": {"c": {"file": "/s/c"}}}, ["/s/c:/c"]),
            ({"configs": [{"source": "c"}]}, {"configs": {"c": {"content": "x"}}}, []),
            ({"secrets": [{"source": "pw"}]}, {"secrets": {"pw": {"environment": "PW"}}}, []),
            ({"secrets": [{"source": "pw"}]}, {"secrets": {"pw": None}}, []),
        ],
        ids=["secret", "short", "target", "config", "content", "environment", "null"],
    )
    def test_files_of_secrets_and_configs_are_mounts_like_the_volumes(self, given, top, mounts):
        volume = {"type": "bind", "source": "/a", "target": "/b"}
        output = json.dumps({"services": {"kong": {"volumes": [volume], **given}}, **top})
        found = compose.parse_resolved(output)["kong"]["volumes"]
        assert [f"{item['source']}:{item['target']}" for item in found] == ["/a:/b", *mounts]
        held = tuple(samples.bind(item["source"], item["target"]) for item in found)
        assert drift(compose.parse_resolved(output)["kong"], mounts=held) == {}

    @pytest.mark.parametrize("output", ["", "{", "[]", '{"name": "x"}', "null"])
    def test_anything_else_is_an_error(self, output):
        with pytest.raises(RecoveryError, match="printed no services"):
            compose.parse_resolved(output)


@pytest.mark.parametrize(
    ("written", "variables"),
    [
        ({"A": "1", "B": None}, {"A": "1", "B": None}),
        (["A=1", "B", "C=x=y", "D="], {"A": "1", "B": None, "C": "x=y", "D": ""}),
        (None, {}),
    ],
    ids=["mapping", "list", "null"],
)
def test_environment(written, variables):
    assert compose.environment({"environment": written}) == variables
    assert compose.environment({}) == {}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 0),
        ("", 0),
        (0, 0),
        ("0", 0),
        ("512m", 512 << 20),
        ("512M", 512 << 20),
        ("512mb", 512 << 20),
        ("512MiB", 512 << 20),
        ("1g", 1 << 30),
        ("1.5g", 3 << 29),
        ("64k", 64 << 10),
        ("100b", 100),
        ("536870912", 536870912),
        (536870912, 536870912),
    ],
)
def test_memory_bytes(value, size):
    assert compose.memory_bytes(value) == size


@pytest.mark.parametrize("value", ["lots", "m512", "1 g b", "-1", "1x"])
def test_what_is_no_memory_size(value):
    with pytest.raises(RecoveryError, match="is no memory size"):
        compose.memory_bytes(value)


def drift(definition, image_env=None, **about):
    """Compare a definition with a container."""
    return compose.drift(definition, samples.container("kong", **about), image_env or {})


def with_settings(**other):
    return {"settings": samples.settings(**other)}


BOUND = {"8000/tcp": [{"HostIp": "", "HostPort": "80"}]}


@pytest.mark.parametrize(
    ("definition", "about", "expected"),
    [
        ({}, {}, {}),
        ({"environment": {"A": "1"}}, {"env": {"A": "1"}}, {}),
        ({"environment": {"A": "2"}}, {"env": {"A": "1"}}, {"env.A": ("1", "2")}),
        ({"environment": {"A": "2"}}, {}, {"env.A": (None, "2")}),
        ({}, {"env": {"A": "1"}}, {"env.A": ("1", None)}),
        ({"environment": {"A": None}}, {}, {}),
        ({"environment": {"A": None}}, {"env": {"A": ""}}, {"env.A": ("", None)}),
        ({"environment": {"A": 1}}, {"env": {"A": "1"}}, {}),
        ({}, {"env": {"PATH": "/bin", "HOSTNAME": "x", "HOME": "/"}}, {}),
        ({"image": "gateway-kong"}, {}, {}),
        ({"image": "kong:3.8"}, {}, {"image": ("gateway-kong", "kong:3.8")}),
        ({"mem_limit": "512m"}, with_settings(memory=512 << 20), {}),
        ({"mem_limit": "512m"}, with_settings(memory=1), {"memory": (1, 512 << 20)}),
        ({"deploy": {"resources": {"limits": {"memory": "1g"}}}}, {}, {"memory": (0, 1 << 30)}),
        ({}, with_settings(memory=5), {"memory": (5, 0)}),
        ({"command": ["a"]}, with_settings(command=["b"]), {"command": (["b"], ["a"])}),
        ({"environment": {}}, {"env": {"HTTP_PROXY": "http://p", "no_proxy": "x", "Ftp_Proxy": "f"}}, {}),
        ({"environment": {"HTTP_PROXY": "a"}}, {"env": {"HTTP_PROXY": "b"}}, {"env.HTTP_PROXY": ("b", "a")}),
        ({"command": None}, with_settings(command=["b"]), {}),
        ({"entrypoint": ["a"]}, with_settings(entrypoint=["b"]), {"entrypoint": (["b"], ["a"])}),
        ({"entrypoint": None}, with_settings(entrypoint=["b"]), {}),
        ({"user": "1000"}, with_settings(user="999"), {"user": ("999", "1000")}),
        ({}, with_settings(user="999"), {}),
        ({"cpus": 0.5}, with_settings(cpus=0.5), {}),
        ({"cpus": 2}, with_settings(cpus=0.5), {"cpus": (0.5, 2.0)}),
        ({"deploy": {"resources": {"limits": {"cpus": "0.50"}}}}, with_settings(cpus=0.5), {}),
        ({}, with_settings(cpus=0.5), {"cpus": (0.5, 0.0)}),
        ({"cpus": 2.25}, with_settings(cpus=2.250000128), {}),
        ({"restart": "no", "deploy": {"restart_policy": {"condition": "any"}}}, with_settings(restart="always"), {}),
        ({"restart": "on-failure:5"}, with_settings(restart="on-failure"), {}),
        ({"restart": "no"}, with_settings(restart="always"), {"restart": ("always", "no")}),
        ({"restart": "always"}, with_settings(restart="unless-stopped"), {}),
        ({}, with_settings(restart="always"), {}),
        ({"ports": [{"target": 8000, "published": "80"}]}, with_settings(ports=BOUND), {}),
        ({"ports": [{"target": 8000}]}, {}, {}),
        (
            {"ports": [{"target": 8000, "published": "81"}]},
            with_settings(ports=BOUND),
            {"ports": (["80:8000"], ["81:8000"])},
        ),
        (
            {"volumes": [{"type": "bind", "source": "/a", "target": "/b"}]},
            {"mounts": (samples.bind("/a", "/b"),)},
            {},
        ),
        (
            {"volumes": [{"type": "bind", "source": "/c", "target": "/b"}, {"type": "volume", "target": "/v"}]},
            {"mounts": (samples.bind("/a", "/b"),)},
            {"mounts": (["/a:/b"], ["/c:/b"])},
        ),
    ],
    ids=[
        "nothing",
        "env-equal",
        "env-changed",
        "env-new",
        "env-gone",
        "env-not-set",
        "env-set-before",
        "env-number",
        "engine-sets",
        "image-equal",
        "image",
        "memory-equal",
        "memory",
        "memory-in-deploy",
        "memory-gone",
        "command",
        "client-sets-proxies",
        "proxy-of-its-own",
        "command-of-image",
        "entrypoint",
        "entrypoint-of-image",
        "user",
        "user-of-image",
        "cpus-equal",
        "cpus",
        "cpus-in-deploy",
        "cpus-gone",
        "cpus-as-compose-counts",
        "restart-of-deploy",
        "restart-equal",
        "restart",
        "kept-off-meanwhile",
        "restart-left-open",
        "ports-equal",
        "ports-unpublished",
        "ports",
        "mounts-equal",
        "mounts",
    ],
)
def test_drift(definition, about, expected):
    assert drift(definition, **about) == expected


def test_a_mount_that_the_container_has_by_a_link_is_the_same(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    volumes = [{"type": "bind", "source": str(tmp_path / "real/a"), "target": "/b"}]
    assert drift({"volumes": volumes}, mounts=(samples.bind(tmp_path / "link/a", "/b"),)) == {}


def test_what_the_image_sets_is_no_difference():
    image_env = {"LANG": "C", "PATH": "/x"}
    assert drift({}, image_env, env={"LANG": "C", "PATH": "/x"}) == {}
    assert drift({}, image_env, env={"LANG": "de", "PATH": "/x"}) == {"env.LANG": ("de", "C")}


def test_what_is_passed_through_and_not_set_is_not_there_even_where_the_image_has_it():
    assert drift({"environment": {"LANG": None}}, {"LANG": "C"}) == {}


@pytest.mark.parametrize(
    ("depends", "order"),
    [
        ({}, []),
        ({"b": [], "a": []}, ["a", "b"]),
        ({"nginx": ["kong"], "kong": ["redis"], "redis": []}, ["redis", "kong", "nginx"]),
        ({"a": ["z", "b"], "b": ["z"], "z": []}, ["z", "b", "a"]),
        ({"a": ["b"], "b": ["a"]}, ["b", "a"]),
        ({"a": ["a"]}, ["a"]),
        ({"a": ["outside"]}, ["outside", "a"]),
    ],
    ids=["nothing", "names", "chain", "diamond", "circle", "itself", "not-listed"],
)
def test_start_order(depends, order):
    assert compose.start_order(depends) == order


@pytest.mark.parametrize(
    ("depends", "services", "needed"),
    [
        ({"nginx": ["kong"], "kong": ["redis"], "redis": [], "client": ["nginx"]}, ["kong"], {"kong", "redis"}),
        ({"a": ["b"], "b": ["a"]}, ["a"], {"a", "b"}),
        ({}, ["redis"], {"redis"}),
        ({"a": ["b"]}, [], set()),
    ],
    ids=["distance", "circle", "unknown", "nothing"],
)
def test_needed_by(depends, services, needed):
    assert compose.needed_by(depends, services) == needed
