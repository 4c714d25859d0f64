"""A broker and a site of real processes, for every test that needs them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, mosquitto_path
from tests.end_to_end.processes import Site


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Give a broker that keeps nothing, not started yet."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    broker = Mosquitto(tmp_path / "broker")
    yield broker
    broker.kill()


@pytest.fixture
def site(tmp_path: Path, broker: Mosquitto) -> Iterator[Site]:
    """Give a site with written files, nothing started yet."""
    site = Site(tmp_path, broker.port)
    site.write()
    yield site
    site.close()
