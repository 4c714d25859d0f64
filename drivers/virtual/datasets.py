"""Log, users and operations as one client gets them: prepared, in windows, or at once.

Follows zk-protocol 2.3 and 2.4. Whatever else a client wants prepared, above all
templates, it does not get.
"""

from typing import TypeAlias

from drivers.virtual.device import Device
from drivers.virtual.manners import TEMPLATES
from drivers.virtual.snapshot import Piece, Snapshot
from drivers.zk.commands import Command, DataType, Reply
from drivers.zk.packets import Frame
from drivers.zk.payloads import BufferRequest, Window, announcement, descriptor

Outgoing: TypeAlias = Frame | Piece

# Data of one frame in the old direct read, and of any datagram.
PACKET_BYTES = 1024
# pyzk reads the answer to 1503 with a buffer of 1024 bytes, header and data together.
_INLINE_DATAGRAM_BYTES = 1016
# What nobody asks who did not get the log just asked for.
_BEHIND_A_LOG = frozenset[int](
    {Command.FREE_SIZES, Command.GET_TIME, Command.REGISTER_EVENT}
)


class DataSets:
    """The buffer of one session, and the frames that bring its bytes."""

    def __init__(self, device: Device, session: int, *, datagrams: bool) -> None:
        self._device = device
        self._session = session
        self._datagrams = datagrams
        self._buffer = Snapshot()
        # Pieces of a log the client may have by now; whole: it came in one answer.
        self._sent: list[tuple[Snapshot, int, int]] = []
        self._whole = self._of_log = False

    @property
    def prepared(self) -> bool:
        """Whether something stands in the buffer."""
        return len(self._buffer) > 0

    def go_on(self, command: int) -> None:
        """Note that the client asks on: what came in one answer came well."""
        if self._whole and command in _BEHIND_A_LOG:
            self._fetched()

    def prepare(self, frame: Frame) -> list[Outgoing]:
        """Answer a buffer request: the data at once, or their size.

        Raises:
            ProtocolError: not a buffer request.
        """
        request = BufferRequest.from_bytes(frame.data)
        if self._whole and request.inner == Command.READ_OPERATION_LOG:
            self._fetched()
        self._sent.clear()
        if self._device.faults.no_buffer:
            return self._reply(frame, Reply.NO_BUFFER)
        found = self._find(request.inner, request.first)
        if found is None:
            if request.inner in TEMPLATES:
                self._device.refuse_template(request.inner)
            return self._reply(frame, Reply.ERROR)
        most = self._device.config.inline_bytes
        if self._datagrams:
            most = min(most, _INLINE_DATAGRAM_BYTES)
        if len(found) <= most:
            self._give(request.inner, found)
            return self._reply(frame, Command.DATA, found.data)
        self._buffer = found
        self._whole, self._of_log = False, request.inner == Command.READ_LOG
        return self._reply(frame, Reply.OK, descriptor(len(found)))

    def window(self, frame: Frame) -> list[Outgoing]:
        """Answer with a piece of the buffer; past its end there is nothing.

        Raises:
            ProtocolError: not a window.
        """
        window = Window.from_bytes(frame.data)
        if not 0 < window.size <= len(self._buffer) - window.offset:
            return self._reply(frame, Reply.ERROR)
        if self._of_log:
            self._sent.append(
                (self._buffer, window.offset, window.offset + window.size)
            )
        step = self._device.config.chunk_bytes or window.size
        return self._deliver(frame, self._buffer, window, step)

    def direct(self, frame: Frame) -> list[Outgoing] | None:
        """Answer the old way with a whole data set; None where that is not one."""
        first = DataType.LOG if not frame.data else frame.data[0]
        if len(frame.data) > 1:
            return None
        found = self._find(frame.command, first)
        if found is None:
            return None
        self._give(frame.command, found)
        return self._deliver(frame, found, Window(0, len(found)), PACKET_BYTES)

    def checksum(self, frame: Frame) -> list[Outgoing]:
        """Answer with a sum over the buffer; how real terminals sum nobody knows."""
        total = sum(self._buffer.data) & 0xFFFFFFFF
        return self._reply(frame, Reply.OK, total.to_bytes(4, "little"))

    def free(self, frame: Frame) -> list[Outgoing]:
        """Forget what was prepared: the client is done with it."""
        self._fetched()
        self.forget()
        return self._reply(frame, Reply.OK)

    def forget(self) -> None:
        """Forget what was prepared, whether anybody got it or not."""
        self._buffer = Snapshot()
        self._sent.clear()
        self._whole = self._of_log = False

    def _give(self, command: int, found: Snapshot) -> None:
        """Note that a data set goes out in one answer."""
        self._whole = command == Command.READ_LOG
        self._sent = [(found, 0, len(found))] if self._whole else []

    def _fetched(self) -> None:
        while self._sent:
            log, first, end = self._sent.pop(0)
            while self._sent and self._sent[0][1] == end:  # a record may be in both
                end = self._sent.pop(0)[2]
            self._device.fetch(log, first, end)
        self._whole = False

    def _find(self, command: int, first: int) -> Snapshot | None:
        if command == Command.READ_LOG:
            return self._device.read_log()
        if command == Command.READ_USERS and first == DataType.USERS:
            return self._device.memory.users.snapshot()
        if command == Command.READ_OPERATION_LOG:
            return self._device.operations.snapshot()
        return None

    def _deliver(
        self, frame: Frame, source: Snapshot, window: Window, step: int
    ) -> list[Outgoing]:
        parts = self._device.faults.split_data
        if parts > 1:
            step = min(step, -(-window.size // parts))
        if self._datagrams:
            step = min(step, PACKET_BYTES)
        pieces = source.pieces(window.offset, window.size, step, frame.reply_id)
        announced = announcement(window.size, step)
        return [
            *self._reply(frame, Command.PREPARE_DATA, announced),
            *pieces,
            *self._reply(frame, Reply.OK),
        ]

    def _reply(self, frame: Frame, code: int, data: bytes = b"") -> list[Outgoing]:
        return [Frame(code, self._session, frame.reply_id, data)]
