"""The attendance log of a terminal, from any place on, in pieces.

The layout is recognised anew at every read, from the bytes themselves: a terminal may
get other firmware, and its counter may lie. Nothing is guessed: a log no layout
explains is refused with its bytes (zk-protocol 2.6, 5.1).
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from drivers.base import Counts, ProtocolError, RawPunch
from drivers.zk.bulk import fetch, whole
from drivers.zk.conversation import Conversation
from drivers.zk.payloads import Prepared, Window, records_of
from drivers.zk.recognise import SAMPLE_BYTES, UnknownLayoutError, recognise
from drivers.zk.records import LAYOUTS, Ids, Layout, is_junk, punches, without_junk

_LENGTH_BYTES = 4
_JUNK_LAYOUT = LAYOUTS["40"]
# Records whose place in the middle of a log a count may name. Those of 8 bytes begin in
# the middle of others and still make some sense: they are recognised at the log's head.
_SIZES = frozenset(
    layout.size for layout in LAYOUTS.values() if layout.ids is not Ids.SLOT
)


@dataclass(frozen=True, slots=True)
class Found:
    """The layout of a log, and what had to be fetched to know it.

    `whole` is the log itself without junk, `ahead` its bytes from where reading begins.
    """

    layout: Layout
    whole: bytes | None = None
    ahead: bytes = b""


@dataclass(frozen=True, slots=True)
class PreparedLog:
    """A log that stands in the terminal's buffer.

    `slots` are the badges of the terminal's users by slot where somebody asked.
    """

    asked: Conversation
    prepared: Prepared
    serial: str
    counts: Counts
    slots: Mapping[int, str] | None

    @property
    def total(self) -> int:
        """Bytes of all records."""
        return max(self.prepared.size - _LENGTH_BYTES, 0)

    async def layout(self, start: int) -> Found:
        """Recognise the layout.

        A tail is recognised by its own records, if the count says where they begin. As
        the count may lie, every other layout reads them too and must do it worse.

        Raises:
            UnknownLayoutError: no layout explains the log.
        """
        if self.prepared.inline is not None:
            return self._whole(self.prepared.inline)
        size = self._counted_size()
        if size and 0 < start * size < self.total:
            tail = await self._bytes(start * size, SAMPLE_BYTES // size * size)
            layout = self._layout_of_tail(tail)
            if layout is not None and layout.size == size:
                return Found(layout, ahead=tail)
        head = await self._bytes(-_LENGTH_BYTES, SAMPLE_BYTES + _LENGTH_BYTES)
        if int.from_bytes(head[:_LENGTH_BYTES], "little") != self.total:
            raise ProtocolError("the log states another length than its buffer", head)
        if len(head) == self.prepared.size:
            return self._whole(head)
        records = head[_LENGTH_BYTES:]
        try:
            layout = self._recognise(records, self.counts.records)
            return Found(layout, ahead=b"" if start else records)
        except UnknownLayoutError:
            return self._whole(await whole(self.asked, self.prepared))

    def _whole(self, data: bytes) -> Found:
        records = records_of(data)
        if self.counts.records <= 0 and is_junk(records):
            return Found(_JUNK_LAYOUT, b"")  # cleared: firmware with junk keeps it
        layout = self._recognise(records, self.counts.records)
        return Found(layout, without_junk(records, layout))

    def _layout_of_tail(self, tail: bytes) -> Layout | None:
        """Layout of a tail; None where its records cannot tell."""
        try:
            return self._recognise(tail, -1)
        except UnknownLayoutError:
            return None

    def _counted_size(self) -> int | None:
        """Bytes of a record if the terminal's own count is right."""
        count = self.counts.records
        size = self.total // count if count > 0 else 0
        return size if size in _SIZES and size * count == self.total else None

    def _recognise(self, sample: bytes, count: int) -> Layout:
        return recognise(
            sample,
            self.total,
            count,
            encoding=self.asked.address.encoding,
            slots=self.slots,
        )

    async def pieces(self, found: Found, start: int) -> AsyncIterator[list[RawPunch]]:
        """Yield the records from `start` on as raw punches."""
        layout, records = found.layout, found.whole
        if records is not None:
            step = max(self.asked.window // layout.size, 1)
            for at in range(start, len(records) // layout.size, step):
                part = records[at * layout.size : (at + step) * layout.size]
                yield self._punches(layout, part, at)
            return
        at = start * layout.size
        rest = found.ahead
        while at < self.total:
            if len(rest) < layout.size:
                rest += await self._bytes(at + len(rest), self.asked.window)
            cut = len(rest) - len(rest) % layout.size
            yield self._punches(layout, rest[:cut], at // layout.size)
            at += cut
            rest = rest[cut:]

    def _punches(self, layout: Layout, records: bytes, first: int) -> list[RawPunch]:
        encoding = self.asked.address.encoding
        return punches(layout, self.serial, records, encoding, first, self.slots)

    async def _bytes(self, at: int, size: int) -> bytes:
        """Fetch at most `size` bytes of the records; fewer at their end."""
        size = min(size, self.total - at)
        return await fetch(self.asked, Window(_LENGTH_BYTES + at, size))
