"""Messages as a gateway would send them, without a gateway."""

from collections.abc import Sequence

from central.incoming import read
from central.values import Batch, Poison
from sync.messages import compose
from sync.topics import Topics
from tests.sync.memory_outbox import MemoryOutbox, Row

TOPICS = Topics("att/v1")
AT = "2026-11-02T08:00:00+08:00"


def payload(
    rows: Sequence[Row], epoch: str, gateway: str = "g1", site: str = "s1"
) -> bytes:
    """Return the message that carries rows."""
    return compose(
        site=site,
        gateway=gateway,
        epoch=epoch,
        session=1,
        sent=AT,
        entries=[row.entry for row in rows],
        prev=rows[0].prev,
        head=rows[-1].hash,
    )


def message(outbox: MemoryOutbox, rows: Sequence[Row], gateway: str = "g1") -> Batch:
    """Return rows as the centre reads them."""
    topic = TOPICS.of("s1", gateway, rows[0].kind)
    found = read(TOPICS, topic, payload(rows, outbox.epoch, gateway))
    assert not isinstance(found, Poison), found
    return found


def messages(outbox: MemoryOutbox, gateway: str = "g1", size: int = 100) -> list[Batch]:
    """Return everything in an outbox as messages."""
    found, after = [], 0
    while rows := outbox.batch(after, size):
        found.append(message(outbox, rows, gateway))
        after = rows[-1].seq
    return found
