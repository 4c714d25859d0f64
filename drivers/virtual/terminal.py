"""The virtual terminal as a TCP and UDP server in the running event loop."""

import asyncio
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

from drivers.attlog import AttlogLine
from drivers.base import RawPunch, TerminalUser
from drivers.virtual.clients import Clients
from drivers.virtual.config import VirtualConfig
from drivers.virtual.device import Device
from drivers.virtual.session import Session
from drivers.virtual.tcp import TcpPort
from drivers.virtual.udp import UdpPort
from drivers.virtual.wire import Wire
from drivers.zk.operations import Operation

_BIND_TRIES = 100
_REBIND_SECONDS = 0.05
_ACCEPTING_STEPS = 3
_RESTART_SECONDS = 0.05


class VirtualTerminal:
    """A terminal on one port between `start` and `stop` (or inside `async with`).

    Not for use from other threads: it lives in the event loop that started it.

    Raises:
        VirtualError: a configuration no terminal can have.
    """

    def __init__(self, config: VirtualConfig | None = None) -> None:
        self.config = config or VirtualConfig()
        self.config.check()
        self._device = Device(self.config)
        self._device.restart = self._restart
        self._clients = Clients(self._device, self.config)
        self._wire = Wire(self.config)
        shared = (self.config, self._clients, self._wire, self._start, self._fall)
        self._tcp = TcpPort(*shared)
        self._udp = UdpPort(*shared, Session(self._device, 0, datagrams=True))
        self._port = self.config.port
        self._udp_port = 0
        self._loaded = False
        self._running = False
        self._down = False
        self._fell_in: tuple[int, int] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Load users and log, and listen.

        Raises:
            VirtualError: a layout, user or record this terminal cannot hold.
            OSError: the port is not to be had.
        """
        self.load()
        self._device.memory.spoil_date()
        self._device.power_on()
        self._port, self._udp_port = await self._listen(0.0)
        self._running = True

    def load(self) -> None:
        """Take users and log of the configuration; `start` does it when nobody did.

        Raises:
            VirtualError: a user or record this terminal cannot hold.
        """
        if not self._loaded:
            self._loaded = True
            self._device.memory.load(self.config.users, self.config.log)
            self._device.operations.add(self.config.operations)

    async def stop(self) -> None:
        """Close the ports, drop every client and wait until all is quiet."""
        self._unplug()
        # Whoever was accepted at this very moment becomes a client first: a loop that
        # ends before would leave the socket to the garbage collector.
        for _ in range(_ACCEPTING_STEPS):
            await asyncio.sleep(0)
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)  # those done before: no step is taken
        self._unplug()  # a reboot may have come up in between

    @property
    def port(self) -> int:
        """TCP port, known once the terminal listens; the same after a reboot."""
        return self._port

    @property
    def udp_port(self) -> int:
        """UDP port, known once the terminal listens; the TCP number unless given."""
        return self._udp_port

    @property
    def serial(self) -> str:
        """Serial number the terminal states now."""
        return self._device.serial

    @property
    def users(self) -> Sequence[TerminalUser]:
        """Everybody enrolled now, decoded."""
        return self._device.memory.users.known()

    @property
    def user_bytes(self) -> bytes:
        """Return the records of all users as a client would get them."""
        return self._device.memory.users.snapshot().data

    @property
    def fingers(self) -> int:
        """How many fingers are enrolled."""
        return self._device.memory.users.fingers

    def enrol(self, slot: int) -> None:
        """Somebody lays a finger on for the user of a slot."""
        self._device.memory.users.enrol(slot)

    @property
    def records(self) -> list[RawPunch]:
        """Return the log as it stands in the terminal, decoded anew at each call."""
        return self._device.memory.punches(self.serial)

    @property
    def fetched(self) -> list[RawPunch]:
        """Return what clients fetched and were done with, if it was to be kept.

        Never more than they have: an answer that may not have come is not counted.
        """
        kept: dict[str, list[bytes]] = {}
        for serial, record in self._device.fetched:
            kept.setdefault(serial, []).append(record)
        decoded = self._device.memory.decoded
        return [one for serial in kept for one in decoded(serial, kept[serial])]

    @property
    def reading(self) -> int:
        """How many clients have a log or other data prepared for them now."""
        return self._clients.reading

    @property
    def fell_in(self) -> tuple[int, int] | None:
        """Command asked last and reply that was cut when the power went, if it did."""
        return self._fell_in

    @property
    def refused(self) -> list[int]:
        """Commands that would have changed the terminal, in the order they came."""
        return self._device.refused

    @property
    def obeyed(self) -> list[int]:
        """Restarts, clocks set and logs cleared from afar, in the order they came."""
        return self._device.obeyed

    @property
    def clears(self) -> int:
        """How often the log was cleared."""
        return self._device.clears

    @property
    def template_requests(self) -> list[int]:
        """Commands that asked for fingers, faces or photos: a gateway sends none."""
        return self._device.template_requests

    @property
    def sessions(self) -> int:
        """Clients connected now."""
        return len(self._clients)

    @property
    def full(self) -> bool:
        """Whether the log holds all it can."""
        return self._device.memory.full

    @property
    def operations(self) -> list[Operation]:
        """Return the operation log as it stands in the terminal, decoded anew."""
        return self._device.operations.operations()

    def asked(self, command: int) -> int:
        """How often this command came, over all sessions."""
        return self._device.asked[command]

    def punch(
        self, badge: str, at: str | None = None, verify: int = 1, state: int = 0
    ) -> str:
        """Somebody punches: a record, and an event to every listening session.

        `at` is device local time `YYYY-MM-DDTHH:MM:SS`, the device's own clock when
        left out; returned as written.

        Raises:
            ValueError: a badge, time or code that no record can hold.
        """
        text = at or self._device.time_text()
        self.add(AttlogLine(badge, text, state=state, verify=verify))
        return text

    def add(self, line: AttlogLine, *, announce: bool = True) -> None:
        """Append a log line to the memory; before `start` only after `load`.

        Raises:
            ValueError: a badge, time or code that no record can hold.
        """
        event = self._device.memory.add(line)
        if self._running:
            self._device.memory.spoil_date()
        if announce:
            self._clients.announce(event)

    def clear(self) -> None:
        """Forget the log, as an administrator at the menu does."""
        self._device.clear()

    def operate(
        self,
        code: int,
        admin: int = 0,
        parameters: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        """Somebody does something at the menu: a line of the operation log, now.

        Raises:
            ValueError: a number that no record can hold.
        """
        self._device.operate(code, admin, parameters)

    def device_time(self) -> str:
        """Local time the terminal shows now, `YYYY-MM-DDTHH:MM:SS`."""
        return self._device.time_text()

    def fail_next_read(self) -> None:
        """Arm a reboot in the middle of the next data frame, whoever reads it."""
        self._wire.reboot_armed = True

    async def reboot(self) -> None:
        """Drop every client, refuse new ones for `reboot_seconds`, then serve again.

        The log survives, sessions do not. A terminal that is down stays down.
        """
        if self._down:
            return
        self._down = True
        self._unplug()
        self._device.reboots += 1
        await asyncio.sleep(self.config.reboot_seconds)
        self._device.power_on()
        await self._listen(_REBIND_SECONDS)
        self._down = False

    def _restart(self) -> None:
        """Go down as asked, once the answer had its moment to leave."""

        async def soon() -> None:
            await asyncio.sleep(_RESTART_SECONDS)
            await self.reboot()

        self._start(soon())

    def _fall(self) -> None:
        """Reboot, but not as part of what noticed it."""
        self._fell_in = self._device.asked_last, self._wire.fell_in
        self._start(self.reboot())

    def _unplug(self) -> None:
        self._tcp.unplug()
        self._udp.unplug()

    async def _listen(self, wait_seconds: float) -> tuple[int, int]:
        """Bind both ports; return their numbers.

        A number that is free for TCP may be taken for UDP, and after a reboot somebody
        else may sit on a port for a moment: then it is tried again.
        """
        again = self._port == 0 or self._running
        for _ in range(_BIND_TRIES - 1 if again else 0):
            try:
                return await self._bind()
            except OSError:
                await asyncio.sleep(wait_seconds)
        return await self._bind()

    async def _bind(self) -> tuple[int, int]:
        port = await self._tcp.listen(self._port)
        wanted = self.config.udp_port
        if self._running:
            wanted = self._udp_port
        elif wanted is None:
            wanted = port
        try:
            return port, await self._udp.listen(wanted)
        except OSError as error:
            self._tcp.unplug()  # or the next try finds this port taken by ourselves
            raise OSError(
                error.errno, f"UDP port {wanted}: {error.strerror}"
            ) from error

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
