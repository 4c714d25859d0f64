"""Reads on in a full log that drops its oldest record for each that it takes.

Every record of such a log moves up by one at each punch. To take that for a changed
log would read it whole at every punch of a busy morning. Where both ends of it stand
as the rows say, the new records are read alone.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from drivers.base import Counts, ProtocolError, UnsupportedError
from gateway.core.values import RawRecord
from gateway.intake import Intake
from gateway.reading import is_full, taken
from gateway.store import raw, rolling
from gateway.store.figures import Log

# Records before the end of a log. Of them at least half must still be there.
_REACH = 128
# People may punch between the reading of one end and of the other.
_IN_BETWEEN = 3

Read = Callable[[int], AsyncGenerator[Sequence[RawRecord], None]]
"""Gives the records of a log from a place on, or from its first; piece by piece."""


async def rolled_in(
    read: Read, counts: Counts, cursor: raw.Cursor, intake: Intake
) -> Sequence[RawRecord]:
    """Return the records that a full log took since its cursor; none if unsure.

    Its end must hold what it held, moved up, and its first record be the one that is
    first when as many are gone. What was changed between its ends is not seen, as in a
    log that grows.

    Raises:
        TerminalError: the terminal failed.
        StoreError: the journal writes no more.
    """
    held = Log(cursor.serial, cursor.driver, cursor.generation)
    # Rows that are as many as the records are these records, in their order.
    if not is_full(counts) or cursor.position != await intake.ask(
        lambda db: rolling.stored(db, held)
    ):
        return []
    before = await intake.ask(lambda db: rolling.newest(db, held, _REACH))
    try:
        head, end = await _end(read, cursor.position - len(before))
        new = taken([raw.record_key(one) for one in end], before)
        if new and head is None:
            head = await _head(read)
    except (ProtocolError, UnsupportedError):
        return []  # it gives no such part of its log: only all of it can tell
    if not new:
        return []
    first = await intake.ask(lambda db: rolling.oldest(db, held, new, 1 + _IN_BETWEEN))
    return end[-new:] if head in first else []


async def _end(read: Read, start: int) -> tuple[bytes | None, list[RawRecord]]:
    """Return a log's records from a place on, and the key of its first if it came."""
    head = None
    end: list[RawRecord] = []
    async for piece in read(start):
        if piece[0].position == 0:
            head = raw.record_key(piece[0])  # some drivers always read all
        end += [one for one in piece if one.position >= start]
    return head, end


async def _head(read: Read) -> bytes | None:
    """Return the key of a log's first record."""
    async with aclosing(read(0)) as pieces:
        async for piece in pieces:
            return raw.record_key(piece[0])
    return None
