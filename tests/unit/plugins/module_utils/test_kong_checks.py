"""What a declarative file declares about routes and the masking plugin."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.kong_masking.recovery.plugins.module_utils.kong_checks import binding, declared

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
    assert declared(yaml.safe_load(text), P) == (routes, bindings)


@pytest.mark.parametrize(
    ("route", "service", "text"),
    [("r", "s", "route r"), ("r", None, "route r"), (None, "s", "service s"), (None, None, "everywhere")],
)
def test_binding(route, service, text):
    assert binding(route, service) == text
