"""What holds for every test: log calls follow the grammar, no test hangs on to one."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from gateway.log import Lines
from tests import log_grammar
from tests.brokers import Mosquitto
from tests.end_to_end.watcher import Watcher

# How long an example takes says how busy the machine is, and nothing of the product.
settings.register_profile(
    "busy", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")


class _Grammar(logging.Handler):
    """Reads every line of ours back; a line that does not fit fails the test."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Render and parse one record."""
        line = Lines().format(record).split("\n", 1)[0]
        try:
            read = log_grammar.parse(line)
        except ValueError as error:
            self.refused.append(str(error))
            return
        values = record.args if isinstance(record.args, dict) else {}
        if read.event != record.msg or list(read.values) != list(values):
            self.refused.append(f"{record.msg!r} reads back as {read}")


@pytest.fixture(autouse=True)
def log_grammar_holds() -> Iterator[None]:
    """Every log line a test makes is of the grammar of docs/logs.md."""
    handler = _Grammar()
    logger = logging.getLogger("punchgate")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)
    assert not handler.refused


@pytest.fixture(autouse=True)
def watcher(request: pytest.FixtureRequest) -> Iterator[Watcher | None]:
    """Hold every message on the test's broker against what is published.

    It is a subscriber, and takes a word that no program of ours says for a mistake:
    `unwatched` marks a test that cannot have that.
    """
    wanted = "broker" in request.fixturenames
    if request.node.get_closest_marker("unwatched") or not wanted:
        yield None
        return
    broker = request.getfixturevalue("broker")
    if not isinstance(broker, Mosquitto):
        yield None
        return
    with Watcher(broker.port) as watcher:
        yield watcher
