"""Punches as a terminal announces them: hints that its log has grown.

The layout follows from the frame's own length (zk-protocol 6); an unknown length is
refused with its bytes. What an event says is never stored: the log is read instead.
"""

import struct
from dataclasses import dataclass

from drivers.base import ProtocolError
from drivers.zk.text import BADGE_BYTES, decode_badge, encode_field
from drivers.zk.times import decode_time6, encode_time6

_TEXT = struct.Struct("<24sBB6s")
_NUMBER = struct.Struct("<IBB6s")
_SLOT = struct.Struct("<HBB6s")
_QUOTED_BYTES = 64
_STATE_BITS = 0x0F
# Several events in one frame are 52 bytes each. What stands behind the known bytes of
# the longer forms nobody knows.
_LONG_BYTES = 52
EVENT_SIZES = (10, 12, 14, 32, 36, 37, _LONG_BYTES)


@dataclass(frozen=True, slots=True)
class PunchEvent:
    """A punch as it was announced. `badge` is None where only a slot is named.

    The date may be impossible, like those of the log. The short forms keep `state` in
    four bits, so 255 arrives as 15.
    """

    badge: str | None
    verify: int
    state: int
    at: str
    slot: int = 0

    def to_bytes(self, encoding: str, size: int = 32) -> bytes:
        """Return the event in one of the known sizes.

        Raises:
            ValueError: a badge, code or time that does not fit this size.
        """
        time6 = encode_time6(self.at)
        if size == _NUMBER.size:
            data = _NUMBER.pack(self._number(), self.verify, self.state, time6)
        elif size < _TEXT.size:
            state = self.state & _STATE_BITS
            data = _SLOT.pack(self.slot, self.verify, state, time6)
        else:
            badge = encode_field(self.badge or "", BADGE_BYTES, encoding)
            data = _TEXT.pack(badge, self.verify, self.state, time6)
        return data.ljust(size, b"\0")

    def _number(self) -> int:
        if not (self.badge and self.badge.isascii() and self.badge.isdigit()):
            raise ValueError(f"a 12-byte event holds numbers only, not {self.badge!r}")
        return int(self.badge)


def parse_events(data: bytes, encoding: str) -> list[PunchEvent]:
    """Read the punches of one event frame.

    Raises:
        ProtocolError: a length that is none of the known ones; the bytes are kept.
    """
    size = len(data)
    if size > _LONG_BYTES and size % _LONG_BYTES == 0:
        return [
            _text(data[at : at + _LONG_BYTES], encoding)
            for at in range(0, size, _LONG_BYTES)
        ]
    if size not in EVENT_SIZES:
        raise ProtocolError(
            f"a punch event of {size} bytes: {data[:_QUOTED_BYTES].hex(' ')}", data
        )
    if size == _NUMBER.size:
        number, verify, state, time6 = _NUMBER.unpack(data)
        return [PunchEvent(str(number), verify, state, decode_time6(time6))]
    if size < _TEXT.size:
        slot, verify, state, time6 = _SLOT.unpack_from(data)
        at = decode_time6(time6)
        return [PunchEvent(None, verify, state & _STATE_BITS, at, slot)]
    return [_text(data, encoding)]


def _text(data: bytes, encoding: str) -> PunchEvent:
    badge, verify, state, time6 = _TEXT.unpack_from(data)
    return PunchEvent(decode_badge(badge, encoding), verify, state, decode_time6(time6))
