"""An entry that cannot be read, however often it is sent, blocks nobody for ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.holes import Holes
from central.incoming import read
from central.mending import Mending
from central.outgoing import Outgoing
from central.store.put_aside import listed
from central.store.questions import closed_ranges
from central.store.store import CentralStore, Stored
from central.values import Reason
from sync.link import Broker
from sync.mqtt import MqttLink
from sync.topics import Topics
from tests.central.batches import AT, payload
from tests.sync.memory_outbox import MemoryOutbox

TOPICS = Topics("att/v1")
TOPIC = "att/v1/s1/g1/punch"


class Site:
    """A store, what mends it, and a gateway one of whose entries rotted on its disk."""

    def __init__(self, store: CentralStore) -> None:
        self.store = store
        link = MqttLink(Broker("127.0.0.1", 1, "central-1"), lambda _: None)
        self.holes = Holes()
        self.mending = Mending(store, Outgoing(link), TOPICS, lambda: AT, self.holes)
        self.outbox = MemoryOutbox("epoch-1")
        self.outbox.add_punches(range(30))
        self.now = 0.0

    def send(self, first: int, last: int, broken: bytes = b"") -> Stored:
        """Send entries in one message; `broken` comes in place of entry 15."""
        rows = [row for row in self.outbox.rows if first <= row.seq <= last]
        data = payload(rows, "epoch-1")
        if first <= 15 <= last:
            data = data.replace(self.outbox.rows[14].entry, broken)
        stored = self.store.commit([read(TOPICS, TOPIC, data)], AT)
        self.mending.stored(stored, self.now)
        return stored


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return one with a store of its own."""
    with CentralStore.open(f"sqlite:///{tmp_path / 'central.db'}", AT) as store:
        yield Site(store)


@pytest.mark.parametrize(
    "broken, reason",
    [
        (b"{rotten}", Reason.UNREADABLE),
        (b'{"seq":15,"id":"p1_other"}', Reason.CHAIN),
        (b'{"id":"p1_none"}', Reason.ENTRY),
    ],
)
def test_a_stream_goes_on_behind_an_entry_nobody_can_read(
    site: Site, broken: bytes, reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    """Its neighbours are saved, its bytes kept, its number given up, loudly."""
    caplog.set_level("WARNING", "punchgate.central")
    site.send(1, 10)
    (poison,) = site.send(11, 20, broken).poisons
    assert poison.reason is reason
    site.send(21, 30)
    freed = []
    for _ in range(4_000):
        site.now += 1.0
        if site.holes.hopeless(site.now):
            freed += site.mending.tend(site.now)
        asked = [span for ask in site.holes.due(site.now) for span in ask.spans]
        for first, last in asked:
            site.send(first, last, broken)
    (standing,) = freed
    assert (standing.upto, standing.missing) == (30, ())
    assert site.store.count() == 29
    (row,) = closed_ranges(site.store)
    assert (row["first"], row["last"], row["fate"]) == (15, 15, "unreadable")
    assert {one["reason"] for one in listed(site.store, everything=False)} == {reason}
    (line,) = (r for r in caplog.records if r.msg == "central given up")
    assert (line.levelname, line.args["first"]) == ("ERROR", 15)  # type: ignore[index,call-overload]
