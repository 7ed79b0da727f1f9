"""One browser for all tests, and the option that writes the documents' pictures anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import Browser


def pytest_addoption(parser: pytest.Parser) -> None:
    """The pictures in docs/ are made by the tests that look at the pages."""
    parser.addoption("--keep-pictures", action="store_true", help="write the pictures of docs/ anew")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser."""
    one = Browser(tmp_path_factory.mktemp("profile"))
    try:
        yield one
    finally:
        one.close()
