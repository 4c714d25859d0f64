"""A site of real processes with its broker, for whoever reads beside the centre."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, mosquitto_path
from tests.end_to_end.processes import Site


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Give the site's broker, running."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Site]:
    """Give a site with its broker running."""
    site = Site(tmp_path, mosquitto.port)
    site.write()
    yield site
    site.close()
