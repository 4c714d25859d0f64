"""User records of 28 and 72 bytes: bytes ↔ values, and which of the two a list has.

No template is ever read, and a password stays out of every printed form.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from drivers.base import ProtocolError, TerminalUser
from drivers.zk.text import (
    BADGE_BYTES,
    NAME_BYTES,
    decode_badge,
    decode_name,
    encode_field,
)

_SHORT_NAME_BYTES = 8
# Bit 0 says disabled; 6 and 12 are both a manager, by source (zk-protocol 5.3).
_PRIVILEGES = frozenset({0, 1, 2, 3, 6, 7, 12, 13, 14, 15})


@dataclass(frozen=True, slots=True)
class UserLayout:
    """One layout of user records: its fields in order, as `struct` reads them.

    `room` is how many bytes of a name fit, `numbers` whether a badge is a number.
    """

    name: str
    fields: tuple[str, ...]
    form: struct.Struct
    room: int
    numbers: bool

    @property
    def size(self) -> int:
        """Bytes of one record."""
        return self.form.size


def _layout(form: str, fields: str, room: int, *, numbers: bool) -> UserLayout:
    shape = struct.Struct(form)
    return UserLayout(str(shape.size), tuple(fields.split()), shape, room, numbers)


# The last byte of the long name field is always a NUL.
USER_LAYOUTS: Mapping[str, UserLayout] = {
    one.name: one
    for one in (
        _layout(
            "<HB8s24sIBH6s24s",
            "slot privilege password name card group own_zones zones badge",
            NAME_BYTES - 1,
            numbers=False,
        ),
        _layout(
            "<HB5s8sIBB2sI",
            "slot privilege password name card pad group zones badge",
            _SHORT_NAME_BYTES,
            numbers=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user record, field by field and byte for byte.

    Text fields keep the bytes behind their NUL, so that a record that is written back
    changes nothing unasked. `badge` is the padded field, or a number in 28 bytes;
    `own_zones` is in 72 bytes only, `pad` in 28 only.
    """

    slot: int
    privilege: int
    password: bytes = field(repr=False)
    name: bytes = field(repr=False)
    card: int
    group: int
    zones: bytes
    badge: bytes | int
    own_zones: int = 0
    pad: int = 0

    def to_bytes(self, layout: UserLayout) -> bytes:
        """Return the record; fields the layout does not have are left out."""
        return layout.form.pack(*(getattr(self, name) for name in layout.fields))

    @classmethod
    def from_bytes(cls, layout: UserLayout, data: bytes) -> "UserRecord":
        """Read one record.

        Raises:
            ProtocolError: another length.
        """
        if len(data) != layout.size:
            raise ProtocolError(f"a user record of {len(data)} bytes", data)
        return cls(**dict(zip(layout.fields, layout.form.unpack(data), strict=True)))

    @classmethod
    def of(cls, layout: UserLayout, user: TerminalUser, encoding: str) -> "UserRecord":
        """Return the record of a user without password, in group 1.

        Raises:
            ValueError: a badge or name that does not fit its field.
        """
        empty = cls.from_bytes(layout, bytes(layout.size))
        badge = (
            _number(user.badge)
            if layout.numbers
            else encode_field(user.badge, BADGE_BYTES, encoding)
        )
        name = encode_field(user.name, layout.room, encoding)
        return replace(
            empty,
            slot=user.slot,
            privilege=user.privilege,
            name=name.ljust(len(empty.name), b"\0"),
            card=user.card,
            group=1,
            badge=badge,
        )

    def user(self, encoding: str) -> TerminalUser:
        """Return what the rest of the product may know of it."""
        badge = self.badge
        return TerminalUser(
            self.slot,
            str(badge) if isinstance(badge, int) else decode_badge(badge, encoding),
            decode_name(self.name, encoding),
            self.privilege,
            self.card,
        )


def _number(badge: str) -> int:
    """Badge as the number it is on terminals that know numbers only."""
    if not (badge.isascii() and badge.isdigit() and str(int(badge)) == badge):
        raise ValueError(f"28-byte users have plain numbers only, not {badge!r}")
    return int(badge)


@dataclass(frozen=True, slots=True)
class UserList:
    """A terminal's users byte for byte, and their layout: None while there is none."""

    layout: UserLayout | None
    records: tuple[UserRecord, ...]

    @classmethod
    def from_bytes(cls, records: bytes, count: int, encoding: str) -> "UserList":
        """Read a whole list; `count` is what the terminal says it has, -1: nothing.

        Raises:
            ProtocolError: neither layout, or both, make sense; the bytes are kept.
        """
        if not records:
            return cls(None, ())
        lists = _candidates(records)
        sound = {
            name: found for name, found in lists.items() if _sound(found, encoding)
        }
        if len(sound) > 1:
            sound = {name: one for name, one in sound.items() if len(one) == count}
        if len(sound) != 1:
            raise ProtocolError(
                f"a user list of {len(records)} bytes for {count} users has no layout"
                " known here (28 or 72 bytes a user)",
                records,
            )
        ((name, found),) = sound.items()
        return cls(USER_LAYOUTS[name], tuple(found))


def read_users(records: bytes, count: int, encoding: str) -> list[TerminalUser]:
    """Users of a whole list; see `UserList.from_bytes`."""
    found = UserList.from_bytes(records, count, encoding)
    return [record.user(encoding) for record in found.records]


def cut_name(name: str, layout: UserLayout, encoding: str) -> bytes:
    """Return as much of a name as fits its field, whole characters only, padded.

    Raises:
        ValueError: a character this encoding does not have, or a NUL.
    """
    kept = ""
    for character in name.strip():
        if len((kept + character).encode(encoding)) > layout.room:
            break
        kept += character
    size = _SHORT_NAME_BYTES if layout.numbers else NAME_BYTES
    return encode_field(kept, size, encoding)


def _candidates(records: bytes) -> dict[str, list[UserRecord]]:
    """Return the list read by each layout whose records fill it to the byte."""
    return {
        layout.name: [
            UserRecord.from_bytes(layout, records[at : at + layout.size])
            for at in range(0, len(records), layout.size)
        ]
        for layout in USER_LAYOUTS.values()
        if len(records) % layout.size == 0
    }


def _sound(records: list[UserRecord], encoding: str) -> bool:
    """Return whether most of these are users: a slot, a privilege, a printable badge.

    Most is enough: one damaged user must not cost the others.
    """
    good = sum(
        record.slot != 0
        and record.privilege in _PRIVILEGES
        and bool(badge := record.user(encoding).badge)
        and badge.isprintable()
        and badge != "0"
        for record in records
    )
    return 2 * good > len(records)
