"""The stages inside a session: key, serial, counter, clock, log, badges."""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from drivers.base import (
    AuthError,
    Counts,
    ProtocolError,
    RawPunch,
    SilentError,
    Terminal,
    TerminalError,
    UnsupportedError,
)
from gateway.clock import Now
from gateway.core.book import Book
from gateway.core.normalise import readable
from gateway.doctor.checks import Check, Stage, failed, passed
from gateway.doctor.reach import reach
from gateway.poller import Spec
from gateway.settings import AlarmSettings

_BEST_DRIVER = "zk"
_LAST = 200
_NAMED = 10
_HALF_HOUR_SECONDS = 1800
# So near a whole number of half hours a clock is right and its zone is wrong.
_ZONE_SECONDS = 120
_AGAIN = "try again; if it stays so, restart the terminal and look at its network"
_UNREADABLE = (
    "nothing is lost: keep the log in the terminal, save it onto a USB disk from its"
    " menu, and report these words with its model and firmware (punchgate terminal"
    " info)"
)


@dataclass(frozen=True, slots=True)
class Case:
    """The terminal that is looked at, and what it is held against.

    `path` is the configuration it stands in.
    """

    spec: Spec
    book: Book
    alarms: AlarmSettings
    now: Now
    path: Path


@dataclass(slots=True)
class _Seen:
    """What one session brought; errors stay for the stage they belong to."""

    before: Counts
    after: Counts
    offset: float | str | TerminalError
    log: list[RawPunch] | TerminalError
    held: int


async def examine(case: Case) -> AsyncIterator[Check]:
    """Yield the checks of a terminal, ending at the first failure."""
    for check in await reach(case.spec.address):
        yield check
        if not check.passed:
            return
    terminal = case.spec.driver.open(case.spec.address)
    try:
        async for check in _session(case, terminal):
            yield check
            if not check.passed:
                return
    finally:
        await terminal.close()


async def _session(case: Case, terminal: Terminal) -> AsyncIterator[Check]:
    """Yield the checks of a session; the caller stops at the first failure."""
    try:
        serial = await terminal.open()
    except AuthError as error:
        yield failed(Stage.KEY, str(error), _do_key(case))
        return
    except UnsupportedError as error:
        yield failed(Stage.SERIAL, str(error), _UNREADABLE)
        return
    except TerminalError as error:
        yield failed(Stage.KEY, f"no session: {error}", _AGAIN)
        return
    yield passed(Stage.KEY, "the terminal lets us in" + _open_to_all(case))
    yield _serial(case, serial)
    try:
        seen = await _look(case, terminal)
    except TerminalError as error:
        yield failed(Stage.COUNTER, f"it does not say what it holds: {error}", _AGAIN)
        return
    yield _counter(seen)
    yield _clock(case, seen.offset)
    yield _log(case, seen)
    yield _badges(case, seen.log if isinstance(seen.log, list) else [])


def _open_to_all(case: Case) -> str:
    if case.spec.address.comm_key:
        return ""
    return "; it has no comm key, so it lets in everybody who reaches it"


def _do_key(case: Case) -> str:
    wanted = (
        "compare the key in the file that comm_key_file names"
        if case.spec.address.comm_key
        else "write the key into a file, name the file as comm_key_file; compare it"
    )
    return (
        f"{wanted} with the terminal's communication menu (comm key, device password)"
    )


def _serial(case: Case, serial: str) -> Check:
    if not case.spec.serial:
        words = f"it is {serial}; neither a book nor gateway.toml says which it must be"
        return passed(Stage.SERIAL, words)
    if serial == case.spec.serial:
        return passed(Stage.SERIAL, f"it is {serial}, as the book says")
    return failed(
        Stage.SERIAL,
        f"serial {serial} answers where the book has {case.spec.serial}",
        "put the right terminal at this address; if it was exchanged for good, correct"
        f" serial of terminal {case.spec.id} in the book",
    )


async def _look(case: Case, terminal: Terminal) -> _Seen:
    """Ask everything that later stages judge.

    Raises:
        TerminalError: it does not say what it holds.
    """
    before = await terminal.counts()
    try:
        offset: float | str | TerminalError = await _offset(case, terminal)
    except TerminalError as error:
        offset = error
    try:
        log, held = await _tail(terminal, before.records)
        after = await terminal.counts()
    except TerminalError as error:
        return _Seen(before, before, offset, error, before.records)
    return _Seen(before, after, offset, log, held)


async def _offset(case: Case, terminal: Terminal) -> float | str:
    """Return the terminal's clock minus ours in seconds, or what it shows instead."""
    asked = case.now()
    shown = await terminal.clock()
    middle = asked + (case.now() - asked) / 2
    device = readable(shown)
    if device is None:
        return shown
    device = device.replace(tzinfo=ZoneInfo(case.spec.zone))
    return (device + timedelta(seconds=0.5) - middle).total_seconds()


async def _tail(terminal: Terminal, counted: int) -> tuple[list[RawPunch], int]:
    """Return the last records, and how many there are in truth."""
    starts = [max(counted - _LAST, 0)]
    if starts[0]:
        starts.append(0)  # a counter that says too much points behind the end
    for start in starts:
        last: deque[RawPunch] = deque(maxlen=_LAST)
        async for piece in terminal.read(start):
            last += piece
        if last:
            return list(last), last[-1].position + 1
    return [], 0


def _counter(seen: _Seen) -> Check:
    counted, again = seen.before.records, seen.after.records
    if counted < 0 or isinstance(seen.log, TerminalError):
        return passed(Stage.COUNTER, f"it counts {max(counted, 0)} records")
    if min(counted, again) <= seen.held <= max(counted, again):
        return passed(Stage.COUNTER, f"it counts {again} records and holds as many")
    return failed(
        Stage.COUNTER,
        f"it counts {again} records and its log holds {seen.held}",
        "nothing is lost, the log itself is read; restart the terminal when nobody"
        " punches, and if it still miscounts, ask its seller for other firmware",
    )


def _clock(case: Case, offset: float | str | TerminalError) -> Check:
    if isinstance(offset, TerminalError):
        return failed(Stage.CLOCK, f"it does not say its time: {offset}", _AGAIN)
    if isinstance(offset, str):
        do = "set date and time in its menu; a new battery if it forgets them again"
        return failed(Stage.CLOCK, f"its clock shows no date: {offset}", do)
    if abs(offset) <= case.alarms.clock_warn_seconds:
        return passed(Stage.CLOCK, f"its clock is off by {offset:+.0f} s")
    halves = round(offset / _HALF_HOUR_SECONDS)
    if halves and abs(offset - halves * _HALF_HOUR_SECONDS) <= _ZONE_SECONDS:
        return failed(
            Stage.CLOCK,
            f"its clock is off by {halves / 2:+g} hours: probably another time zone",
            f"compare the zone in its menu with {case.spec.zone}, which the book has"
            " for it; correct the one that is wrong",
        )
    return failed(
        Stage.CLOCK,
        f"its clock is off by {offset:+.0f} s",
        "see that the clock of this machine is right (timedatectl), then set the"
        " terminal's in its menu; punchgate never sets it",
    )


def _log(case: Case, seen: _Seen) -> Check:
    if isinstance(seen.log, TerminalError):
        words, do = f"its log does not come: {seen.log}", _AGAIN
        if isinstance(seen.log, UnsupportedError | ProtocolError):
            words, do = str(seen.log), _UNREADABLE
            if "unsupported" not in words:
                words = f"unsupported: {words}"
        elif isinstance(seen.log, SilentError):
            do = "raise timeout_seconds of this terminal, and look at its network"
        if case.spec.driver.name != _BEST_DRIVER:
            do = f'write driver = "{_BEST_DRIVER}" for it: that reads more terminals'
        return failed(Stage.LOG, words, do)
    if not seen.log:
        return passed(Stage.LOG, "its log is empty")
    bad = sum(readable(punch.at) is None for punch in seen.log)
    also = f", {bad} of them with impossible dates" if bad else ""
    words = f"its last {len(seen.log)} records are readable{also}"
    return passed(Stage.LOG, words)


def _badges(case: Case, log: list[RawPunch]) -> Check:
    days = {(p.badge, at.date()) for p in log if (at := readable(p.at)) is not None}
    unknown = {
        badge
        for badge, day in days
        if case.book.person_of(case.spec.id, badge, day) is None
    }
    badges = {badge for badge, _ in days}
    if not unknown:
        words = f"the book knows all {len(badges)} badges of its last records"
        return passed(Stage.BADGE, words if badges else "nobody has punched yet")
    records = sum(punch.badge in unknown for punch in log)
    named = ", ".join(sorted(unknown)[:_NAMED]) + (", …" * (len(unknown) > _NAMED))
    return failed(
        Stage.BADGE,
        f"{records} of its last {len(log)} records are of badges that nobody had then:"
        f" {named}",
        "give each an [[enrolments]] row in the book; «punchgate init --print"
        f" {case.spec.address.host}:{case.spec.address.port} -c {case.path}» shows rows"
        " for all users of this terminal",
    )


def held(line: Mapping[str, Any], why: str) -> Check:
    """Return what is known of a terminal that the daemon has and does not lend."""
    words = f"the daemon has this terminal and does not lend it ({why})"
    if line["online"]:
        words += (
            f"; it reads it: {line['in_terminal']} records, log last read"
            f" {line['last_read']}"
        )
        return passed(Stage.TCP, words)
    do = "stop the daemon for a moment (systemctl stop punchgate) and ask again"
    return failed(Stage.TCP, f"{words}, and cannot reach it: {line['error']}", do)
