"""Seeds, and one running site for each kind of centre, shared between the rows."""

import random
from collections.abc import Iterator

import pytest

from tests.brokers import mosquitto_path
from tests.faults.ground import Ground, Kind
from tests.faults.seeds import seeds


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that takes a seed with its kept ones and the present one."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.function.__name__))


@pytest.fixture
def rng(seed: int) -> random.Random:
    """Give the randomness of the test; its seed is printed."""
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.fixture(scope="session")
def grounds() -> Iterator[dict[Kind, Ground]]:
    """Keep the shared sites, and end them."""
    found: dict[Kind, Ground] = {}
    yield found
    for ground in found.values():
        ground.close()


@pytest.fixture(params=list(Kind))
def ground(
    request: pytest.FixtureRequest,
    grounds: dict[Kind, Ground],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ground]:
    """Give a running site that is in order, and see that it is afterwards.

    A test that fails leaves its site behind; the next one gets a new site.
    """
    kind = Kind(request.param)
    if kind is Kind.CONSUMER and mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    if kind in grounds and grounds[kind].dirty:
        grounds.pop(kind).close()
    if kind not in grounds:
        grounds[kind] = Ground(tmp_path_factory.mktemp(kind.value), kind)
        grounds[kind].open()
    found = grounds[kind]
    found.dirty = True
    yield found
    found.settle()
    found.dirty = False
