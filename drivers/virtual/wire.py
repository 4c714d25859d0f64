"""How a terminal's frames become bytes: with checksums, or with damaged ones.

One `Wire` per terminal, because its faults count over all clients.
"""

import asyncio
import random
import struct
from dataclasses import replace
from typing import NoReturn

from drivers.virtual.config import VirtualConfig
from drivers.virtual.datasets import Outgoing
from drivers.virtual.snapshot import Piece
from drivers.zk.commands import Command
from drivers.zk.packets import HEADER_BYTES, MAGIC, checksum

_FRAMED = struct.Struct("<4sI4H")
_ALL_ONES = 0xFFFF
_WHOLE_PERCENT = 100


class PowerLostError(Exception):
    """The terminal goes down in the middle of a data frame.

    `half` is what still goes out of it.
    """

    def __init__(self, half: bytes) -> None:
        super().__init__("the terminal goes down")
        self.half = half


class Wire:
    """Turns frames into bytes for any of the terminal's clients."""

    def __init__(self, config: VirtualConfig) -> None:
        self._faults = config.faults
        self._slow_seconds = config.faults.slow_ms / 1000
        self._chance = random.Random(config.seed)  # noqa: S311 - loss, no secret
        self._replies = 0
        self.fell_in = 0
        self._data_frames = 0
        self.gap_seconds = config.frame_gap_ms / 1000
        self.reboot_armed = False
        self._falls_at = config.falls_at

    async def tcp(self, frame: Outgoing) -> bytes:
        """Bytes of a frame in a stream, once its data are there.

        Raises:
            PowerLostError: the terminal reboots; half of the frame still goes out.
        """
        return await self._ready(frame, self._framed(frame))

    async def udp(self, frame: Outgoing) -> bytes:
        """Bytes of a datagram, empty when it gets lost on the way.

        Raises:
            PowerLostError: the terminal reboots; nothing of the datagram goes out.
        """
        data = await self._ready(frame, self._framed(frame)[HEADER_BYTES:])
        return b"" if self.lost() else data

    def lost(self) -> bool:
        """Return whether the next datagram vanishes."""
        percent = self._faults.drop_udp
        return bool(percent) and self._chance.random() * _WHOLE_PERCENT < percent

    async def _ready(self, frame: Outgoing, data: bytes) -> bytes:
        """Wait for the data of a slow terminal, or for its end."""
        if self._replies == self._falls_at and frame.command != Command.REGISTER_EVENT:
            self._fall(frame, data)
        if frame.command == Command.DATA:
            if self._slow_seconds:
                await asyncio.sleep(self._slow_seconds)
            self._data_frames += 1
            if self.reboot_armed or self._data_frames == self._faults.reboot_after:
                self.reboot_armed = False
                self._fall(frame, data)
        return data

    def _fall(self, frame: Outgoing, data: bytes) -> NoReturn:
        self.fell_in = frame.command
        raise PowerLostError(data[: len(data) // 2])

    def _framed(self, frame: Outgoing) -> bytes:
        """Prefix, header and data; replies are counted for faults that damage some."""
        flip = 0
        if frame.command != Command.REGISTER_EVENT:
            self._replies += 1
            wrong, bad = self._faults.wrong_reply_id, self._faults.bad_checksum
            if wrong and self._replies % wrong == 0:
                frame = replace(frame, reply_id=(frame.reply_id + 1) & _ALL_ONES)
            flip = int(bool(bad) and self._replies % bad == 0)
        head = _FRAMED.pack(
            MAGIC,
            HEADER_BYTES + len(frame.data),
            frame.command,
            _checksum(frame) ^ flip,
            frame.session,
            frame.reply_id,
        )
        return b"".join((head, frame.data))


def _checksum(frame: Outgoing) -> int:
    """Checksum of a frame from the sum of its data, which a piece brings along."""
    if isinstance(frame, Piece):
        total = frame.total
    else:
        total = checksum(frame.data) ^ _ALL_ONES
    # No command is 0, so a sum that leaves no rest is never an empty one.
    number = frame.command + frame.session + frame.reply_id + total
    return (number % _ALL_ONES or _ALL_ONES) ^ _ALL_ONES
