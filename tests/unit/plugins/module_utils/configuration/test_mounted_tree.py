"""What stands in a mounted directory: files, links that lead inside it, and what no backup holds."""

from __future__ import annotations

import os

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration import mounted_tree
from ansible_collections.kong_masking.recovery.tests.unit import samples

FILES = ("nginx/nginx.conf", "nginx/sites-available/kong.conf", "outside-of-nginx.conf")


@pytest.fixture
def stack(tmp_path):
    for name in FILES:
        full = tmp_path / "stack" / name
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text("", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    return samples.stack(tmp_path / "stack")


def link(stack, path, text):
    os.makedirs(os.path.dirname(stack.path(path)), exist_ok=True)
    os.symlink(text, stack.path(path))


@pytest.mark.parametrize(
    ("path", "text", "leads"),
    [
        ("nginx/sites-enabled/kong.conf", "../sites-available/kong.conf", "nginx/sites-available/kong.conf"),
        ("nginx/current", "sites-available", "nginx/sites-available"),
        ("nginx/sites-enabled/all", "..", "nginx"),
        ("nginx/conf.d/gone.conf", "missing.conf", "nginx/conf.d/missing.conf"),
    ],
    ids=["file", "directory", "the-mounted-one-itself", "dangling"],
)
def test_a_link_that_leads_inside_is_held(stack, path, text, leads):
    link(stack, path, text)
    found = mounted_tree.look(stack, ["nginx"])
    assert (found.links, found.left_out) == ({path: leads}, {})
    assert found.files == set(FILES[:2])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nginx/kong.conf", "/etc/nginx/sites-available/kong.conf"),
        ("nginx/kong.conf", "STACK/nginx/sites-available/kong.conf"),
        ("nginx/kong.conf", "../outside-of-nginx.conf"),
        ("nginx/kong.conf", "../../elsewhere"),
        ("nginx/kong.conf", "kong.conf"),
    ],
    ids=["of-the-container", "absolute", "elsewhere-in-the-stack", "out-of-the-stack", "to-itself"],
)
def test_a_link_that_host_and_container_may_read_otherwise_is_left_out_and_named(stack, path, text):
    text = text.replace("STACK", stack.dir)
    link(stack, path, text)
    found = mounted_tree.look(stack, ["nginx"])
    assert (found.links, list(found.left_out)) == ({}, [path])
    assert found.left_out[path].startswith(f"{path} is a link to {text}, which no backup holds")


def test_a_link_behind_one_that_leads_out_is_left_out_too(stack):
    link(stack, "nginx/away", "../../elsewhere")
    link(stack, "nginx/kong.conf", "away/kong.conf")
    assert set(mounted_tree.look(stack, ["nginx"]).left_out) == {"nginx/away", "nginx/kong.conf"}


def test_files_behind_a_link_have_their_own_name_only(stack):
    link(stack, "nginx/current", "sites-available")
    assert mounted_tree.look(stack, ["nginx"]).files == set(FILES[:2])


@pytest.mark.parametrize("directories", [["nginx", "nginx/sites-enabled"], ["nginx/sites-enabled", "nginx"]])
def test_it_is_enough_that_one_of_the_mounted_directories_holds_link_and_file(stack, directories):
    link(stack, "nginx/sites-enabled/kong.conf", "../sites-available/kong.conf")
    found = mounted_tree.look(stack, directories)
    assert (list(found.links), found.left_out) == (["nginx/sites-enabled/kong.conf"], {})


def test_a_pipe_is_left_out_because_reading_it_would_hang(stack):
    os.mkfifo(stack.path("nginx/pipe"))
    found = mounted_tree.look(stack, ["nginx"])
    assert found.left_out == {"nginx/pipe": "nginx/pipe is a pipe, socket or device, which no backup holds"}
    assert found.files == set(FILES[:2])


@pytest.mark.parametrize(
    ("spared", "directories", "left"),
    [
        (["nginx/sites-available"], ["nginx"], ["nginx/nginx.conf"]),
        (["nginx/sites"], ["nginx"], FILES[:2]),
        (["nginx"], ["nginx/sites-available"], ["nginx/sites-available/kong.conf"]),
        (["nginx/sites-available"], ["nginx", "nginx/sites-available"], FILES[:2]),
    ],
    ids=["a-folder", "the-same-beginning", "above-what-is-mounted", "mounted-by-itself"],
)
def test_spared_folders_are_not_looked_into(stack, spared, directories, left):
    assert mounted_tree.look(stack, directories, spared).files == set(left)


def test_what_no_backup_holds_is_none_of_its_business_in_spared_folders(stack):
    link(stack, "nginx/logs/out", "/elsewhere")
    assert mounted_tree.look(stack, ["nginx"], ["nginx/logs"]).left_out == {}
