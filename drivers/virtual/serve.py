"""The command `punchgate virtual`: one terminal in a process of its own.

Prints `ready tcp=PORT udp=PORT` when it listens. SIGTERM or SIGINT ends it, SIGUSR1
arms a reboot in the middle of the next data frame.
"""

import asyncio
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from drivers.attlog import AttlogLine
from drivers.virtual.config import Full, VirtualConfig
from drivers.virtual.errors import VirtualError
from drivers.virtual.faults import parse_faults
from drivers.virtual.lists import read_operations, read_users
from drivers.virtual.logfile import LogFile
from drivers.virtual.terminal import VirtualTerminal

EXIT_OK = 0
EXIT_USAGE = 2

_WATCH_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """The command's options.

    `attlog` is the terminal's memory and is made when absent. `live_seconds` (0: off)
    is real time between punches of a random user; `seed` makes them, and the loss of
    datagrams, repeatable. Without a `capacity` the log is never full.
    `timezone` (empty: that of `now`) is the zone whose wall time the terminal shows.
    """

    serial: str
    attlog: Path
    users: Path | None = None
    host: str = "127.0.0.1"
    port: int = 4370
    udp_port: int | None = None
    layout: str = "40"
    comm_key: int = 0
    encoding: str = "gb18030"
    timezone: str = ""
    clock_offset_seconds: int = 0
    capacity: int | None = None
    full: str = Full.REFUSE
    operations: Path | None = None
    live_seconds: float = 0.0
    seed: int | None = None
    frame_gap_ms: int = 0
    faults: tuple[str, ...] = ()
    care: bool = False


def serve(config: ServeConfig, now: Callable[[], datetime]) -> int:
    """Run until SIGTERM or SIGINT; return the exit code.

    `now` gives an aware time, the story clock where there is one. What cannot be done
    as asked is one sentence on stderr and exit code 2.
    """
    try:
        terminal = VirtualTerminal(_terminal_config(config, now))
        asyncio.run(_run(config, terminal))
    except VirtualError as error:
        _complain(str(error))
        return EXIT_USAGE
    except OSError as error:
        _complain(f"{config.attlog}, {config.host}:{config.port}: {error}")
        return EXIT_USAGE
    return EXIT_OK


def _terminal_config(config: ServeConfig, now: Callable[[], datetime]) -> VirtualConfig:
    clock = now
    if config.timezone:
        try:
            zone = ZoneInfo(config.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise VirtualError(f"no time zone {config.timezone!r}") from error

        def clock() -> datetime:
            return now().astimezone(zone)

    users = read_users(config.users) if config.users else ()
    if config.live_seconds and not users:
        raise VirtualError("--live needs users: somebody must punch")
    return VirtualConfig(
        host=config.host,
        port=config.port,
        udp_port=config.udp_port,
        serial=config.serial,
        users=users,
        layout=config.layout,
        comm_key=config.comm_key,
        encoding=config.encoding,
        clock=clock,
        clock_offset_seconds=config.clock_offset_seconds,
        capacity=config.capacity,
        full=_full(config.full),
        operations=read_operations(config.operations) if config.operations else (),
        seed=config.seed,
        report=_complain,
        frame_gap_ms=config.frame_gap_ms,
        faults=parse_faults(config.faults),
        care=config.care,
    )


def _full(text: str) -> Full:
    try:
        return Full(text)
    except ValueError as error:
        raise VirtualError(
            f"no way to be full {text!r}; there are: {', '.join(Full)}"
        ) from error


async def _run(config: ServeConfig, terminal: VirtualTerminal) -> None:
    """Serve, watch the file and punch until a signal comes."""
    file = LogFile(config.attlog, _complain)
    file.create()
    terminal.load()
    file.poll(lambda line: terminal.add(line, announce=False))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGUSR1, terminal.fail_next_read)
    async with terminal:
        sys.stdout.write(f"ready tcp={terminal.port} udp={terminal.udp_port}\n")
        sys.stdout.flush()
        tasks = [asyncio.create_task(_watch(file, terminal))]
        if config.live_seconds:
            tasks.append(asyncio.create_task(_punch(config, file, terminal)))
        ending = asyncio.create_task(ended.wait())
        await asyncio.wait([ending, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in (ending, *tasks):
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


async def _watch(file: LogFile, terminal: VirtualTerminal) -> None:
    """Turn lines that others add into live punches."""
    clears = terminal.clears
    while True:
        if terminal.clears != clears:  # by a client: the file is its memory
            file.empty()
            clears = terminal.clears
        if file.shrunk():
            terminal.clear()
            clears = terminal.clears
            file.poll(lambda line: terminal.add(line, announce=False))
        file.poll(terminal.add)
        await asyncio.sleep(_WATCH_SECONDS)


async def _punch(config: ServeConfig, file: LogFile, terminal: VirtualTerminal) -> None:
    """Let a random user punch now and then; the file is told first, as by others."""
    chance = random.Random(config.seed)  # noqa: S311 - invented people, no secret
    while True:
        await asyncio.sleep(config.live_seconds)
        if terminal.full and config.full == Full.REFUSE:
            continue  # nobody punches at a terminal that says it is full
        user = chance.choice(terminal.users)
        file.append(AttlogLine(user.badge, terminal.device_time()))
        file.poll(terminal.add)


def _complain(sentence: str) -> None:
    sys.stderr.write(f"punchgate virtual: {sentence}\n")
    sys.stderr.flush()
