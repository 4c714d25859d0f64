"""One client's conversation: frames in, frames out, no socket.

Follows zk-protocol 1.7, 2 and 6. Users may be written and deleted; a terminal set so
takes care orders too; what else would change its memory is refused and counted; what
asks for templates is refused and written down by its command.
"""

from typing import TYPE_CHECKING

from drivers.base import ProtocolError
from drivers.virtual.care import Care
from drivers.virtual.datasets import DataSets, Outgoing
from drivers.virtual.device import Device
from drivers.virtual.manners import CHANGES, HARMLESS, TEMPLATES, Rare
from drivers.zk.commands import Command, EventCode, Reply, key_matches
from drivers.zk.events import PunchEvent
from drivers.zk.packets import Frame
from drivers.zk.payloads import option_reply, parse_option, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

_U32_BYTES = 4
_SLOT_BYTES = 2
_DIRECT = frozenset[int](
    {Command.READ_LOG, Command.READ_USERS, Command.READ_OPERATION_LOG}
)


class Session:
    """State of one client and the answers to it.

    Over datagrams a client may vanish and say hello anew from the same address: it
    gets the same id and begins again.
    """

    def __init__(
        self, device: Device, session_id: int, *, datagrams: bool = False
    ) -> None:
        self._device = device
        self.datagrams = datagrams
        self.id = session_id
        self.connected = False
        self.authorised = False
        self.listening = False
        self.ended = False
        self._used = False
        self._data = DataSets(device, session_id, datagrams=datagrams)
        self._handlers: dict[int, Callable[[Frame], list[Outgoing]]] = {
            Command.READ_OPTION: self._read_option,
            Command.WRITE_USER: self._write_user,
            Command.DELETE_USER: self._delete_user,
            Command.WRITE_OPTION: self._write_option,
            Command.VERSION: self._version,
            Command.FREE_SIZES: self._sizes,
            Command.GET_TIME: self._time,
            Command.STATE: self._state,
            Command.PIN_WIDTH: self._pin_width,
            Command.REGISTER_EVENT: self._register,
            Command.PREPARE_BUFFER: self._data.prepare,
            Command.READ_BUFFER: self._data.window,
            Command.FREE_DATA: self._data.free,
            Rare.CHECKSUM_BUFFER: self._data.checksum,
        }
        if device.config.care:
            self._handlers |= Care(device, session_id).handlers()

    @property
    def reading(self) -> bool:
        """Whether data are prepared that the client is not done with."""
        return self._data.prepared

    def answer(self, frame: Frame) -> list[Outgoing]:
        """Frames that answer this one; none for an acknowledged event."""
        if frame.command == Reply.OK:
            return []
        self._device.asked[frame.command] += 1
        self._device.asked_last = frame.command
        self._data.go_on(frame.command)
        authorised = self.authorised
        frames = self._answer(frame)
        if frames and authorised and self._device.faults.interleave_events:
            frames.insert(len(frames) - 1, self._stray_event())
        return frames

    def event(self, punch: PunchEvent) -> Frame:
        """Return a punch as the frame that announces it."""
        data = self._device.event(punch)
        return Frame(Command.REGISTER_EVENT, EventCode.PUNCH, 0, data)

    def _stray_event(self) -> Frame:
        last = self._device.memory.last
        if last is None:
            return Frame(Command.REGISTER_EVENT, EventCode.FINGER, 0)
        return self.event(last)

    def _answer(self, frame: Frame) -> list[Outgoing]:
        if frame.command == Command.CONNECT:
            return self._connect(frame)
        self._used = True
        if not self.connected or frame.session != self.id:
            return self._unauthorised(frame)
        if frame.command == Command.EXIT:
            self.ended = True
            return self._reply(frame, Reply.OK)
        if frame.command == Command.AUTH:
            return self._auth(frame)
        if not self.authorised:
            return self._unauthorised(frame)
        return self._serve(frame)

    def _unauthorised(self, frame: Frame) -> list[Outgoing]:
        users = frame.command == Command.READ_USERS and frame.data == b"\5"
        if frame.command in TEMPLATES and not users:
            self._device.refuse_template(frame.command)
        return self._reply(frame, Reply.UNAUTHORISED)

    def _serve(self, frame: Frame) -> list[Outgoing]:
        handler = self._handlers.get(frame.command)
        try:
            if handler is not None:
                return handler(frame)
        except ProtocolError:
            return self._reply(frame, Reply.ERROR)
        whole = self._data.direct(frame) if frame.command in _DIRECT else None
        return whole or self._reply(frame, self._verdict(frame.command))

    def _verdict(self, command: int) -> Reply:
        """Return what a command without data of its own is answered."""
        if command in HARMLESS:
            return Reply.OK
        if command in CHANGES:
            self._device.refuse(command)
            return Reply.ERROR
        if command in TEMPLATES:
            self._device.refuse_template(command)
            return Reply.ERROR
        return Reply.UNKNOWN

    def _reply(self, frame: Frame, code: int, data: bytes = b"") -> list[Outgoing]:
        return [Frame(code, self.id, frame.reply_id, data)]

    def _connect(self, frame: Frame) -> list[Outgoing]:
        if self._device.faults.secure:
            return self._reply(frame, Reply.SECURE)
        anew = self.datagrams and self._used
        if anew or not self.connected:
            self.connected, self._used, self.listening = True, False, False
            self._device.connects += 1
            self.authorised = self._device.config.comm_key == 0
            self._data.forget()
        return self._reply(frame, Reply.OK if self.authorised else Reply.UNAUTHORISED)

    def _auth(self, frame: Frame) -> list[Outgoing]:
        if not key_matches(self._device.config.comm_key, self.id, frame.data):
            return self._reply(frame, Reply.UNAUTHORISED)
        self.authorised = True
        return self._reply(frame, Reply.OK)

    def _read_option(self, frame: Frame) -> list[Outgoing]:
        name = text_of(frame.data)
        value = self._device.option(name)
        if value is None:
            return self._reply(frame, Reply.ERROR)
        return self._reply(frame, Reply.OK, option_reply(name, value))

    def _write_option(self, frame: Frame) -> list[Outgoing]:
        if parse_option(frame.data) == ("SDKBuild", "1"):
            return self._reply(frame, Reply.OK)
        self._device.refuse(frame.command)
        return self._reply(frame, Reply.ERROR)

    def _write_user(self, frame: Frame) -> list[Outgoing]:
        self._device.memory.users.write(frame.data)
        return self._reply(frame, Reply.OK)

    def _delete_user(self, frame: Frame) -> list[Outgoing]:
        slot = int.from_bytes(frame.data[:_SLOT_BYTES], "little")
        self._device.memory.users.delete(slot)
        return self._reply(frame, Reply.OK)

    def _version(self, frame: Frame) -> list[Outgoing]:
        firmware = self._device.config.firmware.encode() + b"\0"
        return self._reply(frame, Reply.OK, firmware)

    def _sizes(self, frame: Frame) -> list[Outgoing]:
        return self._reply(frame, Reply.OK, self._device.sizes())

    def _time(self, frame: Frame) -> list[Outgoing]:
        packed = self._device.packed_time()
        return self._reply(frame, Reply.OK, packed.to_bytes(_U32_BYTES, "little"))

    def _state(self, frame: Frame) -> list[Outgoing]:
        # The device state stands where the session id does: 0 is waiting.
        return [Frame(Reply.OK, 0, frame.reply_id)]

    def _pin_width(self, frame: Frame) -> list[Outgoing]:
        width = int(self._device.option("~PIN2Width") or 0)
        return self._reply(frame, Reply.OK, bytes((width,)))

    def _register(self, frame: Frame) -> list[Outgoing]:
        if not self._device.config.announces:
            return self._reply(frame, Reply.ERROR)
        mask = int.from_bytes(frame.data[:_U32_BYTES], "little")
        self.listening = bool(mask & EventCode.PUNCH)
        return self._reply(frame, Reply.OK)
