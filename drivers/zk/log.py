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
from drivers.zk.records import LAYOUTS, Layout, punches, without_junk

_LENGTH_BYTES = 4
_SIZES = frozenset(layout.size for layout in LAYOUTS.values())


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

    async def layout(self, start: int) -> tuple[Layout, bytes | None]:
        """Return the layout, and the log itself where that took all of it.

        A tail is recognised by its own records, if the count says where they begin.

        Raises:
            UnknownLayoutError: no layout explains the log.
        """
        if self.prepared.inline is not None:
            return await self._whole()
        size = self._counted_size()
        if start and size:
            tail = await self._bytes(start * size, SAMPLE_BYTES // size * size)
            try:
                return self._recognise(tail, size), None
            except UnknownLayoutError:
                pass  # the counter lied about where records begin
        head = await self._bytes(-_LENGTH_BYTES, SAMPLE_BYTES + _LENGTH_BYTES)
        if int.from_bytes(head[:_LENGTH_BYTES], "little") != self.total:
            raise ProtocolError("the log states another length than its buffer", head)
        try:
            return self._recognise(head[_LENGTH_BYTES:]), None
        except UnknownLayoutError:
            return await self._whole()

    async def _whole(self) -> tuple[Layout, bytes]:
        records = records_of(await whole(self.asked, self.prepared))
        layout = self._recognise(records)
        return layout, without_junk(records, layout)

    def _counted_size(self) -> int | None:
        """Bytes of a record if the terminal's own count is right."""
        count = self.counts.records
        size = self.total // count if count > 0 else 0
        return size if size in _SIZES and size * count == self.total else None

    def _recognise(self, sample: bytes, size: int | None = None) -> Layout:
        return recognise(
            sample,
            self.total,
            self.counts.records,
            encoding=self.asked.address.encoding,
            slots=self.slots,
            size=size,
        )

    async def pieces(
        self, layout: Layout, records: bytes | None, start: int
    ) -> AsyncIterator[list[RawPunch]]:
        """Yield the records from `start` on as raw punches."""
        if records is not None:
            step = max(self.asked.window // layout.size, 1)
            for at in range(start, len(records) // layout.size, step):
                part = records[at * layout.size : (at + step) * layout.size]
                yield self._punches(layout, part, at)
            return
        at = start * layout.size
        rest = b""
        while at < self.total:
            part = rest + await self._bytes(at + len(rest), self.asked.window)
            cut = len(part) - len(part) % layout.size
            yield self._punches(layout, part[:cut], at // layout.size)
            at += cut
            rest = part[cut:]

    def _punches(self, layout: Layout, records: bytes, first: int) -> list[RawPunch]:
        encoding = self.asked.address.encoding
        return punches(layout, self.serial, records, encoding, first, self.slots)

    async def _bytes(self, at: int, size: int) -> bytes:
        """Fetch at most `size` bytes of the records; fewer at their end."""
        size = min(size, self.total - at)
        return await fetch(self.asked, Window(_LENGTH_BYTES + at, size))
