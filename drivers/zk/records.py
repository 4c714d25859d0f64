"""Attendance records in every layout known: bytes ↔ values.

A record says what the terminal wrote and is never judged or dropped here. One table
names the layouts (zk-protocol 5.1); which one a log has is decided in `recognise`.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from operator import itemgetter
from typing import Any

from drivers.base import ProtocolError, RawPunch
from drivers.zk.text import BADGE_BYTES, decode_badge, encode_field
from drivers.zk.times import decode_time, encode_time

# Some firmware writes this in front of records of 40 bytes.
JUNK = b"\xff255" + bytes(5)

_TEXT_FIELDS = "slot id verify packed state"


class Ids(StrEnum):
    """How a layout says whose punch it is."""

    TEXT = "text"
    NUMBER = "number"
    SLOT = "slot"


@dataclass(frozen=True, slots=True)
class Layout:
    """One record layout: its fields in order, as `struct` reads them.

    `slot` is the user's internal number in layouts of 8 bytes; in the longer ones some
    firmware counts records there, so nothing may rest on it. `tail` is how many bytes
    of a record mean nothing to anybody.
    """

    name: str
    ids: Ids
    fields: tuple[str, ...]
    form: struct.Struct
    tail: int

    @property
    def size(self) -> int:
        """Bytes of one record."""
        return self.form.size


def _layout(name: str, ids: Ids, form: str, fields: str, tail: int = 0) -> Layout:
    return Layout(name, ids, tuple(fields.split()), struct.Struct(form), tail)


# In layout 16 sources disagree which of the two code bytes is which; the order here is
# the one that people know from pyzk, and the raw bytes are kept beside it.
LAYOUTS: Mapping[str, Layout] = {
    one.name: one
    for one in (
        _layout("40", Ids.TEXT, "<H24sBIBI4s", f"{_TEXT_FIELDS} work tail", 4),
        _layout("49", Ids.TEXT, "<H24sBIB17s", f"{_TEXT_FIELDS} tail", 17),
        _layout("36", Ids.TEXT, "<H24sBIBI", f"{_TEXT_FIELDS} work"),
        _layout("16", Ids.NUMBER, "<IIBB2sI", "id packed verify state tail work", 2),
        _layout("8a", Ids.SLOT, "<HBIB", "slot verify packed state"),
        _layout("8b", Ids.SLOT, "<HBBI", "slot verify state packed"),
    )
}


@dataclass(frozen=True, slots=True)
class PunchRecord:
    """One record, field by field and byte for byte.

    `id` is the padded badge field, the badge's number, or None where the layout has
    slots only. `work` is None where a layout has no work code; `tail` holds the bytes
    whose meaning nobody knows.
    """

    slot: int
    id: bytes | int | None
    verify: int
    packed: int
    state: int
    work: int | None = 0
    tail: bytes = b""

    def to_bytes(self, layout: Layout) -> bytes:
        """Return the record; fields the layout does not have are left out."""
        return layout.form.pack(*(getattr(self, name) for name in layout.fields))

    @classmethod
    def from_bytes(cls, layout: Layout, data: bytes) -> "PunchRecord":
        """Read one record.

        Raises:
            ProtocolError: another length.
        """
        if len(data) != layout.size:
            raise ProtocolError(f"an attendance record of {len(data)} bytes", data)
        values = dict(zip(layout.fields, layout.form.unpack(data), strict=True))
        return cls(**{"slot": 0, "id": None, "work": None, **values})


def encode(  # noqa: PLR0913 - the fields of one record
    layout: Layout,
    badge: str,
    at: str,
    *,
    verify: int,
    state: int,
    work: int,
    slot: int,
    encoding: str,
) -> bytes:
    """Return the record a terminal would write for this punch.

    Raises:
        ValueError: a badge, time or code that this layout cannot hold.
    """
    record = PunchRecord(
        slot,
        _id(layout, badge, slot, encoding),
        verify,
        encode_time(at),
        state,
        work,
        bytes(layout.tail),
    )
    try:
        return record.to_bytes(layout)
    except struct.error as error:
        raise ValueError(f"a code that does not fit a record: {error}") from error


def _id(layout: Layout, badge: str, slot: int, encoding: str) -> bytes | int | None:
    """Badge as this layout writes it."""
    if layout.ids is Ids.TEXT:
        return encode_field(badge, BADGE_BYTES, encoding)
    if layout.ids is Ids.SLOT:
        if not slot:
            raise ValueError(f"8-byte records hold users only, and {badge!r} is none")
        return None
    if not (badge.isascii() and badge.isdigit() and str(int(badge)) == badge):
        raise ValueError(f"16-byte records hold plain numbers only, not {badge!r}")
    return int(badge)


def punches(  # noqa: PLR0913, PLR0917 - what a record does not say of itself
    layout: Layout,
    serial: str,
    records: bytes,
    encoding: str,
    first: int = 0,
    slots: Mapping[int, str] | None = None,
) -> list[RawPunch]:
    """Read records as raw punches; `first` is the position of the first.

    `slots` gives the badge of each slot in layouts of 8 bytes. A slot without a known
    user gives an empty badge: a slot number is never taken for a badge.

    Raises:
        ProtocolError: the bytes are no whole number of records.
    """
    size = layout.size
    if len(records) % size:
        raise ProtocolError(
            f"{len(records)} bytes are no whole number of {size}-byte records", records
        )
    badge = _badge_reader(layout, encoding, slots or {})
    found = []
    at = 0
    for key, packed, verify, state, work in _values(layout, records):
        end = at + size
        found.append(
            RawPunch(
                serial,
                badge(key),
                decode_time(packed),
                verify,
                state,
                work,
                first + at // size,
                records[at:end],
            )
        )
        at = end
    return found


def _values(
    layout: Layout, records: bytes
) -> Iterator[tuple[Any, int, int, int, int | None]]:
    """Whose, packed time, verify, state and work code of each record."""
    whose = "slot" if layout.ids is Ids.SLOT else "id"
    wanted = [whose, "packed", "verify", "state", "work"]
    if "work" in layout.fields:
        pick = itemgetter(*map(layout.fields.index, wanted))
        return map(pick, layout.form.iter_unpack(records))
    pick = itemgetter(*map(layout.fields.index, wanted[:-1]))
    return ((*pick(row), None) for row in layout.form.iter_unpack(records))


def _badge_reader(
    layout: Layout, encoding: str, slots: Mapping[int, str]
) -> Callable[[Any], str]:
    if layout.ids is Ids.TEXT:
        return partial(decode_badge, encoding=encoding)
    if layout.ids is Ids.SLOT:
        return lambda slot: slots.get(slot, "")
    return str


def is_junk(records: bytes) -> bool:
    """Return whether these are junk alone, as in front of no record at all."""
    return bool(records) and records == JUNK * (len(records) // len(JUNK))


def without_junk(records: bytes, layout: Layout) -> bytes:
    """Return records without the bytes that some firmware puts between them.

    Where no junk, or another amount of it, would leave whole records too, a record
    that merely looks like junk is left where it is.

    Raises:
        ProtocolError: the length does not come out right without the junk.
    """
    due = junk_count(len(records), layout)
    # Forty pieces are as long as nine records: a length cannot tell them from none.
    everywhere = len(records) if layout.name == "40" else 0
    for most in (everywhere, due):
        found = _strip(records, layout.size, most)
        if found is not None:
            return found
    raise ProtocolError(
        f"{len(records)} bytes are no whole number of {layout.size}-byte records",
        records,
    )


def _strip(records: bytes, size: int, most: int) -> bytes | None:
    """Return whole records without at most so many pieces of junk, if that works."""
    parts: list[bytes] = []
    at = 0
    while at < len(records):
        if most and records.startswith(JUNK, at):
            at += len(JUNK)
            most -= 1
            continue
        parts.append(records[at : at + size])
        at += size
    return b"".join(parts) if at == len(records) else None


def junk_count(length: int, layout: Layout) -> int:
    """Fewest pieces of junk that leave whole records of 40 bytes; else 0.

    Each piece is nine bytes, and nine times nine is one more than twice forty.
    """
    return length * len(JUNK) % layout.size if layout.name == "40" else 0
