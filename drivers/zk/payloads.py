"""The data behind commands: options, counts, buffer requests and their answers.

Builders and parsers in pairs; a parser refuses what it cannot read and keeps the bytes.
"""

import struct
from dataclasses import dataclass

from drivers.base import ProtocolError
from drivers.zk.commands import Command, Reply, code_name
from drivers.zk.packets import Frame

SIZES_BYTES = 80

_SIZES = struct.Struct("<20I")
_FACES = struct.Struct("<3I")
_REQUEST = struct.Struct("<BHii")
_WINDOW = struct.Struct("<II")
_DESCRIPTOR = struct.Struct("<BIII")
_ANNOUNCED = struct.Struct("<II")
_U32 = struct.Struct("<I")


def text_of(data: bytes) -> str:
    """Text up to the first NUL; bytes that are no UTF-8 become replacement marks."""
    return data.split(b"\0", 1)[0].decode("utf-8", errors="replace")


def option_request(name: str) -> bytes:
    """Payload that asks for one option, ended by a NUL as the vendor does it."""
    return name.encode("ascii") + b"\0"


def option_reply(name: str, value: str) -> bytes:
    """Payload that answers with (or writes) one option."""
    return f"{name}={value}".encode() + b"\0"


def parse_option(data: bytes) -> tuple[str, str]:
    """Name and value of `name=value`, with or without the NUL.

    Raises:
        ProtocolError: no equals sign.
    """
    name, equals, value = text_of(data).partition("=")
    if not equals:
        raise ProtocolError(f"an option without a value: {name!r}", data)
    return name, value


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts and capacities in a terminal's own words; faces where it has any."""

    users: int = 0
    fingers: int = 0
    records: int = 0
    operations: int = 0
    administrators: int = 0
    passwords: int = 0
    finger_capacity: int = 0
    user_capacity: int = 0
    record_capacity: int = 0
    fingers_free: int = 0
    users_free: int = 0
    records_free: int = 0
    faces: int = 0
    face_capacity: int = 0

    def to_bytes(self) -> bytes:
        """Return the 80-byte form, which says nothing of faces."""
        words = [0] * 20
        words[4], words[6], words[8] = self.users, self.fingers, self.records
        words[10] = self.operations
        words[12], words[13] = self.administrators, self.passwords
        words[14], words[15] = self.finger_capacity, self.user_capacity
        words[16], words[17] = self.record_capacity, self.fingers_free
        words[18], words[19] = self.users_free, self.records_free
        return _SIZES.pack(*words)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Sizes":
        """Read 80 bytes (no faces), 92 or 112 (with faces).

        Raises:
            ProtocolError: shorter than 80 bytes.
        """
        if len(data) < SIZES_BYTES:
            raise ProtocolError(f"counts of {len(data)} bytes; 80 at least", data)
        words = _SIZES.unpack_from(data)
        faces = capacity = 0
        if len(data) >= SIZES_BYTES + _FACES.size:
            faces, _, capacity = _FACES.unpack_from(data, SIZES_BYTES)
        counts = (*words[4:12:2], *words[12:20], faces, capacity)
        return cls(*counts)


@dataclass(frozen=True, slots=True)
class BufferRequest:
    """A data set the terminal shall put into its buffer: inner command, arguments."""

    inner: int
    first: int = 0
    second: int = 0

    def to_bytes(self) -> bytes:
        """Return the 11 bytes behind command 1503."""
        return _REQUEST.pack(1, self.inner, self.first, self.second)

    @classmethod
    def from_bytes(cls, data: bytes) -> "BufferRequest":
        """Read the 11 bytes.

        Raises:
            ProtocolError: another length or a first byte other than 1.
        """
        if len(data) != _REQUEST.size or data[0] != 1:
            raise ProtocolError("not a buffer request", data)
        _, inner, first, second = _REQUEST.unpack(data)
        return cls(inner, first, second)


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of the terminal's buffer, in bytes."""

    offset: int
    size: int

    def to_bytes(self) -> bytes:
        """Return the 8 bytes behind command 1504."""
        return _WINDOW.pack(self.offset, self.size)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Window":
        """Read the 8 bytes.

        Raises:
            ProtocolError: another length.
        """
        if len(data) != _WINDOW.size:
            raise ProtocolError("not a window of the buffer", data)
        return cls(*_WINDOW.unpack(data))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The answer to a buffer request: the bytes at once, or how many to fetch."""

    size: int
    inline: bytes | None = None


def descriptor(size: int, free: int = 0) -> bytes:
    """Return the 13 bytes behind 2000 for a buffer that must be fetched in windows.

    The last word is the free space, says one source; nobody reads it.
    """
    return _DESCRIPTOR.pack(0, size, size, free)


def parse_prepared(frame: Frame) -> Prepared:
    """Read the answer to a buffer request.

    The size stands behind one zero byte and stands there twice; one firmware family
    leaves that byte out.

    Raises:
        ProtocolError: a refusal, or a descriptor too short for a size.
    """
    if frame.command == Command.DATA:
        return Prepared(len(frame.data), frame.data)
    if frame.command != Reply.OK:
        raise ProtocolError(
            f"the terminal did not prepare its data: {code_name(frame.command)}",
            frame.data,
        )
    for start in (1, 0):
        if len(frame.data) >= start + _ANNOUNCED.size and not any(frame.data[:start]):
            size, again = _ANNOUNCED.unpack_from(frame.data, start)
            if size == again:
                return Prepared(size)
    if len(frame.data) > _U32.size and frame.data[0] == 0:
        return Prepared(_U32.unpack_from(frame.data, 1)[0])
    if len(frame.data) >= _U32.size:
        return Prepared(_U32.unpack_from(frame.data)[0])
    raise ProtocolError("prepared data without a size", frame.data)


def announcement(size: int, chunk: int) -> bytes:
    """Return the 8 bytes behind 1500: of this piece, and of one data frame."""
    return _ANNOUNCED.pack(size, chunk)


def parse_announcement(data: bytes) -> int:
    """Bytes that the data frames behind this 1500 sum up to.

    Raises:
        ProtocolError: fewer than 4 bytes.
    """
    if len(data) < _U32.size:
        raise ProtocolError("data announced without a size", data)
    return int(_U32.unpack_from(data)[0])


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
