"""What an administrator may do to the terminal from afar, where it is set to obey.

Restart, clock and clearing of the log (zk-protocol 2.1). Whether real terminals write
these into their operation log nobody says (7.2); this one does, as at its menu.
"""

from typing import TYPE_CHECKING

from drivers.base import ProtocolError
from drivers.virtual.datasets import Outgoing
from drivers.virtual.device import Device
from drivers.zk.commands import Command, Reply
from drivers.zk.packets import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

_TIME_BYTES = 4


class Care:
    """Answers of one session; each is noted as obeyed.

    Args:
        device: what is changed.
        session_id: of the session.
    """

    def __init__(self, device: Device, session_id: int) -> None:
        self._device = device
        self._session_id = session_id

    def handlers(self) -> "dict[int, Callable[[Frame], list[Outgoing]]]":
        """Return what answers which command."""
        return {
            Command.SET_TIME: self._set_time,
            Command.RESTART: self._restart,
            Command.CLEAR_LOG: self._clear,
        }

    def _set_time(self, frame: Frame) -> list[Outgoing]:
        if len(frame.data) != _TIME_BYTES:
            raise ProtocolError("a time of another length", frame.data)
        try:
            self._device.set_time(int.from_bytes(frame.data, "little"))
        except ValueError as error:
            raise ProtocolError(f"no such time: {error}", frame.data) from None
        return self._done(frame)

    def _clear(self, frame: Frame) -> list[Outgoing]:
        self._device.clear()
        return self._done(frame)

    def _restart(self, frame: Frame) -> list[Outgoing]:
        """Go down in a moment; some say so before, some hang up without a word."""
        self._device.restart()
        if self._device.config.restart_replies:
            return self._done(frame)
        self._device.obeyed.append(frame.command)
        return []

    def _done(self, frame: Frame) -> list[Outgoing]:
        self._device.obeyed.append(frame.command)
        return [Frame(Reply.OK, self._session_id, frame.reply_id)]
