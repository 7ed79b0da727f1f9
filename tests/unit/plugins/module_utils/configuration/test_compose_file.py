"""Compose's own tags stand before values, and hide nothing that the file says."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration import compose_file, references


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: !override [b, {c: 1}]", {"a": ["b", {"c": 1}]}),
        ("a: !override {b: [1]}", {"a": {"b": [1]}}),
        ("a: !reset null", {"a": None}),
        ("a: !reset", {"a": None}),
        ("a: !override 8", {"a": 8}),
        ("a: !override '8'", {"a": "8"}),
        ("a: !reset []", {"a": []}),
        ("a: &x {b: 1}\nc: {<<: *x}", {"a": {"b": 1}, "c": {"b": 1}}),
    ],
)
def test_a_tag_of_composes_own(text, value):
    assert compose_file.parse(text.encode()) == value


@pytest.mark.parametrize("text", ["a: [", "a: !!python/object/apply:os.system [id]"])
def test_what_is_no_document_of_plain_values_is_refused(text):
    with pytest.raises(yaml.YAMLError):
        compose_file.parse(text.encode())


def test_a_file_with_such_a_tag_names_its_files_all_the_same():
    text = b"services: {kong: {ports: !override ['80:8000'], env_file: config/kong.env}}"
    assert [item.files for item in references.references(text)] == [("config/kong.env",)]


@pytest.mark.parametrize("value", ["!reset", "!reset null", "!reset []"])
def test_what_is_taken_back_names_no_file(value):
    assert references.references(f"services: {{kong: {{env_file: {value} }}}}".encode()) == []
