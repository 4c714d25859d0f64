"""How a terminal's frames go out: paced, cut, glued, damaged, or cut off by a reboot.

One `Wire` per terminal, because its faults count over all connections.
"""

import asyncio
from dataclasses import replace

from drivers.virtual.faults import Faults
from drivers.zk.commands import Command
from drivers.zk.packets import PREFIX_BYTES, Frame

_CHECKSUM_AT = PREFIX_BYTES + 2


class PowerLostError(Exception):
    """The terminal goes down in the middle of a data frame; half of it has gone out."""


class Wire:
    """Sends frames to any of the terminal's clients."""

    def __init__(self, faults: Faults, frame_gap_ms: int) -> None:
        self._faults = faults
        self._gap_seconds = frame_gap_ms / 1000
        self._slow_seconds = faults.slow_ms / 1000
        self._replies = 0
        self._data_frames = 0
        self.reboot_armed = False

    async def send(self, writer: asyncio.StreamWriter, frames: list[Frame]) -> None:
        """Send an answer.

        Raises:
            PowerLostError: half of a data frame went out and the terminal reboots.
            OSError: the client has gone.
        """
        glued = b""
        for frame in frames:
            data = self._encode(frame)
            if frame.command == Command.DATA:
                await asyncio.sleep(self._slow_seconds)
                if self._reboot_strikes():
                    await self._write(writer, glued + data[: len(data) // 2])
                    raise PowerLostError
            if self._faults.coalesce:
                glued += data
                continue
            await self._write(writer, data)
            if self._gap_seconds:
                await asyncio.sleep(self._gap_seconds)
        await self._write(writer, glued)

    def _reboot_strikes(self) -> bool:
        self._data_frames += 1
        if self.reboot_armed or self._data_frames == self._faults.reboot_after:
            self.reboot_armed = False
            return True
        return False

    def _encode(self, frame: Frame) -> bytes:
        """Bytes of a frame; replies are counted for the faults that damage some."""
        if frame.command == Command.REGISTER_EVENT:
            return frame.to_tcp()
        self._replies += 1
        wrong, bad = self._faults.wrong_reply_id, self._faults.bad_checksum
        if wrong and self._replies % wrong == 0:
            frame = replace(frame, reply_id=(frame.reply_id + 1) & 0xFFFF)
        data = frame.to_tcp()
        if bad and self._replies % bad == 0:
            damaged = bytearray(data)
            damaged[_CHECKSUM_AT] ^= 1
            return bytes(damaged)
        return data

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        step = self._faults.split_bytes or len(data) or 1
        for at in range(0, len(data), step):
            writer.write(data[at : at + step])
            await writer.drain()
