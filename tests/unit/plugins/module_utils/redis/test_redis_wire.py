"""Replies are read exactly, however the network cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kong_masking.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_wire as wires


class Socket:
    """Hands out bytes in pieces of a size."""

    def __init__(self, data: bytes, piece: int) -> None:
        self.pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
        self.sent = b""

    def recv(self, _size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def sendall(self, data: bytes) -> None:
        self.sent += data


def wire(data: bytes, piece: int = 1 << 20) -> wires.Wire:
    made = object.__new__(wires.Wire)
    made.socket, made.buffer, made.at = Socket(data, piece), b"", 0
    return made


def encoded(value: object) -> bytes:
    """Write a value as a server does."""
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    if isinstance(value, int):
        return b":%d\r\n" % value
    assert isinstance(value, list)
    return b"*%d\r\n" % len(value) + b"".join(map(encoded, value))


VALUES = st.recursive(
    st.one_of(st.none(), st.binary(max_size=40), st.integers(-(1 << 40), 1 << 40)),
    lambda inner: st.lists(inner, max_size=4),
)


@given(st.lists(VALUES, max_size=6), st.integers(1, 50))
def test_any_replies_cut_anywhere(values, piece):
    made = wire(b"".join(map(encoded, values)), piece)
    assert made.replies(len(values)) == values


@given(st.lists(st.integers(-2, 1 << 40), min_size=1, max_size=30), st.binary(max_size=30), st.integers(1, 50))
def test_numbers_and_then_something_else(numbers, value, piece):
    made = wire(b"".join(map(encoded, numbers)) + encoded(value), piece)
    assert made.lines(len(numbers)) == [b":%d" % number for number in numbers]
    assert made.reply() == value


def test_an_error_among_several_replies_is_a_value():
    made = wire(b"$1\r\na\r\n-WRONGTYPE secret key\r\n:1\r\n")
    first, second, third = made.replies(3)
    assert (first, third) == (b"a", 1)
    assert isinstance(second, wires.ReplyError)
    assert second.code == "WRONGTYPE"
    assert "secret" not in second.msg


def test_an_error_as_the_only_reply_is_raised():
    with pytest.raises(wires.ReplyError, match="NOPERM"):
        wire(b"-NOPERM no\r\n").reply()


def test_a_closed_connection_is_an_error():
    with pytest.raises(RecoveryError, match="closed the connection"):
        wire(b"$10\r\nabc", 3).reply()


def test_a_walk_asks_for_the_next_batch_before_the_first_is_looked_at():
    made = wire(encoded([b"7", [b"a", b"b"]]) + encoded([b"3", []]) + encoded([b"0", [b"c"]]))
    batches = made.scan(b"p*")
    assert next(batches) == [b"a", b"b"]
    assert made.socket.sent.count(b"SCAN") == 2
    assert list(batches) == [[b"c"]]


@pytest.mark.parametrize(
    ("made", "sent"),
    [
        (wires.packed(b"GET", b"a\r\n"), b"*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n"),
        (wires.per_key(b"PTTL", [b"a", b"bc"]), b"*2\r\n$4\r\nPTTL\r\n$1\r\na\r\n*2\r\n$4\r\nPTTL\r\n$2\r\nbc\r\n"),
        (wires.per_key(b"G", [b"a"], b"0", b"9"), b"*4\r\n$1\r\nG\r\n$1\r\na\r\n$1\r\n0\r\n$1\r\n9\r\n"),
        (wires.per_key(b"PTTL", []), b""),
    ],
)
def test_requests(made, sent):
    assert made == sent
