"""Links between the names of the configuration and its files: what is known of them, and what lies outside."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration import config_files, links
from ansible_collections.kong_masking.recovery.plugins.module_utils.runner import Runner
from ansible_collections.kong_masking.recovery.tests.unit import samples


@pytest.fixture
def stack(tmp_path):
    """A stack that is itself reached by a link, and some files of two releases."""
    for name in ("releases/41/nginx.conf", "releases/42/nginx.conf", "nginx/v1.conf", "config/production.env"):
        full = tmp_path / "real" / name
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text("", encoding="utf-8")
    (tmp_path / "opt").symlink_to("real")
    (tmp_path / "outside").write_text("", encoding="utf-8")
    return samples.stack(tmp_path / "opt")


def link(stack, path, text):
    os.makedirs(os.path.dirname(stack.path(path)), exist_ok=True)
    os.symlink(text.replace("OPT", os.path.join(os.path.dirname(stack.dir), "opt")), stack.path(path))


@pytest.mark.parametrize(
    ("path", "text", "target"),
    [
        ("nginx/nginx.conf", "v1.conf", "nginx/v1.conf"),
        (".env", "./config/production.env", "config/production.env"),
        ("nginx/nginx.conf", "OPT/nginx/v1.conf", "nginx/v1.conf"),
        ("current", "releases/42", "releases/42"),
        ("nginx/nginx.conf", "gone.conf", "nginx/gone.conf"),
        ("nginx/nginx.conf", "../../outside", ""),
        ("nginx/nginx.conf", "/etc/passwd", ""),
        ("nginx/nginx.conf", "nginx.conf", ""),
        ("loop/self", ".", "loop"),
    ],
    ids=["beside", "below", "absolute", "directory", "dangling", "above", "elsewhere", "to-itself", "to-its-directory"],
)
def test_leads_to(stack, path, text, target):
    link(stack, path, text)
    assert links.leads_to(stack, path) == target
    if target:
        assert os.path.normpath(os.path.join(os.path.dirname(path), links.text(path, target))) == target


def test_what_is_no_link_leads_nowhere(stack):
    assert [links.leads_to(stack, path) for path in ("nginx/v1.conf", "nothing", "nginx")] == ["", "", ""]


def test_every_link_on_the_way_is_known_one_step_each(stack):
    link(stack, "nginx/nginx.conf", "../current/nginx.conf")
    link(stack, "current", "releases/42")
    source = os.path.join(os.path.dirname(stack.dir), "opt/nginx/nginx.conf")
    assert links.on_the_way(stack, source) == {"nginx/nginx.conf": "current/nginx.conf", "current": "releases/42"}
    assert links.names(stack, source) == ["releases/42/nginx.conf", "nginx/nginx.conf", "current"]


def test_links_without_an_end_are_none(stack):
    link(stack, "a", "b")
    link(stack, "b", "a")
    assert links.on_the_way(stack, stack.path("a")) == {}


def test_dots_behind_a_link_do_not_mean_what_is_written(stack):
    """The kernel goes up from releases/42, which is releases, and the name as written says the stack."""
    link(stack, "current", "releases/42")
    link(stack, "trick.conf", "current/../41/nginx.conf")
    assert links.leads_to(stack, "trick.conf") == ""


@pytest.mark.parametrize("path", ["/etc/passwd", "/"])
def test_what_lies_outside_has_no_name(stack, path):
    assert (links.on_the_way(stack, path), links.names(stack, path)) == ({}, [])


@pytest.mark.parametrize(
    ("path", "expected"),
    [("current", True), ("current/a", True), ("currently", False), ("releases/42/a", False)],
)
def test_behind(path, expected):
    assert links.behind({"current": "releases/42"}, path) is expected


def test_a_link_whose_file_is_gone_is_neither_present_nor_absent(stack):
    link(stack, ".env", "config/gone.env")
    present, absent = config_files.definition_files(samples.stack(stack.dir), Runner())
    assert ".env" not in [*present, *absent]


def test_the_file_behind_a_link_is_part_of_the_definition(stack):
    link(stack, ".env", "config/production.env")
    link(stack, "docker-compose.yml", "releases/42/docker-compose.yml")
    with open(stack.path("releases/42/docker-compose.yml"), "w", encoding="utf-8") as handle:
        handle.write("services: {}")
    present, _absent = config_files.definition_files(samples.stack(stack.dir), Runner())
    assert sorted(present) == [
        ".env",
        "config/production.env",
        "docker-compose.yml",
        "releases/42/docker-compose.yml",
    ]
