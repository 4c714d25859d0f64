"""Records of a terminal: attendance log, users, live events; bytes ↔ values.

A record says what the terminal wrote and is never judged or dropped here. Data sets
come as a block: u32 length of the records, then the records (zk-protocol 2.4, 5).
"""

import struct
from dataclasses import dataclass, field

from drivers.base import ProtocolError, RawPunch, TerminalUser
from drivers.zk.text import (
    BADGE_BYTES,
    NAME_BYTES,
    decode_badge,
    decode_name,
    encode_field,
)
from drivers.zk.times import decode_time, decode_time6, encode_time, encode_time6

PUNCH_BYTES = 40
USER_BYTES = 72

_U32 = struct.Struct("<I")
_PUNCH = struct.Struct("<H24sBIBI4s")
_USER = struct.Struct("<HB8s24sIBH6s24s")
_EVENT = struct.Struct("<24sBB6s")
_EVENT_NUMBERED = struct.Struct("<IBB6s")
# What stands behind the 32 known bytes of longer events is unknown (zk-protocol 6).
_EVENT_LENGTHS = frozenset({_EVENT.size, 36, 52})


def block(records: bytes) -> bytes:
    """Records behind their length, as a terminal's buffer holds them."""
    return _U32.pack(len(records)) + records


def records_of(data: bytes) -> bytes:
    """Return the records of a block.

    Raises:
        ProtocolError: no length in front, or another length than what follows.
    """
    if len(data) < _U32.size:
        raise ProtocolError("a data set without its length", data)
    total = _U32.unpack_from(data)[0]
    if total != len(data) - _U32.size:
        raise ProtocolError(
            f"a data set of {total} bytes came with {len(data) - _U32.size}",
            data[: _U32.size],
        )
    return data[_U32.size :]


@dataclass(frozen=True, slots=True)
class PunchRecord:
    """The 40-byte attendance record, field by field; `badge` is the padded field.

    `slot` is the user's internal number on some firmware and a record serial on other:
    nothing may rest on it. `work` is a work code in one source, else 0.
    """

    slot: int
    badge: bytes
    verify: int
    packed: int
    state: int
    work: int = 0
    tail: bytes = bytes(4)

    def to_bytes(self) -> bytes:
        """Return the 40 bytes."""
        return _PUNCH.pack(
            self.slot,
            self.badge,
            self.verify,
            self.packed,
            self.state,
            self.work,
            self.tail,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "PunchRecord":
        """Read 40 bytes.

        Raises:
            ProtocolError: another length.
        """
        if len(data) != PUNCH_BYTES:
            raise ProtocolError(f"an attendance record of {len(data)} bytes", data)
        return cls(*_PUNCH.unpack(data))


def punches(
    serial: str, records: bytes, encoding: str, first: int = 0
) -> list[RawPunch]:
    """Attendance records of 40 bytes as raw punches; `first` is the first position.

    Raises:
        ProtocolError: the bytes are no whole number of records.
    """
    if len(records) % PUNCH_BYTES:
        raise ProtocolError(
            f"{len(records)} bytes are no whole number of 40-byte records", records
        )
    return [
        RawPunch(
            serial,
            decode_badge(badge, encoding),
            decode_time(packed),
            verify,
            state,
            work,
            first + index,
            records[index * PUNCH_BYTES : (index + 1) * PUNCH_BYTES],
        )
        for index, (_, badge, verify, packed, state, work, _) in enumerate(
            _PUNCH.iter_unpack(records)
        )
    ]


def punch_record(  # noqa: PLR0913 - the fields of one record
    badge: str,
    at: str,
    *,
    verify: int,
    state: int,
    work: int,
    slot: int,
    encoding: str,
) -> bytes:
    """Return the 40 bytes a terminal would write for this punch.

    Raises:
        ValueError: a badge, time or code that does not fit a record.
    """
    try:
        return PunchRecord(
            slot,
            encode_field(badge, BADGE_BYTES, encoding),
            verify,
            encode_time(at),
            state,
            work,
        ).to_bytes()
    except struct.error as error:
        raise ValueError(f"a code that does not fit a record: {error}") from error


@dataclass(frozen=True, slots=True)
class UserRecord:
    """The 72-byte user record, field by field and byte for byte.

    Text fields keep the bytes behind their NUL, so that a record that is written back
    changes nothing unasked. The password stays out of every printed form.
    """

    slot: int
    privilege: int
    password: bytes = field(repr=False)
    name: bytes = field(repr=False)
    card: int
    group: int
    own_zones: int
    zones: bytes
    badge: bytes

    def to_bytes(self) -> bytes:
        """Return the 72 bytes."""
        return _USER.pack(
            self.slot,
            self.privilege,
            self.password,
            self.name,
            self.card,
            self.group,
            self.own_zones,
            self.zones,
            self.badge,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "UserRecord":
        """Read 72 bytes.

        Raises:
            ProtocolError: another length.
        """
        if len(data) != USER_BYTES:
            raise ProtocolError(f"a user record of {len(data)} bytes", data)
        return cls(*_USER.unpack(data))

    @classmethod
    def of(cls, user: TerminalUser, encoding: str) -> "UserRecord":
        """Return the record of a user without password, in group 1.

        Raises:
            ValueError: a badge or name that does not fit its field.
        """
        return cls(
            user.slot,
            user.privilege,
            bytes(8),
            # The last byte of the name field is always a NUL.
            encode_field(user.name, NAME_BYTES - 1, encoding) + b"\0",
            user.card,
            1,
            0,
            bytes(6),
            encode_field(user.badge, BADGE_BYTES, encoding),
        )

    def user(self, encoding: str) -> TerminalUser:
        """Return what the rest of the product may know of it."""
        return TerminalUser(
            self.slot,
            decode_badge(self.badge, encoding),
            decode_name(self.name, encoding),
            self.privilege,
            self.card,
        )


@dataclass(frozen=True, slots=True)
class PunchEvent:
    """A punch as the terminal announced it: a hint that its log has grown."""

    badge: str
    verify: int
    state: int
    at: str

    def to_bytes(self, encoding: str) -> bytes:
        """Return the 32-byte form.

        Raises:
            ValueError: a badge or time that does not fit.
        """
        badge = encode_field(self.badge, BADGE_BYTES, encoding)
        return _EVENT.pack(badge, self.verify, self.state, encode_time6(self.at))

    @classmethod
    def from_bytes(cls, data: bytes, encoding: str) -> "PunchEvent":
        """Read an event of 12, 32, 36 or 52 bytes.

        Raises:
            ProtocolError: another length; the bytes are in the error.
        """
        if len(data) == _EVENT_NUMBERED.size:
            number, verify, state, time6 = _EVENT_NUMBERED.unpack(data)
            return cls(str(number), verify, state, decode_time6(time6))
        if len(data) not in _EVENT_LENGTHS:
            raise ProtocolError(
                f"a punch event of {len(data)} bytes: {data[:64].hex(' ')}", data
            )
        badge, verify, state, time6 = _EVENT.unpack_from(data)
        return cls(decode_badge(badge, encoding), verify, state, decode_time6(time6))
