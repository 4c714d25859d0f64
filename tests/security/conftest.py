"""One authority and one broker for all tests of this folder: making them costs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.authority import Authority, ShippedBroker

GATEWAY = "gw-hq-1"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority of the site, with everybody's certificate."""
    folder = tmp_path_factory.mktemp("authority") / "ca"
    return Authority.made(folder, GATEWAY, "gw-hq-2", "central", "reader", "reviewer")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority of somebody else, with the same names."""
    folder = tmp_path_factory.mktemp("stranger") / "ca"
    return Authority.made(folder, GATEWAY, "central")


@pytest.fixture(scope="session")
def dated(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with certificates that are over, or not begun."""
    folder = tmp_path_factory.mktemp("dated")
    authority.expired(folder)
    return folder


@pytest.fixture(scope="session")
def tls_broker(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShippedBroker]:
    """Return a broker that runs the shipped files."""
    folder = tmp_path_factory.mktemp("broker")
    with ShippedBroker(folder, authority.folder) as running:
        yield running
