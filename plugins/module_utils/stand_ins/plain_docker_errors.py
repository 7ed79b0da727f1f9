# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Failures of the Docker Engine, named and related as those of the Docker SDK; for a target without that library."""

from __future__ import annotations

import json
from typing import Any

try:
    # The family by which engine_loss.py knows an engine that went away.
    from requests import exceptions as http
except ImportError:
    from . import plain_request_errors as http  # type: ignore[no-redef]

__all__ = [
    "APIError",
    "DockerException",
    "ImageNotFound",
    "InvalidVersion",
    "NotFound",
    "NullResource",
    "http",
    "refused",
]

# How an engine says that it has no such image; everything else that it has not is just not found.
NO_IMAGE = (
    "no such image",
    "not found: does not exist or no pull access",
    "repository does not exist",
    "was found but does not match the specified platform",
)


class DockerException(Exception):
    """The engine cannot be asked."""


class InvalidVersion(DockerException):
    """This engine's API is too old for the question."""


class NullResource(DockerException, ValueError):
    """The question names nothing."""


class APIError(http.HTTPError, DockerException):
    """The engine refused.

    status: its HTTP status, None where there was no answer; where: the URL and reason; explanation: its own words.
    """

    def __init__(self, message: str, status: int | None = None, where: str = "", explanation: str = "") -> None:
        super().__init__(message)
        self.status_code, self.where, self.explanation = status, where, explanation

    def __str__(self) -> str:
        text = super().__str__()
        if self.status_code is not None:
            whose = "Client" if self.status_code < 500 else "Server"
            text = f"{self.status_code} {whose} Error for {self.where}"
        return f'{text} ("{self.explanation}")' if self.explanation else text


class NotFound(APIError):
    """There is no such thing."""


class ImageNotFound(NotFound):
    """There is no such image."""


def refused(status: int, where: str, body: bytes) -> APIError:
    """Return the error for an answer of the engine: its status, ``URL: reason``, and its body."""
    words: Any = body.decode("utf-8", "replace").strip()
    try:
        said = json.loads(body)
        words = said.get("message", words) if isinstance(said, dict) else words
    except ValueError:
        pass
    kind = APIError
    if status == 404:
        kind = ImageNotFound if any(part in str(words).lower() for part in NO_IMAGE) else NotFound
    return kind(f"status {status}", status, where, str(words or ""))
