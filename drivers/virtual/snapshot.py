"""Data sets as clients get them: bytes that no later punch moves, cut without copies.

The sum over a piece is kept beside it, since clients ask for the same pieces again and
again: an answer costs a header, not a step per record.
"""

from dataclasses import dataclass

from drivers.zk.commands import Command
from drivers.zk.packets import checksum

# Pieces whose sums are kept: two whole logs of 100,000 records in datagrams.
_MOST_SUMS = 8192
_ALL_ONES = 0xFFFF


@dataclass(frozen=True, slots=True)
class Piece:
    """A data frame whose bytes stand in a snapshot; `total` is their folded sum."""

    session: int
    reply_id: int
    data: memoryview
    total: int
    command: int = Command.DATA


class Snapshot:
    """One data set behind its length, as a terminal's buffer holds it."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self._view = memoryview(data)
        self._sums: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        """Bytes of the data set, its length in front counted."""
        return len(self.data)

    def pieces(self, offset: int, size: int, step: int, reply_id: int) -> list[Piece]:
        """Return `size` bytes from `offset` on in data frames of at most `step`.

        In a chunked answer the session field of a data frame is the frame's number.
        """
        end = offset + size
        found = []
        for number, at in enumerate(range(offset, end, step)):
            upto = min(at + step, end)
            view, total = self._view[at:upto], self._total(at, upto)
            found.append(Piece(number & _ALL_ONES, reply_id, view, total))
        return found

    def _total(self, at: int, end: int) -> int:
        total = self._sums.get((at, end))
        if total is None:
            if len(self._sums) >= _MOST_SUMS:
                self._sums.clear()
            total = checksum(self._view[at:end]) ^ _ALL_ONES
            self._sums[at, end] = total
        return total
