# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Failures of a Redis, named and related as those of redis-py; for a target without that library."""

from __future__ import annotations


class RedisError(Exception):
    """Redis cannot be asked, or refuses."""


class ConnectionError(RedisError):  # noqa: A001  # the library's name
    """No connection, or it broke."""


class TimeoutError(RedisError):  # noqa: A001  # the library's name
    """It took too long."""


class AuthenticationError(ConnectionError):
    """User or password are not accepted."""


class BusyLoadingError(ConnectionError):
    """The server still loads its data."""


class ResponseError(RedisError):
    """The server refused a command."""


class AuthenticationWrongNumberOfArgsError(ResponseError):
    """A server from before users were named was given one."""


class OutOfMemoryError(ResponseError):
    """The server's memory is used up."""


class ReadOnlyError(ResponseError):
    """The server is a replica and takes no writes."""


class NoPermissionError(ResponseError):
    """The user may not do this."""


class MasterDownError(ResponseError):
    """The server is a replica whose master is away."""


# First word of a refusal → what it is; the library leaves that word out of the message.
WORDS: dict[str, type[RedisError]] = {
    "ERR": ResponseError,
    "OOM": OutOfMemoryError,
    "WRONGPASS": AuthenticationError,
    "NOAUTH": AuthenticationError,
    "LOADING": BusyLoadingError,
    "READONLY": ReadOnlyError,
    "NOPERM": NoPermissionError,
    "MASTERDOWN": MasterDownError,
    "EXECABORT": ResponseError,
    "NOSCRIPT": ResponseError,
    "ASK": ResponseError,
    "TRYAGAIN": ResponseError,
    "MOVED": ResponseError,
    "CLUSTERDOWN": ResponseError,
    "CROSSSLOT": ResponseError,
}
# Refusals that only their sentence tells apart.
SENTENCES: dict[str, type[RedisError]] = {
    "max number of clients reached": ConnectionError,
    "invalid password": AuthenticationError,
    "Client sent AUTH, but no password is set": AuthenticationError,
    "AUTH <password> called without any password configured for the default user. "
    "Are you sure your configuration is correct?": AuthenticationError,
    "wrong number of arguments for 'auth' command": AuthenticationWrongNumberOfArgsError,
    "wrong number of arguments for 'AUTH' command": AuthenticationWrongNumberOfArgsError,
}


def refusal(line: bytes) -> RedisError:
    """Return the error for a refusal as it came, without its leading minus."""
    text = line.decode("utf-8", "replace")
    word, _space, rest = text.partition(" ")
    if word not in WORDS:
        return ResponseError(text)
    return (SENTENCES.get(rest, ResponseError) if word == "ERR" else WORDS[word])(rest)
