"""Orders of an administrator to a terminal, through pyzk: voice, clock, restart, clear.

No daemon and no driver sends these; only a command that somebody typed does. Each does
one thing and says nothing of whether it is wise: that is for the command to know.
"""

import struct
from datetime import datetime
from typing import TYPE_CHECKING

from zk.const import CMD_DISABLEDEVICE, CMD_ENABLEDEVICE

from drivers.base import ProtocolError, TerminalError
from drivers.pyzk_library import Library
from drivers.pyzk_terminal import PyzkTerminal

if TYPE_CHECKING:
    from collections.abc import Callable

VOICES = range(56)
"""Numbers of spoken sentences, as pyzk lists them."""

_GONE = "the terminal closed the connection"
_U32 = struct.Struct("<I")


class PyzkCare(PyzkTerminal):
    """A conversation in which somebody gives orders; it answers questions too."""

    async def voice(self, index: int) -> bool:
        """Let it speak a sentence; return whether it knows this one."""
        return bool(await self._call("voice", lambda zk: zk.test_voice(index)))

    async def set_clock(self, at: datetime) -> None:
        """Set its clock to a local time, zone-less.

        Raises:
            TerminalError: it refuses.
        """

        def work(library: Library) -> None:
            library.set_time(at)
            library.refresh_data()

        await self._call("clock --set", work)

    async def restart(self) -> None:
        """Let it restart; it may say yes before it goes down, or just hang up.

        Raises:
            TerminalError: it refuses.
        """
        try:
            await self._call("restart", lambda library: library.restart())
        except ProtocolError:
            raise
        except TerminalError as error:
            if not str(error).startswith((_GONE, "the connection broke")):
                raise

    async def hold(self, seconds: int) -> None:
        """Let nobody punch for a while; it opens again by itself (zk-protocol 1.5).

        Raises:
            TerminalError: it refuses.
        """
        await self._order("hold", CMD_DISABLEDEVICE, _U32.pack(seconds))

    async def release(self) -> None:
        """Let people punch again.

        Raises:
            TerminalError: it refuses.
        """
        await self._order("release", CMD_ENABLEDEVICE, b"")

    async def clear_log(self) -> None:
        """Let it forget every record of attendance.

        Raises:
            TerminalError: it refuses.
        """
        await self._call("clear", lambda library: library.clear_attendance())

    async def _order(self, asked: str, command: int, data: bytes) -> None:
        """Send what pyzk has no call for in this form."""

        def work(library: Library) -> None:
            send: Callable[[int, bytes], dict[str, object]]
            send = library._ZK__send_command  # noqa: SLF001 - pyzk's own sender
            if not send(command, data)["status"]:
                raise TerminalError(f"the terminal does not take «{asked}»")

        await self._call(asked, work)
