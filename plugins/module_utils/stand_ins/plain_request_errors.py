# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Failures of an HTTP request, named and related as those of requests; for a target without that library."""

from __future__ import annotations

import json
from typing import Any


class RequestException(OSError):
    """The request failed; response is what came back, None where nothing did."""

    def __init__(self, *args: Any, response: Any = None, request: Any = None) -> None:
        super().__init__(*args)
        self.response, self.request = response, request


class JSONDecodeError(RequestException, json.JSONDecodeError):
    """The body is no JSON."""

    def __init__(self, msg: str, doc: str, pos: int) -> None:
        json.JSONDecodeError.__init__(self, msg, doc, pos)
        self.response = self.request = None

    def __str__(self) -> str:
        return json.JSONDecodeError(self.msg, self.doc, self.pos).args[0]


class HTTPError(RequestException):
    """The server answered with a status that the caller does not accept."""


class ConnectionError(RequestException):  # noqa: A001  # the library's name
    """No connection, or it broke before the answer began."""


class SSLError(ConnectionError):
    """The connection cannot be encrypted, or the certificate is not accepted."""


class Timeout(RequestException):
    """It took too long."""


class ConnectTimeout(ConnectionError, Timeout):
    """No connection in time."""


class ReadTimeout(Timeout):
    """No answer in time."""


class TooManyRedirects(RequestException):
    """The server sends from one place to the next without end."""


class InvalidURL(RequestException, ValueError):
    """The URL cannot be read."""


class MissingSchema(RequestException, ValueError):
    """The URL names no protocol."""


class InvalidSchema(RequestException, ValueError):
    """The URL names a protocol that is not spoken."""


class InvalidHeader(RequestException, ValueError):
    """A header cannot be sent."""


class ChunkedEncodingError(RequestException):
    """The answer broke off."""


class ContentDecodingError(RequestException):
    """The body is not compressed as its header says."""
