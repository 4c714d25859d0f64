"""Data sets of a terminal: prepared in its buffer and fetched piece by piece.

Follows zk-protocol 2.3 and 2.4. A data set comes at once, or its size comes and the
bytes are asked for by offset; terminals that cannot prepare it give it in one go.
"""

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from drivers.base import ProtocolError, SilentError, UnsupportedError
from drivers.zk.commands import Command, Reply, code_name
from drivers.zk.conversation import Conversation
from drivers.zk.packets import Frame
from drivers.zk.payloads import (
    BufferRequest,
    Prepared,
    Window,
    parse_announcement,
    parse_prepared,
    records_of,
)

_SMALL_BYTES = 1024  # one datagram
_MOST_BYTES = 256 * 1024 * 1024
_NOT_PREPARED = frozenset(
    {
        Reply.ERROR,
        Reply.NO_BUFFER,
        Reply.ERROR_DATA,
        Reply.ERROR_INIT,
        Reply.ERROR_COMMAND,
        Reply.UNKNOWN,
    }
)


class NothingGivenError(UnsupportedError):
    """The terminal answers «error» and no more: so do some about an empty data set."""


class UnorderedError(ProtocolError):
    """Datagrams came that nobody can put in order; their bytes as they came."""


async def prepare(
    asked: Conversation, request: BufferRequest, legacy: bytes
) -> Prepared:
    """Let the terminal prepare a data set; `legacy` is the payload of the old way.

    Raises:
        UnsupportedError: it gives the data set in no way known.
        ProtocolError: an answer that is none.
    """
    reply = await asked.ask(Command.PREPARE_BUFFER, request.to_bytes())
    if reply.command in _NOT_PREPARED:
        data = await _repeat(asked, lambda: _direct(asked, request, legacy, reply))
        return Prepared(len(data), data)
    found = parse_prepared(reply)
    if found.size > _MOST_BYTES:
        raise ProtocolError(f"a data set of {found.size} bytes", reply.data)
    return found


async def _direct(
    asked: Conversation, request: BufferRequest, legacy: bytes, refusal: Frame
) -> bytes:
    """Ask in the old way, where the terminal answers with everything at once."""
    direct = await asked.ask(request.inner, legacy)
    if direct.command in {Command.PREPARE_DATA, Command.DATA}:
        data = await _collect(asked, request.inner, direct)
        records_of(data)  # a datagram from the middle is not the whole
        return data
    kind = UnsupportedError
    if refusal.command == direct.command == Reply.ERROR:
        kind = NothingGivenError
    raise kind(
        f"unsupported: the terminal gives no such data; it answered"
        f" {code_name(refusal.command)} to the buffered and"
        f" {code_name(direct.command)} to the direct request"
        f" {code_name(request.inner)}"
    )


async def whole(asked: Conversation, prepared: Prepared) -> bytes:
    """Return a prepared data set from its first byte to its last."""
    if prepared.inline is not None:
        return prepared.inline
    parts: list[bytes] = []
    at = 0
    while at < prepared.size:
        size = min(asked.window, prepared.size - at)
        parts.append(await fetch(asked, Window(at, size)))
        at += len(parts[-1])
    return b"".join(parts)


async def release(asked: Conversation, prepared: Prepared) -> None:
    """Let the terminal forget what it prepared."""
    if prepared.inline is None:
        await asked.ask(Command.FREE_DATA)


async def fetch(asked: Conversation, window: Window) -> bytes:
    """Return a piece of the prepared data; it may be shorter than asked for.

    Where frames can vanish the piece is asked for again when it did not come whole, and
    in smaller pieces when that does not help: a short answer is lost less often.

    Raises:
        ProtocolError: more bytes than announced, another answer, or nothing.
        SilentError: it never came whole.
    """
    while asked.lossy and window.size > _SMALL_BYTES:
        with contextlib.suppress(SilentError, ProtocolError):
            return await _repeat(asked, partial(_fetch, asked, window))
        window = Window(window.offset, max(window.size // 4, _SMALL_BYTES))
    return await _repeat(asked, partial(_fetch, asked, window))


async def _repeat(asked: Conversation, act: Callable[[], Awaitable[bytes]]) -> bytes:
    """Act until it succeeds; bytes without an order are right when they come twice."""
    came: bytes | None = None
    left = asked.attempts
    while True:
        left -= 1
        try:
            return await act()
        except UnorderedError as error:
            if error.data == came:
                return came
            came = error.data
            if not left:
                raise
        except (SilentError, ProtocolError):
            if not left:
                raise


async def _fetch(asked: Conversation, window: Window) -> bytes:
    first = await asked.ask(Command.READ_BUFFER, window.to_bytes())
    if first.command not in {Command.PREPARE_DATA, Command.DATA}:
        raise ProtocolError(
            f"the terminal did not give bytes {window.offset} to"
            f" {window.offset + window.size} of its data: {code_name(first.command)}",
            first.data,
        )
    data = await _collect(asked, Command.READ_BUFFER, first)
    # Where frames vanish, bare data may be any part of an answer unless it is all.
    least = window.size if asked.lossy and first.command == Command.DATA else 1
    if not least <= len(data) <= window.size:
        raise ProtocolError(f"{len(data)} bytes came instead of {window.size}")
    return data


async def _collect(asked: Conversation, command: int, first: Frame) -> bytes:
    """Gather the data frames of one answer; `first` is its first frame.

    Raises:
        ProtocolError: the bytes are not as many as were announced.
        UnorderedError: they are, but in an order nobody can check.
    """
    if first.command == Command.DATA:
        return first.data
    size = parse_announcement(first.data)
    if size > _MOST_BYTES:
        raise ProtocolError(f"a data set of {size} bytes", first.data)
    frames: list[Frame] = []
    known = {first}
    came = 0
    while True:
        frame = await asked.more(command)
        if asked.lossy and frame in known:
            continue
        if frame.command != Command.DATA:
            break
        if frame.session != asked.session_id:
            known.add(frame)  # numbered: the same one again is the same datagram
        frames.append(frame)
        came += len(frame.data)
        if came > size:
            break
    if came != size or frame.command != Reply.OK:
        raise ProtocolError(
            f"{came} bytes came where {size} were announced, then"
            f" {code_name(frame.command)}"
        )
    return _joined(frames, lossy=asked.lossy)


def _joined(frames: list[Frame], *, lossy: bool) -> bytes:
    """Data by frame number where the frames are numbered, else as they came.

    The session field of data frames counts them on terminals that were recorded; where
    it repeats the session there is no order to check, and one frame lost may hide
    behind another that came twice.

    Raises:
        UnorderedError: no order, where one is needed.
    """
    ordered = sorted(frame.session for frame in frames) == list(range(len(frames)))
    if ordered:
        frames = sorted(frames, key=lambda frame: frame.session)
    data = b"".join(frame.data for frame in frames)
    if lossy and not ordered and len(frames) > 1:
        raise UnorderedError(f"{len(frames)} datagrams without an order came", data)
    return data
