"""What Compose files name, and what these name in turn."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration import references


def inside(path):
    """Return an absolute path relative to the stack in /opt/gateway."""
    return path[len("/opt/gateway/") :] if path.startswith("/opt/gateway/") else ""


def named(**files):
    """Return what Compose reads beside a.yml; files: name without its suffix → content, __ for a slash."""
    contents = {f"{name.replace('__', '/')}.yml": data for name, data in files.items()}
    return references.referenced(["a.yml"], contents.get, {"ENV": "production"}, inside)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"services: {a: {env_file: x.env}}", ["x.env"]),
        (b"services: {a: {env_file: [.env.a, config/a.vars]}}", [".env.a", "config/a.vars"]),
        (b"services: {a: {env_file: [{path: x.env, required: false}]}}", ["x.env"]),
        (b"services: {a: {env_file: 'config/${ENV}.env'}}", ["config/production.env"]),
        (b"services: {a: {label_file: [./x.labels]}}", ["x.labels"]),
        (b"services: {a: {env_file: [/etc/x.env, ../y.env, a/../../z.env]}}", []),
        (b"services: {a: {env_file: [/opt/gateway/config/x.env, /opt/gatewayed/y.env]}}", ["config/x.env"]),
        (b"services: {a: {extends: {file: base.yml, service: b}}}", ["base.yml"]),
        (b"include: [{path: /opt/gateway/m/more.yml, project_directory: /opt/gateway/n}]", ["m/more.yml", "n/.env"]),
        (b"services: {a: {extends: b}}", []),
        (b"include: [more.yml, {path: [p.yml, q.yml]}]", ["more.yml", ".env", "p.yml", "q.yml", ".env"]),
        (b"include: m/more.yml", ["m/more.yml", "m/.env"]),
        (b"include: [{path: m/more.yml, env_file: [m.env, /dev/null]}]", ["m/more.yml", "m.env"]),
        (b"services: {a: null}", []),
        (b"services:", []),
        (b"", []),
        (b"{ no yaml", []),
        (b"just text", []),
        (b"- a\n- b\n", []),
        (b"services: [a]", []),
        (b"services: {a: text}", []),
        (b"42", []),
    ],
    ids=[
        "env-file",
        "env-files",
        "long-form",
        "variable",
        "label-file",
        "outside",
        "absolute",
        "extends-file",
        "include-absolute",
        "extends",
        "include",
        "include-from-a-folder",
        "include-filled-in",
        "null-service",
        "null-services",
        "empty",
        "no-yaml",
        "text",
        "list",
        "list-of-services",
        "text-as-a-service",
        "number",
    ],
)
def test_what_a_compose_file_names(content, names):
    assert named(a=content) == names


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (
            {"a": b"services: {a: {extends: {file: b/c.yml}}}", "b__c": b"services: {c: {env_file: c.env}}"},
            ["b/c.yml", "b/c.env"],
        ),
        (
            {"a": b"include: [b/c.yml]", "b__c": b"services: {c: {env_file: ../c.env}}"},
            ["b/c.yml", "b/.env", "c.env"],
        ),
        (
            {"a": b"include: [{path: b/c.yml, project_directory: d}]", "b__c": b"services: {c: {env_file: c.env}}"},
            ["b/c.yml", "d/.env", "d/c.env"],
        ),
        (
            {"a": b"include: [{path: b/c.yml, project_directory: /d}]", "b__c": b"services: {c: {env_file: c.env}}"},
            ["b/c.yml"],
        ),
        (
            {
                "a": b"include: [b/c.yml]",
                "b__c": b"include: [d.yml]",
                "b__d": b"services: {c: {extends: {file: e/f.yml}}}",
                "b__e__f": b"services: {c: {env_file: '${ENV}.env'}}",
            },
            ["b/c.yml", "b/.env", "b/d.yml", "b/.env", "b/e/f.yml", "b/e/production.env"],
        ),
        (
            {"a": b"include: [a.yml, b.yml]", "b": b"include: a.yml"},
            ["a.yml", ".env", "b.yml", ".env", "a.yml", ".env"],
        ),
    ],
    ids=["extended", "included", "another-folder", "folder-outside", "at-a-distance", "circle"],
)
def test_what_these_name_in_turn_is_relative_to_them(files, names):
    assert named(**files) == names


def test_an_included_file_is_filled_in_from_its_own_environment_too():
    files = {
        "a.yml": b"include: [{path: b.yml, env_file: b.env}, c/c.yml]",
        "b.env": b"NAME=b\nENV=of-b\n",
        "b.yml": b"services: {b: {env_file: '${NAME}-${ENV}.env'}}",
        "c/.env": b"NAME=c\n",
        "c/c.yml": b"services: {c: {env_file: '${NAME}.env'}}",
    }
    found = references.referenced(["a.yml"], files.get, {"ENV": "production"}, inside)
    assert found == ["b.yml", "b.env", "c/c.yml", "c/.env", "b-production.env", "c/c.env"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$A", "1"),
        ("${A}", "1"),
        ("x-${A}.env", "x-1.env"),
        ("${NONE}", ""),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${A:-d}", "1"),
        ("${A:?must be set}", "1"),
        ("$A$B", "12"),
        ("$$(cmd)", "$(cmd)"),
        ("$$A", "$A"),
        ("$$$A", "$1"),
    ],
)
def test_fill_in(text, expected):
    assert references.fill_in(text, {"A": "1", "B": "2", "EMPTY": ""}) == expected


@pytest.mark.parametrize(
    ("template", "value", "solution"),
    [
        ("${LEVEL}", "debug", {"LEVEL": "debug"}),
        ("$LEVEL", "debug", {"LEVEL": "debug"}),
        ("${LEVEL:-notice}", "debug", {"LEVEL": "debug"}),
        ("redis://:${PW}@redis", "redis://:s@redis", {"PW": "s"}),
        ("${PW}", "", {"PW": ""}),
        ("redis://${PW}@redis", "http://s@redis", {}),
        ("a${X}a", "a", {}),
        ("${A}${B}", "xy", {}),
        ("constant", "other", {}),
        ("", "x", {}),
        ("a$$b", "a$b", {}),
        ("a$$b-${A}", "a$b-1", {"A": "1"}),
    ],
    ids=[
        "whole",
        "plain",
        "default",
        "inside",
        "empty",
        "another-frame",
        "frame-overlaps",
        "two-variables",
        "none",
        "no-template",
        "escaped-dollar",
        "escaped-dollar-and-variable",
    ],
)
def test_solve(template, value, solution):
    assert references.solve(template, value) == solution
