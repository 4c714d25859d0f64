"""One reader at one serial port, kept open for ever in a thread of its own.

The thread waits in the kernel: without cards it costs nothing, and a busy event loop
loses no byte. A port that is absent, forbidden or gone is tried again with growing
pauses; a reader plugged in again is found by its name. What happened comes out as
events in the order it happened.
"""

import asyncio
import os
import select
import termios
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from serial import Serial, SerialException

from drivers.serial_reader.debounce import Debounce
from drivers.serial_reader.frames import Card, Decoder, Flaw, FlawKind

_READ_BYTES = 65_536
# Frames come whole: what stays half for so long lost its end.
_SILENCE_SECONDS = 0.3
_RETRY_SECONDS, _RETRY_MAX_SECONDS = 0.5, 5.0
_MOST_WAITING = 100_000
_GONE = "the reader is gone: unplugged, or without power"
_ADVICE = {
    FileNotFoundError: "is not there; is the reader plugged in?",
    PermissionError: (
        "may not be opened by this user: a udev rule or the group dialout gives the"
        " right (docs/operations.md, «Desk reader»)"
    ),
    BlockingIOError: "is in use by another program",
}


@dataclass(frozen=True, slots=True)
class Port:
    """Where a reader is and how it speaks; frames have 8 data bits and no parity."""

    path: str
    baud: int = 9600
    debounce_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Up:
    """The port was opened."""


@dataclass(frozen=True, slots=True)
class Down:
    """The port could not be opened or is gone: the reason, how often, what follows."""

    reason: str
    failures: int
    next_seconds: float


@dataclass(frozen=True, slots=True)
class Presented:
    """A card was presented; `at` is monotonic seconds."""

    card: Card
    at: float


@dataclass(frozen=True, slots=True)
class Flawed:
    """Bytes that are no card: how often each kind since the last such event."""

    kinds: Mapping[FlawKind, int]
    raw: bytes


Event = Up | Down | Presented | Flawed


@dataclass(slots=True)
class Tally:
    """What a reader said since it was started; `cards` counts every repetition."""

    cards: int = 0
    presented: int = 0
    flaws: Counter[FlawKind] = field(default_factory=Counter)


class SerialReader:
    """A reader: start it, take its events, write to it, close it.

    Args:
        port: where it is.
        decoder: what its bytes mean.
    """

    def __init__(self, port: Port, decoder: Decoder) -> None:
        self.tally = Tally()
        self._port = port
        self._decoder = decoder
        self._debounce = Debounce(port.debounce_seconds)
        self._waiting: list[Event] = []
        self._gate = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._wake: tuple[int, int] | None = None
        self._descriptor: int | None = None
        self._rest = b""

    def start(self) -> None:
        """Begin to look for the port; must be called from a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._wake = os.pipe()
        self._thread = threading.Thread(
            target=self._run, args=(self._wake[0],), name=self._port.path, daemon=True
        )
        self._thread.start()

    async def events(self) -> list[Event]:
        """Wait for at least one event; return all that wait, oldest first.

        Empty only when the reader is closed and everything was taken.
        """
        await self._ready.wait()
        with self._gate:
            if self._wake is not None:
                self._ready.clear()
            found, self._waiting = self._waiting, []
        return found

    def write(self, data: bytes) -> bool:
        """Send bytes to the reader; False when it takes none now.

        Words to a person are worth no waiting: what does not fit is not sent.
        """
        with self._gate:
            if self._descriptor is None:
                return False
            try:
                return os.write(self._descriptor, data) == len(data)
            except OSError:
                return False

    async def close(self) -> None:
        """End the thread and leave the port; may be called twice.

        What was read until then can still be taken.
        """
        if self._thread is None or self._wake is None:
            return
        thread, self._thread = self._thread, None
        os.write(self._wake[1], b"x")
        await asyncio.to_thread(thread.join)
        for descriptor in self._wake:
            os.close(descriptor)
        self._wake = None
        self._ready.set()

    def _run(self, wake: int) -> None:
        """Open, read until it fails, wait, again; until woken."""
        failures = 0
        pause = _RETRY_SECONDS
        while True:
            try:
                with self._open() as port:
                    failures = 0
                    if self._read(port.fileno(), wake):
                        return
            except (OSError, termios.error) as error:  # SerialException is an OSError
                failures += 1
                pause = min(_RETRY_SECONDS * 2.0 ** (failures - 1), _RETRY_MAX_SECONDS)
                self._tell(Down(self._reason(error), failures, pause))
            if select.select([wake], [], [], pause)[0]:
                return

    def _open(self) -> Serial:
        return Serial(self._port.path, self._port.baud, timeout=0, exclusive=True)

    def _read(self, descriptor: int, wake: int) -> bool:
        """Read until woken (True) or until the port fails (an error)."""
        with self._gate:
            self._descriptor = descriptor
        self._tell(Up())
        try:
            while True:
                limit = _SILENCE_SECONDS if self._rest else None
                ready, _, _ = select.select([descriptor, wake], [], [], limit)
                if wake in ready:
                    return True
                if ready:
                    self._take(self._bytes(descriptor))
                else:
                    self._drop_rest()
        finally:
            with self._gate:
                self._descriptor = None
            self._drop_rest()

    @staticmethod
    def _bytes(descriptor: int) -> bytes:
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise SerialException(_GONE) from error
        if not data:
            raise SerialException(_GONE)
        return data

    def _take(self, data: bytes) -> None:
        taken = self._decoder.take(self._rest + data)
        self._rest = taken.rest
        now = time.monotonic()
        flaws = [one for one in taken.found if isinstance(one, Flaw)]
        cards = [one for one in taken.found if isinstance(one, Card)]
        self.tally.cards += len(cards)
        new = [one for one in cards if self._debounce.is_new(one.badge, now)]
        room = max(_MOST_WAITING - len(self._waiting), 0)
        flaws += [Flaw(FlawKind.OVERFLOW, one.raw) for one in new[room:]]
        self.tally.presented += len(new[:room])
        self._tell(*(Presented(card, now) for card in new[:room]))
        self._flawed(flaws)

    def _drop_rest(self) -> None:
        """Name the half of a frame whose end does not come."""
        if self._rest:
            self._flawed([Flaw(FlawKind.HALF_FRAME, self._rest)])
            self._rest = b""

    def _flawed(self, flaws: list[Flaw]) -> None:
        if flaws:
            kinds = Counter(flaw.kind for flaw in flaws)
            self.tally.flaws.update(kinds)
            self._tell(Flawed(kinds, flaws[0].raw))

    def _tell(self, *events: Event) -> None:
        """Hand events over to the event loop; it may have ended."""
        if not events or self._loop is None:
            return
        with self._gate:
            self._waiting += events
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ready.set)

    def _reason(self, error: Exception) -> str:
        """Say what is wrong with the port, in words."""
        cause = error.__context__ if isinstance(error, SerialException) else error
        for kind, words in _ADVICE.items():
            if isinstance(cause, kind):
                return f"{self._port.path} {words}"
        return f"{self._port.path}: {error}"
