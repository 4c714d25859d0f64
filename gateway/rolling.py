"""Reads on in a full log that drops its oldest record for each that it takes.

Every record of such a log moves up by one at each punch. To take that for a changed
log would read it whole, for hours, at every punch of a busy morning. Where both ends
of it stand as the rows say, the new records are read alone.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing

from drivers.base import Counts, RawPunch, Terminal
from gateway.core.values import RawRecord
from gateway.intake import Intake
from gateway.reading import is_full, taken
from gateway.store import raw, rolling
from gateway.store.figures import Log

_REACH = (
    128  # records: a poll finds a few, what is more than half of these is read whole
)


async def rolled_in(
    terminal: Terminal,
    counts: Counts,
    cursor: raw.Cursor,
    intake: Intake,
    record: Callable[[RawPunch], RawRecord],
) -> Sequence[RawRecord]:
    """Return the records that a full log took since its cursor; none if unsure.

    Its end must hold what it held, moved up, and its first record be the one that is
    first when as many are gone: a log that somebody edited is no such log.

    Raises:
        TerminalError: the terminal failed.
        StoreError: the journal writes no more.
    """
    held = Log(cursor.serial, cursor.driver, cursor.generation)
    unmoved = counts.records == cursor.position == cursor.in_terminal
    if not (unmoved and is_full(counts)):
        return []
    before = await intake.ask(lambda db: rolling.newest(db, held, _REACH))
    start = cursor.position - len(before)
    end = [
        record(punch)
        async for piece in terminal.read(start)
        for punch in piece
        if punch.position >= start
    ]
    new = taken([raw.record_key(one) for one in end], before)
    if not new:
        return []
    first = await intake.ask(lambda db: rolling.oldest(db, held, new))
    if await _head(terminal, record) != first:
        return []
    return end[-new:]


async def _head(
    terminal: Terminal, record: Callable[[RawPunch], RawRecord]
) -> bytes | None:
    """Return the key of a log's first record."""
    async with aclosing(terminal.read(0)) as pieces:
        async for piece in pieces:
            return raw.record_key(record(piece[0]))
    return None
