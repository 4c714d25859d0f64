"""Entries to send again: ranges that a centre misses or asked for."""

from collections.abc import Iterable, Sequence

from sync.holes import Span
from sync.outbox import Outbox, OutboxRow

_MOST = 1_000


class Repairs:
    """Ranges in the order they were asked for, each once."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, Span], None] = {}

    def add(self, epoch: str, spans: Iterable[Span]) -> None:
        """Ask for ranges of an epoch; beyond a thousand the centre asks again."""
        for span in spans:
            if len(self._waiting) < _MOST:
                self._waiting[epoch, span] = None

    def clear(self) -> None:
        """Forget them; who still misses something asks again."""
        self._waiting.clear()

    def take(self, outbox: Outbox, limit: int) -> tuple[str, Sequence[OutboxRow]]:
        """Return an epoch and the next rows of it to send, no rows when none wait."""
        while self._waiting:
            epoch, (first, last) = next(iter(self._waiting))
            rows = outbox.between(epoch, first, last, limit)
            del self._waiting[epoch, (first, last)]
            if rows:
                self._put_back(epoch, rows[-1].seq + 1, last)
                return epoch, rows
        return "", ()

    def give_back(self, epoch: str, rows: Sequence[OutboxRow]) -> None:
        """Take back rows that did not fit into the message."""
        if rows:
            self._put_back(epoch, rows[0].seq, rows[-1].seq)

    def _put_back(self, epoch: str, first: int, last: int) -> None:
        """Put what is left of a range in front of the others."""
        if first <= last:
            self._waiting = {(epoch, (first, last)): None} | self._waiting
