"""One client's conversation: frames in, frames out, no socket.

Follows zk-protocol 1.7, 2 and 6. What would change a terminal's memory is refused and
counted; what asks for templates is refused and written down by its command.
"""

from typing import TYPE_CHECKING

from drivers.base import ProtocolError
from drivers.virtual.device import Device
from drivers.zk.commands import Command, DataType, EventCode, Reply, key_matches
from drivers.zk.events import PunchEvent
from drivers.zk.packets import Frame
from drivers.zk.payloads import (
    BufferRequest,
    Window,
    announcement,
    descriptor,
    option_reply,
    parse_option,
    text_of,
)
from drivers.zk.times import encode_time

if TYPE_CHECKING:
    from collections.abc import Callable

_U32_BYTES = 4
_HARMLESS = frozenset(
    {
        Command.START_VERIFY,
        Command.START_ENROL,
        Command.CANCEL_CAPTURE,
        Command.ENABLE,
        Command.DISABLE,
    }
)
_TEMPLATES = frozenset(
    {
        Command.READ_TEMPLATES,
        Command.READ_USERS,
        Command.READ_TEMPLATE,
        Command.CAPTURE_FINGER,
        Command.CAPTURE_IMAGE,
        Command.USER_PHOTO,
    }
)
_CHANGES = frozenset(
    {
        Command.WRITE_USER,
        Command.WRITE_TEMPLATE,
        Command.CLEAR_DATA,
        Command.CLEAR_LOG,
        Command.DELETE_USER,
        Command.DELETE_TEMPLATE,
        Command.CLEAR_ADMIN,
        Command.UNLOCK,
        Command.CLEAR_ACCESS,
        Command.CLEAR_OPERATION_LOG,
        Command.WRITE_TEMPLATE_SHORT,
        Command.SAVE_USER_TEMPLATES,
        Command.DELETE_FINGER,
        Command.SET_TIME,
        Command.RESTART,
        Command.POWER_OFF,
    }
)


class Session:
    """State of one connection and the answers to it."""

    def __init__(self, device: Device, session_id: int) -> None:
        self._device = device
        self.id = session_id
        self.authorised = False
        self.listening = False
        self.ended = False
        self._connected = False
        self._buffer = b""
        self._handlers: dict[int, Callable[[Frame], list[Frame]]] = {
            Command.READ_OPTION: self._read_option,
            Command.WRITE_OPTION: self._write_option,
            Command.VERSION: self._version,
            Command.FREE_SIZES: self._sizes,
            Command.GET_TIME: self._time,
            Command.STATE: self._state,
            Command.PIN_WIDTH: self._pin_width,
            Command.REGISTER_EVENT: self._register,
            Command.PREPARE_BUFFER: self._prepare,
            Command.READ_BUFFER: self._read_buffer,
            Command.FREE_DATA: self._free,
        }

    def answer(self, frame: Frame) -> list[Frame]:
        """Frames that answer this one; none for an acknowledged event."""
        if frame.command == Reply.OK:
            return []
        self._device.asked[frame.command] += 1
        authorised = self.authorised
        frames = self._answer(frame)
        if authorised and self._device.faults.interleave_events:
            frames.insert(len(frames) - 1, self._stray_event())
        return frames

    def event(self, punch: PunchEvent) -> Frame:
        """Return a punch as the frame that announces it."""
        data = punch.to_bytes(self._device.config.encoding)
        return Frame(Command.REGISTER_EVENT, EventCode.PUNCH, 0, data)

    def _stray_event(self) -> Frame:
        last = self._device.memory.last
        if last is None:
            return Frame(Command.REGISTER_EVENT, EventCode.FINGER, 0)
        return self.event(last)

    def _answer(self, frame: Frame) -> list[Frame]:
        if frame.command == Command.CONNECT:
            return self._connect(frame)
        if frame.command in _TEMPLATES:
            self._device.template_requests.append(frame.command)
        if not self._connected or frame.session != self.id:
            return self._reply(frame, Reply.UNAUTHORISED)
        if frame.command == Command.EXIT:
            self.ended = True
            return self._reply(frame, Reply.OK)
        if frame.command == Command.AUTH:
            return self._auth(frame)
        if not self.authorised:
            return self._reply(frame, Reply.UNAUTHORISED)
        return self._serve(frame)

    def _serve(self, frame: Frame) -> list[Frame]:
        handler = self._handlers.get(frame.command)
        if handler is not None:
            try:
                return handler(frame)
            except ProtocolError:
                return self._reply(frame, Reply.ERROR)
        if frame.command in _HARMLESS:
            return self._reply(frame, Reply.OK)
        if frame.command in _CHANGES:
            self._device.refused.append(frame.command)
            return self._reply(frame, Reply.ERROR)
        if frame.command in _TEMPLATES:
            return self._reply(frame, Reply.ERROR)
        return self._reply(frame, Reply.UNKNOWN)

    def _reply(self, frame: Frame, code: int, data: bytes = b"") -> list[Frame]:
        return [Frame(code, self.id, frame.reply_id, data)]

    def _connect(self, frame: Frame) -> list[Frame]:
        if self._device.faults.secure:
            return self._reply(frame, Reply.SECURE)
        if not self._connected:
            self._connected = True
            self._device.connects += 1
            self.authorised = self._device.config.comm_key == 0
        return self._reply(frame, Reply.OK if self.authorised else Reply.UNAUTHORISED)

    def _auth(self, frame: Frame) -> list[Frame]:
        if not key_matches(self._device.config.comm_key, self.id, frame.data):
            return self._reply(frame, Reply.UNAUTHORISED)
        self.authorised = True
        return self._reply(frame, Reply.OK)

    def _read_option(self, frame: Frame) -> list[Frame]:
        name = text_of(frame.data)
        value = self._device.option(name)
        if value is None:
            return self._reply(frame, Reply.ERROR)
        return self._reply(frame, Reply.OK, option_reply(name, value))

    def _write_option(self, frame: Frame) -> list[Frame]:
        if parse_option(frame.data) == ("SDKBuild", "1"):
            return self._reply(frame, Reply.OK)
        self._device.refused.append(frame.command)
        return self._reply(frame, Reply.ERROR)

    def _version(self, frame: Frame) -> list[Frame]:
        firmware = self._device.config.firmware.encode() + b"\0"
        return self._reply(frame, Reply.OK, firmware)

    def _sizes(self, frame: Frame) -> list[Frame]:
        return self._reply(frame, Reply.OK, self._device.memory.sizes().to_bytes())

    def _time(self, frame: Frame) -> list[Frame]:
        packed = encode_time(self._device.time_text())
        return self._reply(frame, Reply.OK, packed.to_bytes(_U32_BYTES, "little"))

    def _state(self, frame: Frame) -> list[Frame]:
        # The device state stands where the session id does: 0 is waiting.
        return [Frame(Reply.OK, 0, frame.reply_id)]

    def _pin_width(self, frame: Frame) -> list[Frame]:
        width = int(self._device.option("~PIN2Width") or 0)
        return self._reply(frame, Reply.OK, bytes((width,)))

    def _register(self, frame: Frame) -> list[Frame]:
        mask = int.from_bytes(frame.data[:_U32_BYTES], "little")
        self.listening = bool(mask & EventCode.PUNCH)
        return self._reply(frame, Reply.OK)

    def _prepare(self, frame: Frame) -> list[Frame]:
        request = BufferRequest.from_bytes(frame.data)
        users = request.first == DataType.USERS
        if self._device.faults.no_buffer:
            return self._reply(frame, Reply.NO_BUFFER)
        if request.inner == Command.READ_LOG:
            data = self._device.memory.prepare_log()
        elif request.inner == Command.READ_USERS and users:
            data = self._device.memory.prepare_users()
        else:
            if request.inner in _TEMPLATES:
                self._device.template_requests.append(request.inner)
            return self._reply(frame, Reply.ERROR)
        if len(data) <= self._device.config.inline_bytes:
            return self._reply(frame, Command.DATA, data)
        self._buffer = data
        return self._reply(frame, Reply.OK, descriptor(len(data)))

    def _read_buffer(self, frame: Frame) -> list[Frame]:
        window = Window.from_bytes(frame.data)
        end = window.offset + window.size
        if window.size == 0 or end > len(self._buffer):
            return self._reply(frame, Reply.ERROR)
        step = self._frame_bytes(window.size)
        # In a chunked answer the session field of a data frame is the frame's number.
        pieces = [
            Frame(
                Command.DATA,
                number & 0xFFFF,
                frame.reply_id,
                self._buffer[at : min(at + step, end)],
            )
            for number, at in enumerate(range(window.offset, end, step))
        ]
        announced = announcement(window.size, step)
        return [
            *self._reply(frame, Command.PREPARE_DATA, announced),
            *pieces,
            *self._reply(frame, Reply.OK),
        ]

    def _frame_bytes(self, size: int) -> int:
        """Most data bytes of one frame of a window of `size` bytes."""
        parts = self._device.faults.split_data
        if parts > 1:
            return -(-size // parts)
        return self._device.config.chunk_bytes or size

    def _free(self, frame: Frame) -> list[Frame]:
        self._buffer = b""
        return self._reply(frame, Reply.OK)
