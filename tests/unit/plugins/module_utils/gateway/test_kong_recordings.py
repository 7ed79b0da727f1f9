"""Every recording of a real Kong is read by the module's client as it was meant."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway import kong_answers, kong_file
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_admin import (
    ConfigRejected,
    KongAdmin,
    KongUnavailable,
    configuration_hash,
    parse_facts,
)
from ansible_collections.kong_masking.recovery.plugins.module_utils.live.diagnosis import kong_error
from ansible_collections.kong_masking.recovery.plugins.module_utils.verification import masking
from ansible_collections.kong_masking.recovery.tests.unit.replay import STACK_FIXTURES, UNIT, recorded, serving

NEWEST = "3.9.1"
HASH = "1a9184771897f978257e8468322fe853"
REFUSED = ("dangling", "dup", "fmt99", "invalid", "no-format", "schema", "unknown-field", "unknown-plugin", "-empty",
           "nosuchfile")  # fmt: skip
PLACES = {NEWEST: STACK_FIXTURES / NEWEST, **{name: UNIT / "recordings" / name for name in ("2.8.5", "3.4.2", "3.8.0")}}


def names(*patterns, version=NEWEST):
    """The recordings whose names begin so, sorted."""
    return sorted({path.stem for pattern in patterns for path in PLACES[version].glob(f"{pattern}*.http")})


def all_of(*patterns):
    """(version, name) over all recorded versions."""
    return [(version, name) for version in PLACES for name in names(*patterns, version=version)]


def sent(name):
    """What was sent: method and path of a recording."""
    text = (PLACES[NEWEST] / f"{name}.http").read_text(encoding="utf-8")
    return text.splitlines()[1].split()[:2]


def given_file():
    """The declarative file that the recorded Kong served."""
    text = (PLACES[NEWEST] / "050-POST-config-valid-yaml.http").read_text(encoding="utf-8")
    return text.split("\n# response  (", 1)[0].partition("\n\n")[2].encode()


@pytest.mark.parametrize("version", ["2.8.5", "3.4.2", NEWEST])
def test_root(version):
    facts = parse_facts(json.loads(recorded(version, "001-GET-root").body))
    assert facts.version == version
    assert facts.database == "off"
    assert "correlation-id" in facts.loadable
    assert facts.file


@pytest.mark.parametrize(
    ("version", "loaded"),
    [("2.8.5", ""), ("3.4.2", HASH), (NEWEST, HASH)],
    ids=["zeros-until-a-post", "without-database", "newest"],
)
def test_both_shapes_of_status(version, loaded):
    status = json.loads(recorded(version, "003-GET-status").body)
    assert ("database" in status) is (version == "2.8.5")
    assert configuration_hash(status) == loaded


@pytest.mark.parametrize("name", [item for item in names("00", "05", "073", "075") if "status" in item.lower()])
def test_every_answer_of_status(name):
    answer = recorded(NEWEST, name)
    if "json" not in dict(answer.headers).get("Content-Type", "") or answer.status != 200 or not answer.body:
        with serving({("GET", "/status"): answer}) as server, pytest.raises(KongUnavailable):
            KongAdmin(server.url).loaded_hash()
        return
    loaded = configuration_hash(json.loads(answer.body))
    assert (loaded == "") is ("minimal" in name or "ready" in name)
    assert not loaded or len(loaded) == 32


@pytest.mark.parametrize("name", names("050", "052", "053", "054", "06", "07"))
def test_every_answer_of_config(name):
    answer = recorded(NEWEST, name)
    if sent(name)[0] != "POST":
        return
    with serving({("POST", "/config"): answer}) as server:
        client = KongAdmin(server.url)
        if answer.status in (201, 304):
            assert client.post_config(b"x") == ("loaded" if answer.status == 201 else "unchanged")
        else:
            assert answer.status == 400
            with pytest.raises(ConfigRejected) as caught:
                client.post_config(b"x")
            assert caught.value.details == {"status": 400}


@pytest.mark.parametrize(("version", "name"), all_of("060-POST-config"))
def test_a_broken_file_is_refused_by_every_version(version, name):
    with serving({("POST", "/config"): recorded(version, name)}) as server, pytest.raises(ConfigRejected):
        KongAdmin(server.url).post_config(b"x")


def test_plugins_where_they_are_bound_and_not_what_could_be_loaded():
    answers = {
        ("GET", f"/{kind}"): recorded(NEWEST, f"{number}-GET-{kind}")
        for number, kind in (("020", "services"), ("024", "routes"), ("025", "plugins"))
    }
    with serving(answers) as server:
        client = KongAdmin(server.url)
        plugins, routes, services = (client.entities(kind) for kind in ("plugins", "routes", "services"))
    exported = kong_file.parse(json.loads(recorded(NEWEST, "040-GET-config").body)["config"].encode(), "export")
    given = kong_file.parse(given_file(), "file")
    for plugin, found in (("aws-masker", ["route claude-proxy-route"]), ("correlation-id", ["everywhere"])):
        live = kong_file.live_bindings(plugins, routes, services, plugin)
        assert [str(item) for item in live] == found
        for document in (exported, given):
            assert kong_file.agree(kong_file.declared(document, plugin).bindings, live)
            assert not kong_file.agree(kong_file.declared(document, "another").bindings, live)
    assert json.loads(recorded(NEWEST, "026-GET-plugins-enabled").body)["enabled_plugins"]


@pytest.mark.parametrize(
    ("version", "name", "bad"),
    [
        (NEWEST, "030-GET-upstream-health", {"u": []}),
        ("3.8.0", "304-original-config-upstream-no-targets-health", {"u": []}),
    ],
    ids=["a-dead-target-counts-as-healthy", "no-targets-is-no-fault"],
)
def test_health_of_upstreams_is_read_target_by_target(version, name, bad):
    listing = json.dumps({"data": [{"id": "1", "name": "u"}], "next": None}).encode()
    answers = {("GET", "/upstreams"): type(recorded(version, name))(200, listing),
               ("GET", "/upstreams/u/health"): recorded(version, name)}  # fmt: skip
    with serving(answers) as server:
        assert KongAdmin(server.url).unhealthy_targets() == bad


def test_upstreams_are_listed():
    listing = recorded(NEWEST, "029-GET-upstreams")
    rows = json.loads(listing.body)["data"]
    answers = {("GET", f"/upstreams/{row['name']}/health"): recorded(NEWEST, "030-GET-upstream-health") for row in rows}
    with serving({("GET", "/upstreams"): listing, **answers}) as server:
        assert set(KongAdmin(server.url).unhealthy_targets()) == {row["name"] for row in rows}


@pytest.mark.parametrize("name", names("080", "081", "083", "087", "078"))
def test_kongs_own_404_is_known(name):
    answer = recorded(NEWEST, name)
    text = answer.body.decode()
    assert answer.status == 404
    assert kong_answers.shows_kong(dict(answer.headers), text)
    if answer.body:
        assert kong_answers.NO_ROUTE in text


@pytest.mark.parametrize(("version", "name"), all_of("080-proxy-no-route"))
def test_no_route_in_every_version(version, name):
    answer = recorded(version, name)
    assert kong_answers.NO_ROUTE in answer.body.decode()
    assert kong_answers.shows_kong(dict(answer.headers), answer.body.decode())


@pytest.mark.parametrize(
    ("name", "trouble"),
    [("082-proxy-ok", False), ("084-proxy-upstream-refused", True), ("085-proxy-upstream-unresolvable", True),
     ("086-proxy-balanced", True), ("080-proxy-no-route", False)],
)  # fmt: skip
def test_proxy_errors_are_the_upstreams_or_kongs(name, trouble):
    answer = recorded(NEWEST, name)
    assert bool(masking.upstream_trouble(answer.status, dict(answer.headers), answer.body)) is trouble
    assert kong_answers.shows_kong(dict(answer.headers), answer.body.decode())


@pytest.mark.parametrize("path", sorted((STACK_FIXTURES / NEWEST).glob("2*-*.txt")), ids=lambda path: path.stem)
def test_commands_and_starts(path):
    found = kong_error(path.read_text(encoding="utf-8"))
    refused = any(word in path.stem for word in REFUSED)
    assert bool(found) is (refused and path.stem[:3] in ("203", "210")), found
