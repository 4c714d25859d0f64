"""`driver = "pyzk"`: a terminal read through the library people know.

The whole log at every read, without the records' bytes. All library calls run in one
thread per terminal, under one lock per process because pyzk keeps text encodings on a
class. Reads over TCP only.
"""

import asyncio
import codecs
import contextlib
import struct
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from zk.exception import ZKError, ZKErrorResponse

from drivers.base import (
    Address,
    Announcement,
    AuthError,
    Counts,
    ProtocolError,
    RawPunch,
    TerminalError,
    TerminalInfo,
    TerminalUser,
)
from drivers.pyzk_library import Library
from drivers.pyzk_socket import FrameSocket, dial
from drivers.zk.commands import Reply, code_name

_LOCK = threading.Lock()
_PIECE = 1000
_GOODBYE_SECONDS = 2.0
_EVENT_PUNCH = 1
_SLOT_STEP = 8
# What pyzk raises when a terminal says something it was not written for.
_LIBRARY_ERRORS = (
    ZKError,
    OSError,
    ValueError,
    struct.error,
    LookupError,
    TypeError,
    AttributeError,
    NameError,
    RecursionError,
)

Value = TypeVar("Value")


class PyzkTerminal:
    """One conversation through pyzk; see `drivers.base.Terminal`."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._link: FrameSocket | None = None
        self._library: Library | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._serial = ""

    async def open(self) -> str:
        """Connect, present the key, and return the serial number of who answered."""
        if self._address.transport != "tcp":
            raise TerminalError('driver "pyzk" reads over TCP: set transport = "tcp"')
        try:
            codecs.lookup(self._address.encoding)
        except LookupError as error:
            raise TerminalError(f"no encoding {self._address.encoding!r}") from error
        # Dialled before the lock is taken: a dead address holds up nobody else.
        self._link = await dial(self._address)
        self._thread = ThreadPoolExecutor(1, "pyzk")
        self._library = None
        done = False
        try:
            self._serial = await self._call("connect", _greet)
            done = True
        finally:
            if not done:
                await self.close()
        return self._serial

    async def info(self) -> TerminalInfo:
        """Name plate and counts."""
        return await self._call(
            "info", lambda library: _introduce(library, self._serial)
        )

    async def clock(self) -> str:
        """Device local time."""
        return await self._call("clock", lambda library: str(library.get_time()))

    async def counts(self) -> Counts:
        """Return what the terminal says it holds now."""
        return await self._call("counts", _count)

    async def read(
        self,
        start: int = 0,  # noqa: ARG002 - part of the protocol every driver keeps
    ) -> AsyncGenerator[Sequence[RawPunch], None]:
        """Return the whole log in pieces, whatever `start` is; pyzk knows no other."""
        log, known = await self._call("log", _read_log)
        for first in range(0, len(log), _PIECE):
            yield [
                RawPunch(
                    self._serial,
                    _badge(record, known),
                    record.timestamp,
                    record.status,
                    record.punch,
                    None,
                    position,
                    None,
                )
                for position, record in enumerate(log[first : first + _PIECE], first)
            ]

    def slots(self) -> Mapping[int, str]:
        """Nothing: the library puts badges into its records by itself."""
        return {}

    async def users(self) -> Sequence[TerminalUser]:
        """Everybody the terminal knows."""
        users = await self._call("users", lambda library: library.get_users())
        return [
            TerminalUser(
                user.uid,
                user.user_id.strip(" "),
                # pyzk invents this name where the terminal has none.
                "" if user.name == f"NN-{user.user_id}" else user.name,
                user.privilege,
                user.card,
            )
            for user in users
        ]

    async def listen(self) -> None:
        """Ask the terminal to announce punches."""
        await self._call("listen", lambda library: library.reg_event(_EVENT_PUNCH))

    async def wait(self, seconds: float) -> Sequence[Announcement]:
        """Wait for an announcement, also one that came during another call.

        It says that somebody punched, not who: the library reads events otherwise.
        """
        link, thread = self._opened()
        loop = asyncio.get_running_loop()
        try:
            announced = await loop.run_in_executor(thread, link.wait, seconds)
        except asyncio.CancelledError:
            link.wake()
            raise
        return [Announcement(None, "")] if announced else []

    async def close(self) -> None:
        """Say goodbye where that still makes sense, and close everything."""
        thread, self._thread = self._thread, None
        if thread is None or self._link is None:
            return
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(thread, self._goodbye, self._link)
        finally:
            thread.shutdown(wait=False)

    def _opened(self) -> tuple[FrameSocket, ThreadPoolExecutor]:
        if self._link is None or self._thread is None:
            raise TerminalError("the terminal is not open")
        return self._link, self._thread

    async def _call(self, asked: str, work: Callable[[Library], Value]) -> Value:
        """Run one library call in this terminal's thread, its errors in plain words.

        Cancelled, it breaks the connection: half an answer would be left on it.
        """
        link, thread = self._opened()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(thread, self._locked, asked, work)
        except asyncio.CancelledError:
            link.abort()
            raise

    def _locked(self, asked: str, work: Callable[[Library], Value]) -> Value:
        link, _ = self._opened()
        with _LOCK:
            try:
                if self._library is None:
                    self._library = Library(self._address, link)
                return work(self._library)
            except _LIBRARY_ERRORS as error:
                raise (link.failure or _in_words(asked, error, link)) from error

    def _goodbye(self, link: FrameSocket) -> None:
        library = self._library
        if library is not None and library.is_connect and link.failure is None:
            link.hurry(_GOODBYE_SECONDS)
            with _LOCK, contextlib.suppress(TerminalError, *_LIBRARY_ERRORS):
                library.disconnect()
        link.close()


def _in_words(asked: str, error: BaseException, link: FrameSocket) -> TerminalError:
    """Return what a library error means to whoever must act on it."""
    answer = code_name(link.last_reply)
    if isinstance(error, ZKErrorResponse):
        if link.last_reply in {Reply.UNAUTHORISED, Reply.AUTH_LOCKED}:
            return AuthError(
                f"the terminal did not accept the comm key: it answered {answer}; "
                "compare comm_key with the terminal's menu"
            )
        return TerminalError(f"{asked}: the terminal answered {answer}")
    if asked == "connect" and isinstance(error, struct.error):
        return TerminalError(
            "pyzk cannot compute this comm key for this session; choose another key or "
            'read this terminal with driver = "zk"'
        )
    return ProtocolError(f"{asked}: pyzk could not read the answer {answer}: {error}")


def _greet(library: Library) -> str:
    library.connect()
    return str(library.get_serialnumber())


def _introduce(library: Library, serial: str) -> TerminalInfo:
    counts = _count(library)
    return TerminalInfo(
        serial,
        _or_empty(library.get_firmware_version),
        _or_empty(library.get_platform),
        _or_empty(library.get_device_name),
        counts.users,
        counts.records,
        counts.record_capacity,
    )


def _or_empty(ask: Callable[[], str]) -> str:
    """Return an answer that some terminals refuse to give; empty then."""
    try:
        return ask()
    except ZKErrorResponse:
        return ""


def _count(library: Library) -> Counts:
    library.read_sizes()
    return Counts(library.users, library.records, library.rec_cap)


def _read_log(library: Library) -> tuple[list[Any], frozenset[int] | None]:
    """Return the log, and the slots with a user where the layout names slots only."""
    log = library.read_log()
    return log, library.slots if library.step == _SLOT_STEP else None


def _badge(record: Any, known: frozenset[int] | None) -> str:
    """Badge of a record; a slot without a user is never taken for a badge."""
    if known is not None and record.uid not in known:
        return ""
    return str(record.user_id).strip(" ")
