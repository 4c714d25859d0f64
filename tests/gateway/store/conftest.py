"""Fixtures: a journal in memory."""

from collections.abc import Iterator

import pytest
from sqlite_utils import Database

from tests.gateway.store.journals import memory


@pytest.fixture
def db() -> Iterator[Database]:
    """Return a journal's tables in memory."""
    with memory() as found:
        yield found
