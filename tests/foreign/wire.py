"""The rules of the wire, written down a second time, and a judge of both directions.

Nothing of the product is imported: foreign clients check no checksums and few lengths,
so what they accept says little about the frames they were given.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

MAGIC = bytes.fromhex("5050827d")
PREFIX_BYTES = HEADER_BYTES = 8
DATAGRAM_DATA_BYTES = 1024

OK, PREPARE, DATA, WINDOW, EVENT = 2000, 1500, 1501, 1504, 500
CONNECT, EXIT = 1000, 1001


def checksum(frame: bytes) -> int:
    """Ones' complement of the ones'-complement sum, its own two bytes counted as 0."""
    zeroed = frame[:2] + b"\0\0" + frame[4:]
    if len(zeroed) % 2:
        zeroed += b"\0"
    total = sum(
        int.from_bytes(zeroed[at : at + 2], "little") for at in range(0, len(zeroed), 2)
    )
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def cut(stream: bytearray) -> Iterator[bytes]:
    """Take whole frames off a TCP stream, without their prefix.

    Raises:
        ValueError: what stands at the start is no prefix.
    """
    while len(stream) >= PREFIX_BYTES:
        if stream[:4] != MAGIC:
            raise ValueError(f"no frame starts with {bytes(stream[:8]).hex()}")
        end = PREFIX_BYTES + int.from_bytes(stream[4:8], "little")
        if len(stream) < end:
            return
        frame = bytes(stream[PREFIX_BYTES:end])
        del stream[:end]
        yield frame


@dataclass(frozen=True, slots=True)
class Head:
    """The four numbers of a header."""

    command: int
    checksum: int
    session: int
    reply_id: int

    @classmethod
    def of(cls, frame: bytes) -> "Head":
        """Read the header of a frame without prefix."""
        return cls(
            *(int.from_bytes(frame[at : at + 2], "little") for at in (0, 2, 4, 6))
        )


@dataclass(slots=True)
class _Bulk:
    """An announced answer: bytes still to come, frames that came."""

    left: int
    frames: int = 0


@dataclass(slots=True)
class Judge:
    """One conversation, frame by frame.

    `problems` is what the terminal did wrong, `oddities` what the client did. A request
    that cannot be answered, because its checksum is wrong, is expected to stay so.
    """

    datagrams: bool
    problems: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    events: int = 0
    frames: int = 0
    session: int = 0
    listening: bool = False
    _waiting: deque[Head] = field(default_factory=deque)
    _bulk: _Bulk | None = None
    _last_reply_id: int = -1

    @property
    def unanswered(self) -> int:
        """Requests whose answer is not complete."""
        return len(self._waiting)

    def request(self, frame: bytes) -> None:
        """Look at a frame from the client."""
        if len(frame) < HEADER_BYTES:
            self.oddities.append(f"request of {len(frame)} bytes")
            return
        head = Head.of(frame)
        if head.checksum != checksum(frame):
            self.oddities.append(f"request {head.command}: wrong checksum")
            return
        if head.command == OK:
            return
        self.requests.append(head.command)
        if head.command != CONNECT and head.session != self.session:
            self.oddities.append(f"request {head.command}: another session")
        if 0 <= self._last_reply_id != head.reply_id - 1:
            self.oddities.append(f"request {head.command}: reply id not the next")
        self._last_reply_id = head.reply_id
        self._waiting.append(head)

    def reply(self, frame: bytes) -> None:
        """Look at a frame from the terminal."""
        self.frames += 1
        if len(frame) < HEADER_BYTES:
            self._wrong(f"frame of {len(frame)} bytes")
            return
        head = Head.of(frame)
        if head.checksum != checksum(frame):
            self._wrong(f"{head.command}: checksum {head.checksum:04x}")
        if self.datagrams and len(frame) - HEADER_BYTES > DATAGRAM_DATA_BYTES:
            self._wrong(f"{head.command}: a datagram with {len(frame)} bytes")
        if head.command == EVENT:
            self._event(head)
        elif not self._waiting:
            self._wrong(f"{head.command}: answers nothing")
        else:
            self._answer(self._waiting[0], head, frame[HEADER_BYTES:])

    def _event(self, head: Head) -> None:
        self.events += 1
        if not self.listening or head.reply_id or head.session != 1:
            self._wrong(f"event: {head}, registered: {self.listening}")

    def _answer(self, asked: Head, head: Head, data: bytes) -> None:
        if head.reply_id != asked.reply_id:
            self._wrong(f"{head} answers {asked}")
        if asked.command == CONNECT and not self.session:
            self.session = head.session
        numbered = self._bulk and head.command == DATA
        expected = self._bulk.frames if self._bulk and numbered else self.session
        if not self.session or head.session != expected:
            self._wrong(f"{head.command}: session {head.session}, not {expected}")
        if self._bulk is not None:
            self._go_on(self._bulk, head, data)
        elif head.command == PREPARE:
            self._bulk = _Bulk(int.from_bytes(data[:4], "little"))
            if asked.command == WINDOW and len(data) != 8:
                self._wrong(f"announcement of {len(data)} bytes")
        else:
            self._end(asked)

    def _go_on(self, bulk: _Bulk, head: Head, data: bytes) -> None:
        if head.command == DATA:
            bulk.left -= len(data)
            bulk.frames += 1
            return
        if head.command != OK or data or bulk.left:
            self._wrong(f"{head.command} ends an answer, {bulk.left} bytes missing")
        self._bulk = None
        self._end(self._waiting[0])

    def _end(self, asked: Head) -> None:
        self._waiting.popleft()
        self.listening = self.listening or asked.command == EVENT

    def _wrong(self, what: str) -> None:
        self.problems.append(f"frame {self.frames}: {what}")
