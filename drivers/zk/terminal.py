"""The default driver: one session with one terminal, read by our own codec.

Polling asks and changes nothing: no disabling, no clearing, no setting of clocks. Users
are written and deleted when somebody orders it, never templates. Only
what is new is fetched; whether the log is still the one that was read before is for
the caller to check by the record in front (zk-protocol 2.6).
"""

import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence

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
    UnsupportedError,
)
from drivers.zk import bulk
from drivers.zk.commands import Command, DataType, EventCode, Reply, code_name, scramble
from drivers.zk.conversation import Conversation
from drivers.zk.log import PreparedLog
from drivers.zk.operations import Operation, parse_operations
from drivers.zk.packets import Frame
from drivers.zk.payloads import (
    BufferRequest,
    Prepared,
    Sizes,
    option_request,
    parse_option,
    records_of,
    text_of,
)
from drivers.zk.records import Ids
from drivers.zk.times import decode_time
from drivers.zk.users import UserLayout, UserList, UserRecord

_U32_BYTES = 4
_SLOT_BYTES = 2


class ZkTerminal:
    """One session; see `drivers.base.Terminal`."""

    def __init__(self, address: Address) -> None:
        self._asked = Conversation(address)
        self._serial = ""
        self._counts: Counts | None = None
        self._slots: dict[int, str] = {}

    async def open(self) -> str:
        """Connect, present the key, and return the serial number of who answered."""
        reply = await self._asked.open()
        if reply.command == Reply.UNAUTHORISED:
            reply = await self._authorise()
        if reply.command == Reply.AUTH_LOCKED:
            raise AuthError(
                "the terminal lets nobody in after too many wrong comm keys: it"
                f" answered {code_name(reply.command)}"
            )
        if reply.command == Reply.SECURE:
            raise UnsupportedError(
                "secure firmware: it answered 6001 and speaks encrypted only; use ADMS"
                " push or change the terminal's connection mode"
            )
        _accept(reply, "connect")
        self._serial = await self._option("~SerialNumber")
        if not self._serial:
            raise UnsupportedError("the terminal does not say its serial number")
        return self._serial

    async def info(self) -> TerminalInfo:
        """Name plate and counts; empty where the terminal does not say."""
        counts = await self.counts()
        version = await self._asked.ask(Command.VERSION)
        return TerminalInfo(
            self._serial,
            text_of(version.data) if version.command == Reply.OK else "",
            await self._option("~Platform"),
            await self._option("~DeviceName"),
            counts.users,
            counts.records,
            counts.record_capacity,
        )

    async def clock(self) -> str:
        """Device local time, `YYYY-MM-DDTHH:MM:SS`."""
        reply = _accept(await self._asked.ask(Command.GET_TIME), "clock")
        if len(reply.data) < _U32_BYTES:
            raise ProtocolError("a clock without a time", reply.data)
        return decode_time(int.from_bytes(reply.data[:_U32_BYTES], "little"))

    async def counts(self) -> Counts:
        """Return what the terminal says it holds now."""
        sizes = await self.sizes()
        self._counts = Counts(sizes.users, sizes.records, sizes.record_capacity)
        return self._counts

    async def sizes(self) -> Sizes:
        """Return counts and capacities in full, of users and templates too."""
        reply = _accept(await self._asked.ask(Command.FREE_SIZES), "counts")
        return Sizes.from_bytes(reply.data)

    async def read(self, start: int = 0) -> AsyncGenerator[Sequence[RawPunch], None]:
        """Pieces of the log in order from `start`; none when it ends before."""
        self._slots = {}
        log = await self._log()
        if log.total:
            found = await log.layout(start)
            if found.layout.ids is Ids.SLOT:
                # Users first: their list takes the place of the log in the buffer.
                self._slots = {user.slot: user.badge for user in await self.users()}
                log = await self._log(self._slots)
                found = await log.layout(start)
            async for piece in log.pieces(found, start):
                yield piece
        await bulk.release(self._asked, log.prepared)

    def slots(self) -> Mapping[int, str]:
        """Badges by slot that the last read went by; empty where records have them."""
        return self._slots

    async def users(self) -> Sequence[TerminalUser]:
        """Everybody the terminal knows. Never templates."""
        encoding = self._asked.address.encoding
        return [one.user(encoding) for one in (await self.user_list()).records]

    async def user_list(self) -> UserList:
        """Everybody the terminal knows, byte for byte. Never templates."""
        counts = self._counts or await self.counts()
        request = BufferRequest(Command.READ_USERS, DataType.USERS)
        records = await self._records(request, bytes((DataType.USERS,)))
        encoding = self._asked.address.encoding
        return UserList.from_bytes(records, counts.users, encoding)

    async def write_user(self, layout: UserLayout, user: UserRecord) -> None:
        """Write one user's record into its slot, as it is (zk-protocol 5.3).

        Raises:
            TerminalError: refused, as by a terminal that is full.
        """
        self._counts = None
        data = user.to_bytes(layout)
        _accept(await self._asked.ask(Command.WRITE_USER, data), "write a user")

    async def delete_user(self, slot: int) -> None:
        """Delete the user of a slot; the terminal drops the templates with it.

        Raises:
            TerminalError: refused, as for a slot that is free.
        """
        self._counts = None
        data = slot.to_bytes(_SLOT_BYTES, "little")
        _accept(await self._asked.ask(Command.DELETE_USER, data), "delete a user")

    async def refresh(self) -> None:
        """Let the terminal go by what was written."""
        _accept(await self._asked.ask(Command.REFRESH_DATA), "refresh")

    async def operations(self) -> Sequence[Operation]:
        """Return what was done at the terminal itself, in its own order."""
        records = await self._records(BufferRequest(Command.READ_OPERATION_LOG), b"")
        return parse_operations(records)

    async def listen(self) -> None:
        """Ask the terminal to announce punches on this session."""
        mask = int(EventCode.PUNCH).to_bytes(_U32_BYTES, "little")
        _accept(await self._asked.ask(Command.REGISTER_EVENT, mask), "listen")

    async def wait(self, seconds: float) -> Sequence[Announcement]:
        """Return what was announced since the last call; wait for it if need be."""
        return await self._asked.wait(seconds)

    async def close(self) -> None:
        """End the session and give the terminal's only client slot back."""
        await self._asked.close()

    async def _authorise(self) -> Frame:
        key, session = self._asked.address.comm_key, self._asked.session_id
        payload = scramble(key, session, secrets.randbelow(256))
        reply = await self._asked.ask(Command.AUTH, payload)
        if reply.command == Reply.UNAUTHORISED:
            raise AuthError(
                "the terminal did not accept the comm key: it answered "
                f"{code_name(reply.command)}; compare comm_key with the terminal's menu"
            )
        return reply

    async def _option(self, name: str) -> str:
        """Value of an option; empty where the terminal has none of this name."""
        reply = await self._asked.ask(Command.READ_OPTION, option_request(name))
        if reply.command != Reply.OK:
            return ""
        return parse_option(reply.data)[1].strip()

    async def _log(self, slots: dict[int, str] | None = None) -> PreparedLog:
        counts = self._counts or await self.counts()
        request = BufferRequest(Command.READ_LOG)
        try:
            prepared = await bulk.prepare(self._asked, request, b"")
        except bulk.NothingGivenError:
            if counts.records:
                raise
            prepared = Prepared(0, b"")  # no log to give, and none counted
        return PreparedLog(self._asked, prepared, self._serial, counts, slots)

    async def _records(self, request: BufferRequest, legacy: bytes) -> bytes:
        prepared = await bulk.prepare(self._asked, request, legacy)
        data = await bulk.whole(self._asked, prepared)
        await bulk.release(self._asked, prepared)
        return records_of(data) if data else b""


def _accept(reply: Frame, asked: str) -> Frame:
    if reply.command != Reply.OK:
        raise TerminalError(
            f"{asked}: the terminal answered {code_name(reply.command)}"
        )
    return reply
