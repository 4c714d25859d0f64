"""Frames: from bytes, to bytes, and out of a TCP stream cut anywhere.

Refuses everything whose place or checksum is not certain: after a refusal the stream
has no known frame border any more and the connection is of no further use.
"""

import struct
from dataclasses import dataclass

from drivers.base import ProtocolError

MAGIC = b"\x50\x50\x82\x7d"
SECURE_MAGIC = b"\x50\x50\x83\x7c"
PANEL_START = b"\xaa\x01"
HEADER_BYTES = 8
PREFIX_BYTES = 8
MAX_FRAME_BYTES = 16 * 1024 * 1024

_HEADER = struct.Struct("<4H")
_PREFIX = struct.Struct("<4sI")
_QUOTED_BYTES = 60
_ALL_ONES = 0xFFFF
# Even, so that no word is cut.
_PIECE_BYTES = 4096


def checksum(data: bytes | bytearray | memoryview) -> int:
    """Ones'-complement sum of little-endian 16-bit words, inverted; 0 to 65535.

    An odd last byte counts as a word with a zero behind it. 2^16 leaves 1 when divided
    by 2^16 - 1, so one long number modulo 65535 is the folded sum of its words: no
    step per word in Python, and no byte order of the host. Pieces are added up before
    the division, which is the slower of the two.
    """
    number = sum(
        int.from_bytes(data[at : at + _PIECE_BYTES], "little")
        for at in range(0, len(data), _PIECE_BYTES)
    )
    folded = number % _ALL_ONES
    if folded == 0 and number:
        folded = _ALL_ONES
    return folded ^ _ALL_ONES


@dataclass(frozen=True, slots=True)
class Frame:
    """One packet. `command` is a command or a reply code, unknown ones included.

    `session` holds the event code on events, the frame's number on the data frames of
    a chunked answer and the device state on one reply; `reply_id` is 0 on events.
    """

    command: int
    session: int
    reply_id: int
    data: bytes = b""

    def to_bytes(self) -> bytes:
        """Header and data as one UDP datagram carries them."""
        body = _HEADER.pack(self.command, 0, self.session, self.reply_id) + self.data
        total = checksum(body)
        return body[:2] + total.to_bytes(2, "little") + body[4:]

    def to_tcp(self) -> bytes:
        """Return the same behind the eight bytes that frame it in a TCP stream."""
        body = self.to_bytes()
        return _PREFIX.pack(MAGIC, len(body)) + body

    @classmethod
    def from_bytes(cls, body: bytes) -> "Frame":
        """Read header and data (no TCP prefix).

        Raises:
            ProtocolError: shorter than a header, or the checksum is wrong; the bytes
                stay in the error.
        """
        if len(body) < HEADER_BYTES:
            raise ProtocolError(
                f"a packet of {len(body)} bytes is shorter than its header", body
            )
        command, stated, session, reply_id = _HEADER.unpack_from(body)
        # With its own checksum in place a sound packet sums up to all ones. So does one
        # that states 0xFFFF where 0 is due, which nobody sends.
        if checksum(body) != 0 or (
            stated == _ALL_ONES and any(body[:2] + body[HEADER_BYTES // 2 :])
        ):
            raise ProtocolError("a packet came with a wrong checksum", body)
        return cls(command, session, reply_id, body[HEADER_BYTES:])


class FrameSplitter:
    """Finds frames in a TCP stream, however it was cut or glued on the way.

    Frames before bad bytes are handed out first; the refusal comes with the next call
    (a call without data is enough) and with every call after it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; return the frames they complete, checksums verified.

        Raises:
            ProtocolError: wrong start, impossible length or wrong checksum.
        """
        return [Frame.from_bytes(body) for body in self.split(data)]

    def split(self, data: bytes) -> list[bytes]:
        """Return header + data of each completed frame with its checksum unread.

        For a server that drops a damaged request and keeps the connection.

        Raises:
            ProtocolError: wrong start or impossible length.
        """
        self._buffer += data
        bodies: list[bytes] = []
        position = 0
        while True:
            try:
                size = _body_size(self._buffer, position)
            except ProtocolError:
                if bodies:
                    break
                raise
            end = position + PREFIX_BYTES + size
            if size == 0 or len(self._buffer) < end:
                break
            with (
                memoryview(self._buffer) as whole,
                whole[position + PREFIX_BYTES : end] as body,
            ):
                bodies.append(bytes(body))
            position = end
        del self._buffer[:position]
        return bodies

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)


def _body_size(buffer: bytearray, position: int) -> int:
    """Length of header + data of the frame at `position`; 0 while nobody can know."""
    prefix = bytes(buffer[position : position + PREFIX_BYTES])
    if not MAGIC.startswith(prefix[:4]):
        raise ProtocolError(
            _who_answered(bytes(buffer[position : position + _QUOTED_BYTES])),
            bytes(buffer[position:]),
        )
    if len(prefix) < PREFIX_BYTES:
        return 0
    _, size = _PREFIX.unpack(prefix)
    if not HEADER_BYTES <= size <= MAX_FRAME_BYTES:
        raise ProtocolError(
            f"a frame says it is {size} bytes long; {HEADER_BYTES} to "
            f"{MAX_FRAME_BYTES} are possible",
            prefix,
        )
    return int(size)


def _who_answered(start: bytes) -> str:
    """Return one sentence about a peer whose first bytes are not those of a frame."""
    if start.startswith(SECURE_MAGIC):
        return (
            "secure firmware: its frames are encrypted (50 50 83 7C); use ADMS push or "
            "change the terminal's connection mode"
        )
    if start.startswith(PANEL_START):
        return "not an attendance terminal: an access panel answered (AA 01)"
    line = start.split(b"\r")[0].split(b"\n")[0]
    if line.isascii() and line.decode("ascii").isprintable() and line:
        return f'not a ZK terminal: it answered "{line.decode("ascii")}"'
    return f"not a ZK terminal: it answered the bytes {start[:16].hex(' ')}"
