"""What answers at an address: asked once, told apart, nothing left open.

Three protocols share port 4370, and web servers stand on it too. `init` and `doctor`
ask here first, because «no connection» has many reasons and each has another remedy.
"""

import asyncio
import errno
import socket
from dataclasses import dataclass, replace
from enum import StrEnum

from drivers.base import Address, ProtocolError, TerminalError
from drivers.zk.commands import Command, Reply, code_name
from drivers.zk.conversation import Conversation
from drivers.zk.packets import PANEL_START, SECURE_MAGIC, Frame, FrameSplitter

_UNREACHABLE = frozenset(
    {
        *(errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN),
        *(errno.ENONET, errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL, errno.EINVAL),
    }
)
_GOODBYE_SECONDS = 1.0
_READ_BYTES = 4096


class Answer(StrEnum):
    """What was found at an address."""

    UNKNOWN_NAME = "unknown_name"
    NO_ROUTE = "no_route"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    SILENT = "silent"
    CLOSED = "closed"
    OTHER = "other"
    PANEL = "panel"
    SECURE = "secure"
    KEY = "key"
    OPEN = "open"


_TRY_NEXT = frozenset({Answer.NO_ROUTE, Answer.NO_ANSWER, Answer.REFUSED})
TERMINALS = frozenset({Answer.KEY, Answer.OPEN})
"""Answers of terminals that our drivers can speak to."""


@dataclass(frozen=True, slots=True)
class Found:
    """What answered, in words behind it, and over which transport."""

    answer: Answer
    words: str
    transport: str = "tcp"


async def who(address: Address) -> Found:
    """Say hello at an address over its transport; see who answers.

    Takes the terminal's client slot for the moment of the question.
    """
    try:
        hosts = await _hosts(address)
    except OSError as error:
        return Found(Answer.UNKNOWN_NAME, _reason(error), address.transport)
    if address.transport == "udp":
        return await _over_udp(address)
    found = [await _over_tcp(replace(address, host=host)) for host in hosts[:1]]
    while found[-1].answer in _TRY_NEXT and len(found) < len(hosts):
        found.append(await _over_tcp(replace(address, host=hosts[len(found)])))
    return found[-1] if found[-1].answer not in _TRY_NEXT else found[0]


async def who_by_any(address: Address) -> Found:
    """Ask over TCP and, where nobody takes a connection, over UDP.

    UDP counts only when a terminal answers there; else TCP's words stand.
    """
    found = await who(address)
    if found.answer not in {Answer.NO_ANSWER, Answer.REFUSED}:
        return found
    other = await _over_udp(replace(address, transport="udp"))
    return other if other.answer in {*TERMINALS, Answer.SECURE} else found


async def _hosts(address: Address) -> list[str]:
    """Return the addresses a name has.

    Raises:
        OSError: it has none, or nobody says so in time.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(address.timeout_seconds):
            found = await loop.getaddrinfo(
                address.host, address.port, type=socket.SOCK_STREAM
            )
    except TimeoutError:
        raise OSError(f"no answer within {address.timeout_seconds:g} s") from None
    except UnicodeError:
        raise OSError(
            "it cannot be a name: a part of it is empty or too long"
        ) from None
    return list(dict.fromkeys(str(row[4][0]) for row in found))


async def _over_tcp(address: Address) -> Found:
    seconds = address.timeout_seconds
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address.host, address.port)
    except TimeoutError:
        return Found(Answer.NO_ANSWER, f"no answer within {seconds:g} s")
    except OSError as error:
        return _no_connection(error)
    try:
        return await _greet(reader, writer, seconds)
    except OSError as error:
        return Found(Answer.CLOSED, f"the connection broke: {_reason(error)}")
    finally:
        writer.transport.abort()


def _no_connection(error: OSError) -> Found:
    """Tell apart what a connection attempt may end with."""
    if error.errno == errno.ECONNREFUSED:
        return Found(Answer.REFUSED, "the connection is refused")
    if error.errno in _UNREACHABLE:
        return Found(Answer.NO_ROUTE, _reason(error))
    return Found(Answer.NO_ANSWER, _reason(error))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


async def _greet(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> Found:
    """Say hello, look at the answer, and leave as a terminal wants it."""
    writer.write(Frame(Command.CONNECT, 0, 0).to_tcp())
    splitter = FrameSplitter()
    try:
        async with asyncio.timeout(seconds):
            reply = await _first_frame(reader, splitter)
    except TimeoutError:
        words = f"it takes the connection and says nothing for {seconds:g} s"
        return Found(Answer.SILENT, words)
    except ProtocolError as error:
        return _stranger(error)
    if reply is None:
        return Found(Answer.CLOSED, "it takes the connection and hangs up at once")
    if reply.command in {Reply.OK, Reply.UNAUTHORISED}:
        writer.write(Frame(Command.EXIT, reply.session, 1).to_tcp())
        await _until_gone(reader, splitter)
    return _of_reply(reply, "tcp")


async def _first_frame(
    reader: asyncio.StreamReader, splitter: FrameSplitter
) -> Frame | None:
    """Return the answer to our hello; None when the peer hangs up.

    Raises:
        ProtocolError: what came is none.
    """
    while data := await reader.read(_READ_BYTES):
        for frame in splitter.feed(data):
            if frame.command != Command.REGISTER_EVENT:
                return frame
    return None


async def _until_gone(reader: asyncio.StreamReader, splitter: FrameSplitter) -> None:
    """Wait for the answer to our goodbye: then the slot is free again."""
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await _first_frame(reader, splitter)
    except (TimeoutError, ProtocolError, OSError):
        return  # it forgets us without a word


def _stranger(error: ProtocolError) -> Found:
    """Name a peer whose first bytes are no frame of ours."""
    if error.data.startswith(SECURE_MAGIC):
        return Found(Answer.SECURE, error.reason)
    if error.data.startswith(PANEL_START):
        return Found(Answer.PANEL, error.reason)
    return Found(Answer.OTHER, error.reason)


def _of_reply(reply: Frame, transport: str) -> Found:
    """Say what the answer to a hello means."""
    if reply.command == Reply.OK:
        return Found(Answer.OPEN, "a ZK terminal that asks for no key", transport)
    if reply.command == Reply.UNAUTHORISED:
        return Found(Answer.KEY, "a ZK terminal that asks for its comm key", transport)
    if reply.command == Reply.SECURE:
        words = "secure firmware: it answers 6001 and speaks encrypted only"
        return Found(Answer.SECURE, words, transport)
    words = f"it answers {code_name(reply.command)} to a hello"
    return Found(Answer.OTHER, words, transport)


async def _over_udp(address: Address) -> Found:
    asked = Conversation(address)
    try:
        return _of_reply(await asked.open(), "udp")
    except TerminalError as error:
        # Datagrams vanish without a word: absent, off and another protocol look alike.
        return Found(Answer.NO_ANSWER, str(error), "udp")
    finally:
        await asked.close()
