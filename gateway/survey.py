"""Looks for terminals at addresses and in networks: who answers, and what it says.

Asks and reads only. A network is asked with few questions at a time, because small
switches and old terminals stand in it, and no question waits for long.
"""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from drivers import REGISTRY
from drivers.base import (
    Address,
    AuthError,
    Terminal,
    TerminalError,
    TerminalInfo,
    TerminalUser,
)
from gateway.clock import Now
from gateway.holders import holder
from gateway.probe import TERMINALS, Answer, Found, who_by_any
from gateway.subnets import LARGEST_NETWORK, network

_HOST = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:/\[\]\s]+))(?::(?P<port>\d{1,5}))?"
)
_ROUTES = Path("/proc/net/route")
_AT_ONCE = 96
_SEARCH_SECONDS = 1.0
_ASK_SECONDS = 5.0
_MOST_SECONDS = 180.0
_LAST_PORT = 65535
_ROUTE_UP, _ROUTE_GATEWAY = 1, 2
_NOBODY = frozenset(
    {Answer.NO_ANSWER, Answer.NO_ROUTE, Answer.REFUSED, Answer.UNKNOWN_NAME}
)
Lend = Callable[[str, int], AbstractContextManager[object] | None]
"""What borrows the terminal at (host, port) from who has it; None: nobody known."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address to ask; `named` means that somebody wrote this very address."""

    host: str
    port: int
    named: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What is tried at every place."""

    comm_key: int = 0
    encoding: str = "gb18030"


@dataclass(frozen=True, slots=True)
class Sight:
    """What was found at a place.

    `info` is None where no session came to be; `problem` then says why, when a terminal
    answered. `clock` is the terminal's local time, `asked` ours at that moment.
    """

    place: Place
    found: Found
    info: TerminalInfo | None = None
    clock: str = ""
    asked: datetime | None = None
    users: tuple[TerminalUser, ...] = ()
    problem: str = ""

    def offset_seconds(self, zone: ZoneInfo) -> float | None:
        """Return the terminal's clock minus ours if its zone is `zone`."""
        return None if self.asked is None else offset(self.clock, self.asked, zone)


def offset(shown: str, asked: datetime, zone: tzinfo) -> float | None:
    """Return a clock that showed this, minus ours at that moment, in seconds.

    Terminals show whole seconds; None: what it showed is no date.
    """
    try:
        device = datetime.fromisoformat(shown)
    except ValueError:
        return None
    device = device.replace(tzinfo=zone) + timedelta(seconds=0.5)
    return round((device - asked).total_seconds(), 1)


def places(wanted: Iterable[str], port: int) -> list[Place]:
    """Turn HOST, HOST:PORT and NETWORK/BITS into addresses to ask, none twice.

    Raises:
        ValueError: something is none of these, or a network is too large; in words.
    """
    found: dict[tuple[str, int], Place] = {}
    for text in wanted:
        several = _of_network(text, port) if "/" in text else [_of_host(text, port)]
        for place in several:
            found.setdefault((place.host, place.port), place)
    return list(found.values())


def _of_network(text: str, port: int) -> list[Place]:
    return [Place(str(host), port, named=False) for host in network(text).hosts()]


def _of_host(text: str, port: int) -> Place:
    found = _HOST.fullmatch(text)
    if found:
        host, number = found["six"] or found["host"], int(found["port"] or port)
    else:
        host, number = text, port  # an IPv6 address without brackets, or nothing
    if (not found and not _is_ip(text)) or not 0 < number <= _LAST_PORT:
        raise ValueError(f"{text!r} is no address; write HOST, HOST:PORT or NETWORK/24")
    return Place(host, number, named=True)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def own_networks() -> list[str]:
    """Return the IPv4 networks this machine's interfaces stand in, the small ones.

    From the kernel's list of routes; empty where there is no such list.
    """
    try:
        lines = _ROUTES.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return []
    found: dict[str, None] = {}
    for line in lines:
        name, target, _, flags, *_, mask, _, _, _ = line.split()
        direct = int(flags, 16) & (_ROUTE_UP | _ROUTE_GATEWAY) == _ROUTE_UP
        base, bits = (
            ipaddress.IPv4Address(int(word, 16).to_bytes(4, "little"))
            for word in (target, mask)
        )
        there = ipaddress.ip_network(f"{base}/{bits}")
        if direct and name != "lo" and there.prefixlen >= LARGEST_NETWORK:
            found[str(there)] = None
    return list(found)


async def survey(
    asked: Iterable[Place],
    options: Options,
    now: Now,
    done: Callable[[], None],
    lend: Lend = lambda *_: None,
) -> list[Sight]:
    """Ask every place; return what answered, and every named place whatever it did.

    `done` is called after each place. What takes longer than all may take is given up
    and says so. A terminal that somebody lends is asked while it is lent.
    """
    turn = asyncio.Semaphore(_AT_ONCE)

    async def visit(place: Place) -> Sight:
        async with turn:
            with ExitStack() as lent:
                if loan := lend(place.host, place.port):
                    await asyncio.to_thread(lent.enter_context, loan)
                return await _visit(place, options, now)

    tasks = {asyncio.create_task(visit(place)): place for place in asked}
    for task in tasks:
        task.add_done_callback(lambda _: done())
    if not tasks:
        return []
    _, late = await asyncio.wait(tasks, timeout=_MOST_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    sights = [
        _given_up(place) if task in late else task.result()
        for task, place in tasks.items()
    ]
    return [s for s in sights if s.place.named or s.found.answer not in _NOBODY]


def _given_up(place: Place) -> Sight:
    words = f"not done within {_MOST_SECONDS:g} s for all"
    return Sight(place, Found(Answer.NO_ANSWER, words))


async def _visit(place: Place, options: Options, now: Now) -> Sight:
    address = Address(
        place.host,
        place.port,
        comm_key=options.comm_key,
        encoding=options.encoding,
        timeout_seconds=_ASK_SECONDS if place.named else _SEARCH_SECONDS,
    )
    found = await who_by_any(address)
    if found.answer not in TERMINALS:
        held = "" if _is_nobody(place, found) else await _held(place)
        return Sight(place, found, problem=held and found.words + held)
    address = replace(address, transport=found.transport, timeout_seconds=_ASK_SECONDS)
    try:
        async with _opened(address) as terminal:
            return await _ask(terminal, Sight(place, found), now)
    except AuthError as error:
        problem = str(error)
        if not options.comm_key:
            problem = "it wants its comm key: give it with --key or --key-file"
    except TerminalError as error:
        problem = str(error) + await _held(place)
    return Sight(place, found, problem=problem)


def _is_nobody(place: Place, found: Found) -> bool:
    return not place.named and found.answer in _NOBODY


async def _held(place: Place) -> str:
    """Return who on this machine has a terminal that does not talk to us, and a way."""
    found = await asyncio.to_thread(holder, place.host, place.port)
    return f"; {found.words}" if found else ""


@asynccontextmanager
async def _opened(address: Address) -> AsyncIterator[Terminal]:
    terminal = REGISTRY["zk"].open(address)
    try:
        await terminal.open()
        yield terminal
    finally:
        await terminal.close()


async def _ask(terminal: Terminal, sight: Sight, now: Now) -> Sight:
    """Ask for name plate, clock and users; a list of users may fail by itself."""
    info = await terminal.info()
    before = now()
    clock = await terminal.clock()
    asked = before + (now() - before) / 2
    problem = ""
    users: tuple[TerminalUser, ...] = ()
    try:
        users = tuple(await terminal.users())
    except TerminalError as error:
        problem = f"it does not give its users: {error}"
    return replace(
        sight, info=info, clock=clock, asked=asked, users=users, problem=problem
    )
