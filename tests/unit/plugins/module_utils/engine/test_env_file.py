"""Environment files as data: read and rewritten without evaluating or losing a byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import env_file

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"", {}),
        (b"A=1\nB=2\n", {"A": "1", "B": "2"}),
        (b"A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        (BOM + b"A=1\n", {"A": "1"}),
        (b"A=1", {"A": "1"}),
        (b"export A=1\n", {"A": "1"}),
        (b"  A = 1 \n", {"A": "1"}),
        (b"A=\nB=x\n", {"A": "", "B": "x"}),
        (b"# A=1\n\nB=2\n", {"B": "2"}),
        (b"A=1 # note\n", {"A": "1"}),
        (b"A=a#b\n", {"A": "a#b"}),
        (b"A='a # b'\n", {"A": "a # b"}),
        (b'A="a # b" # note\n', {"A": "a # b"}),
        (b"A=x=y==\n", {"A": "x=y=="}),
        (b"A=1\nA=2\n", {"A": "2"}),
        (b"A: 1\n", {"A": "1"}),
        (b"A='open\n", {"A": "'open"}),
        (b"no assignment\n1A=2\n", {}),
        (b"A=$(touch /tmp/x)\nB=`id`\nC=${D}\n", {"A": "$(touch /tmp/x)", "B": "`id`", "C": "${D}"}),
        (b"A=\xff\xfe\n", {"A": "\udcff\udcfe"}),
        ("A=\u00fc\n".encode(), {"A": "\u00fc"}),
        (b'A="one\nB=two\n"\nC=3\n', {"A": "one\nB=two\n", "C": "3"}),
        (b"A='one\r\nB=two' # x\r\nC=3\r\n", {"A": "one\r\nB=two", "C": "3"}),
    ],
    ids=[
        "empty",
        "plain",
        "crlf",
        "bom",
        "no-newline",
        "export",
        "spaces",
        "empty-value",
        "comments",
        "comment-behind",
        "hash-inside",
        "single-quotes",
        "double-quotes",
        "equals-signs",
        "twice",
        "colon",
        "open-quote",
        "no-assignment",
        "commands-are-text",
        "no-utf8",
        "utf8",
        "several-lines",
        "several-lines-crlf",
    ],
)
def test_parse(content, values):
    assert env_file.parse(content) == values


@pytest.mark.parametrize(
    ("content", "value"),
    [(rb'A="q\"r"', 'q"r'), (rb"A='it\'s'", "it's"), (rb"A='a\b'", r"a\b")],
    ids=["double", "single", "backslash"],
)
def test_escaped_quotes_are_read_as_compose_reads_them(content, value):
    """Expected values are what ``docker compose config`` 2.40.3 makes of these lines."""
    assert env_file.parse(content) == {"A": value}


@pytest.mark.parametrize(
    ("content", "values", "expected"),
    [
        (b"A=1\nB=2\n", {"A": "3"}, b"A=3\nB=2\n"),
        (b"A=1\r\nB=2\r\n", {"B": "3"}, b"A=1\r\nB=3\r\n"),
        (BOM + b"A=1\n", {"A": "3"}, BOM + b"A=3\n"),
        (b"A=1", {"A": "3"}, b"A=3"),
        (b"  export A = 1\n", {"A": "3"}, b"  export A = 3\n"),
        (b"A=\n", {"A": "x"}, b"A=x\n"),
        (b"A=1\nA=2\n", {"A": "3"}, b"A=3\nA=3\n"),
        (b"#A=1\nA=2\n", {"A": "3"}, b"#A=1\nA=3\n"),
        (b"A=1\n", {"A": "a b"}, b"A='a b'\n"),
        (b"A=1\n", {"A": "$(touch x)"}, b"A='$(touch x)'\n"),
        (b"A=1\n", {"A": ""}, b"A=\n"),
        (b"AB=1\nA=1\n", {"A": "3"}, b"AB=1\nA=3\n"),
        (b"A=1\n", {"B": "3"}, b"A=1\n"),
        (b"A=1\nB=\xff\n", {"A": "\udcfe"}, b"A='\xfe'\nB=\xff\n"),
        (b'A="one\nB=two"\nB=2\n', {"A": "1", "B": "3"}, b"A=1\nB=3\n"),
    ],
    ids=[
        "one",
        "crlf",
        "bom",
        "no-newline",
        "export-and-spaces",
        "was-empty",
        "twice",
        "comment-stays",
        "quoted",
        "command-is-quoted",
        "becomes-empty",
        "whole-names",
        "unknown-name",
        "no-utf8",
        "several-lines",
    ],
)
def test_with_values(content, values, expected):
    assert env_file.with_values(content, values) == expected


def test_a_backslash_is_not_doubled():
    """Compose takes what is between single quotes as it is: ``'a\\\\b'`` would be two backslashes (2.40.3)."""
    assert env_file.with_values(b"A=1\n", {"A": r"DOM\user"}) == b"A='DOM\\user'\n"


@given(st.binary(max_size=200))
def test_no_matching_name_leaves_every_byte(content):
    assert env_file.with_values(content, {}) == content
    assert env_file.with_values(content, {"NO_SUCH_NAME_ANYWHERE": "x"}) == content


LINES = st.lists(
    st.sampled_from([b"A=1", b"B='x y'", b'C="$(touch x)"', b"# note", b"", b"export D=\xff", b"=odd", b"E=$F"]),
    max_size=8,
)


@given(LINES, st.sampled_from([b"\n", b"\r\n"]), st.booleans(), st.booleans())
def test_values_that_are_there_already_change_no_meaning(lines, newline, bom, last):
    content = (BOM if bom else b"") + newline.join(lines) + (newline if last else b"")
    values = env_file.parse(content)
    assert env_file.parse(env_file.with_values(content, values)) == values


@given(st.text(st.characters(blacklist_characters="\r\n\x00", blacklist_categories=["Cs"]), max_size=20))
def test_what_was_set_is_read_back(value):
    line = env_file.with_values(b"A=old\n", {"A": value})
    assert line.endswith(b"\n")
    assert env_file.parse(line) == {"A": value}


def test_nothing_is_evaluated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/evaluated")
    content = b"A=$(touch x)\nB=`touch x`\nC=$HOME\nD=${HOME}\n"
    assert env_file.parse(content) == {"A": "$(touch x)", "B": "`touch x`", "C": "$HOME", "D": "${HOME}"}
    assert env_file.with_values(content, {"E": "$HOME"}) == content
    assert list(tmp_path.iterdir()) == []


def test_taking_the_values_of_another_file_leaves_what_it_does_not_have():
    here = b"# ours\r\nOWN='a b'\r\nSAME=\"x\"\r\nexport LEVEL=debug # why\r\n"
    there = b"LEVEL=notice\nSAME=x\nMORE=1\n"
    assert env_file.taking(here, there) == here.replace(b"debug # why", b"notice")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"A=1\nB=2\n", ["A"]),
        (b"A=${B}-$C\nB=$D\nC=1\nD=2\nE=3\n", ["A", "B", "C", "D"]),
        (b"A='${B}'\nB=2\n", ["A"]),
        (b'A="x ${B:-no}"\nB=2\n', ["A", "B"]),
        (b"A=${A}${ELSEWHERE}\n", ["A"]),
        (b"B=2\n", ["A"]),
    ],
    ids=["plain", "at-any-distance", "text", "with-a-default", "itself-and-none", "not-there"],
)
def test_what_a_value_is_made_of(content, names):
    assert env_file.made_of(content, ["A"]) == names
