"""Fixtures: a real broker, and a place for the store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, mosquitto_path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Return a running mosquitto; skip where there is none."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as running:
        yield running
