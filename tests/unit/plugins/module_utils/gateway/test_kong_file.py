"""What a declarative file declares about services, routes and the masking plugin, and what the Admin API says."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway import kong_file
from ansible_collections.kong_masking.recovery.plugins.module_utils.gateway.kong_file import (
    Binding,
    agree,
    binding,
    declared,
)

P = "aws-masker"


@pytest.mark.parametrize(
    ("text", "routes", "bindings"),
    [
        ("{}", set(), []),
        ("services: [{name: s, routes: [{name: r}]}]", {"r"}, []),
        ("services: [{name: s, routes: [{name: r, plugins: [{name: aws-masker}]}]}]", {"r"}, ["route r"]),
        ("services: [{name: s, plugins: [{name: aws-masker}]}]", set(), ["service s"]),
        ("routes: [{name: r, service: s, plugins: [{name: aws-masker}]}]", {"r"}, ["route r"]),
        ("plugins: [{name: aws-masker, route: r}]", set(), ["route r"]),
        ("plugins: [{name: aws-masker, service: s}]", set(), ["service s"]),
        ("plugins: [{name: aws-masker}]", set(), ["everywhere"]),
        ("plugins: [{name: aws-masker, route: r, enabled: false}]", set(), []),
        ("plugins: [{name: cors}]", set(), []),
        ("routes: [{paths: [/a]}]", set(), []),
        ("services: null", set(), []),
    ],
    ids=[
        "empty",
        "nested-route",
        "nested-plugin",
        "on-the-service",
        "flat-route",
        "flat-plugin-route",
        "flat-plugin-service",
        "everywhere",
        "disabled",
        "another-plugin",
        "nameless-route",
        "null",
    ],
)
def test_declared(text, routes, bindings):
    found = declared(yaml.safe_load(text), P)
    assert (set(found.routes), [str(item) for item in found.bindings]) == (routes, bindings)


def test_services_are_declared_nested_or_flat():
    assert declared(yaml.safe_load("services: [{name: a}, {name: b, routes: [{name: r}]}, {url: x}]"), P).services == {
        "a",
        "b",
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a: [s3cret\nb: 1\n", "kong.yml is no valid YAML (line 2)."),
        (b"[]", "kong.yml holds no configuration."),
        (b"", "kong.yml holds no configuration."),
    ],
    ids=["broken", "list", "empty"],
)
def test_a_file_that_is_none_is_named_with_its_line_and_never_its_text(content, text):
    with pytest.raises(RecoveryError) as caught:
        kong_file.parse(content, "kong.yml")
    assert caught.value.msg == text


def test_json_with_tabs_is_read_although_it_is_no_yaml():
    assert kong_file.parse(b'{\n\t"services": [],\n\t"_format_version": "3.0"\n}', "kong.json")["services"] == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'_format_version: "3.0"\nservices: [{name: s}]\n', ""),
        (b'_format_version: "3.0"\nroutes: [{name: r}]\n', ""),
        (b'_format_version: "3.0"\n', "holds no service and no route: Kong would answer 404 to everything"),
        (b"services: [{name: s}]\n", "has no _format_version"),
        (b"a: [\n", "no valid YAML (line 2)"),
    ],
    ids=["services", "routes", "empty", "no-version", "broken"],
)
def test_an_empty_configuration_is_a_problem(content, problem):
    assert kong_file.problem(content) == problem


def live(name=P, enabled=True, route=None, service=None, **config):
    return {
        "name": name,
        "enabled": enabled,
        "route": route and {"id": route},
        "service": service and {"id": service},
        "config": config,
    }


@pytest.mark.parametrize(
    ("plugins", "found"),
    [
        ([live(route="1")], ["route one"]),
        ([live(service="2")], ["service two"]),
        ([live()], ["everywhere"]),
        ([live(enabled=False)], []),
        ([live(name="cors")], []),
    ],
    ids=["route", "service", "everywhere", "disabled", "another"],
)
def test_live_bindings(plugins, found):
    routes, services = [{"id": "1", "name": "one"}], [{"id": "2", "name": "two"}]
    assert [str(item) for item in kong_file.live_bindings(plugins, routes, services, P)] == found


PAID = {"id": "11", "name": "paid", "paths": ["/v1"], "methods": ["POST", "GET"], "hosts": None}
NAMELESS = {"id": "22", "name": None, "paths": ["/v2"], "hosts": ["a.example"], "methods": None}
OLD_FORMAT = {"id": "23", "name": None, "paths": ["~/v3/[0-9]+"]}
LLM = {"id": "33", "name": "llm", "host": "up", "path": "/x"}
NO_NAME = {"id": "44", "name": None, "host": "api.example"}
ON_PAID, ON_NAMELESS, ON_NO_NAME, ON_LLM = live(route="11"), live(route="22"), live(service="44"), live(service="33")


@pytest.mark.parametrize(
    ("text", "plugins", "good"),
    [
        ("routes: [{name: paid, plugins: [P]}]", [ON_PAID], True),
        ("routes: [{name: paid, plugins: [P]}]", [ON_NAMELESS], False),
        ("routes: [{name: paid, id: '11', plugins: [P]}]", [ON_PAID], True),
        ("routes: [{id: '22', plugins: [P]}]", [ON_NAMELESS], True),
        ("routes: [{id: '22', plugins: [P]}]", [ON_PAID], False),
        ("routes: [{id: '22', paths: [/v2]}]\nplugins: [{name: aws-masker, route: '22'}]", [ON_NAMELESS], True),
        ("routes: [{paths: [/v2], hosts: [a.example], plugins: [P]}]", [ON_NAMELESS], True),
        ("services: [{name: llm, routes: [{paths: [/v2], hosts: [a.example], plugins: [P]}]}]", [ON_NAMELESS], True),
        ("routes: [{paths: [/other], plugins: [P]}]", [ON_NAMELESS], False),
        ("routes: [{paths: ['/v3/[0-9]+'], plugins: [P]}]", [live(route="23")], True),
        ("routes: [{headers: {x-a: [b]}, plugins: [P]}]", [ON_NAMELESS], True),
        ("routes: [{headers: {x-a: [b]}, plugins: [P]}]", [ON_NO_NAME], False),
        ("routes: [{headers: {x-a: [b]}, plugins: [P]}]", [live()], False),
        ("services: [{url: 'http://API.example:80/x', plugins: [P]}]", [ON_NO_NAME], True),
        ("services: [{host: api.example, plugins: [P]}]", [ON_NO_NAME], True),
        ("services: [{host: api.example, plugins: [P]}]", [ON_LLM], False),
        ("services: [{host: api.example, plugins: [P]}]", [live()], False),
        ("services: [{host: api.example, plugins: [P]}]", [], False),
        ("services: [{host: api.example, plugins: [P]}]", [ON_NO_NAME, live()], False),
        ("plugins: [P]", [live()], True),
        ("plugins: [P]", [ON_NAMELESS], False),
        ("routes: [{headers: {x-a: [b]}, plugins: [P]}, {name: paid, plugins: [P]}]", [ON_PAID, ON_NAMELESS], True),
        ("routes: [{headers: {x-a: [b]}, plugins: [P]}, {name: paid, plugins: [P]}]", [ON_PAID, ON_PAID], False),
    ],
    ids=[
        "name", "another-route", "id-and-name", "id", "another-id", "flat-by-id", "nameless-route", "nested-nameless",
        "other-paths", "a-pattern-of-an-older-format", "without-what-is-compared", "a-service-for-a-route",
        "everywhere-for-a-route", "nameless-service-by-url", "nameless-service-by-host", "another-service",
        "everywhere-for-a-service", "nowhere", "one-too-many", "everywhere", "a-route-for-everywhere",
        "the-named-one-is-taken-first", "one-missing-and-one-twice",
    ],
)  # fmt: skip
def test_a_plugin_is_bound_where_the_file_says(text, plugins, good):
    wanted = declared(yaml.safe_load(text.replace("P]", "{name: aws-masker}]")), P).bindings
    routes, services = [PAID, NAMELESS, OLD_FORMAT], [LLM, NO_NAME]
    assert agree(wanted, kong_file.live_bindings(plugins, routes, services, P)) is good


def test_what_the_plugin_says_it_masks():
    plugins = [live(mask_s3_buckets=True, mask_private_ips=False, log=True), live(enabled=False, mask_ebs_volumes=True)]
    assert kong_file.configured_kinds(plugins, P) == {"mask_s3_buckets"}
    assert kong_file.uses_redis(plugins, P) is True
    assert kong_file.uses_redis([live(use_redis=False)], P) is False


@pytest.mark.parametrize(
    ("routes", "everything", "get"),
    [
        ([{"paths": ["/v1"], "methods": ["GET", "POST"]}], False, True),
        ([{"paths": ["/"]}], True, True),
        ([{"paths": None}], True, True),
        ([{"paths": ["/v1"], "methods": ["POST"]}], False, False),
        ([{"expression": 'http.path ^= "/v1"'}], False, False),
        ([], False, True),
    ],
    ids=["one-path", "root", "no-path", "post-only", "expression", "none"],
)
def test_which_requests_have_a_route(routes, everything, get):
    assert kong_file.catches_all(routes) is everything
    assert kong_file.takes_get(routes) is get


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (binding("route", PAID), "route paid"),
        (binding("route", NAMELESS), "route 22"),
        (binding("route", {"paths": ["/v2"], "methods": ["GET"]}), "route /v2 GET"),
        (binding("service", {"url": "http://up:8080/x"}), "service up"),
        (binding("service", {}), "service"),
        (Binding(), "everywhere"),
    ],
    ids=["name", "id", "what-it-matches", "host", "nothing-known", "everywhere"],
)
def test_a_binding_in_words(found, text):
    assert str(found) == text
