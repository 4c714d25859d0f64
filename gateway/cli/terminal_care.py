"""`punchgate terminal voice|restart|clock|clear`: what is done to a terminal by hand.

All but the voice change something: they need a configured terminal, so that its serial
is known and the deed is written down here and at the centre.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from drivers.base import Terminal, TerminalError
from drivers.pyzk_care import VOICES, PyzkCare
from gateway import clearing, terminal_care
from gateway.cli.app import (
    USAGE,
    ConfigOption,
    JsonOption,
    config_path,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.cli.handing import UntoldError, tell
from gateway.cli.target import Target, held, target
from gateway.cli.terminal import (
    DriverOption,
    Key,
    Udp,
    Where,
    address_of,
    ask_terminal,
    terminal_app,
)
from gateway.clock import text
from gateway.control import LeaseLostError
from gateway.errors import ConfigError
from gateway.handwork import Deed
from gateway.people_apply import Place
from gateway.settings import Confirm, DriverName, Loaded, load
from gateway.store import journal
from gateway.store.drain import Reader
from gateway.survey import offset
from gateway.terminals import spec_of

T = TypeVar("T")
_PATIENCE_SECONDS = 10.0

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID", show_default=False, help="Id of a configured terminal."
    ),
]


@terminal_app.command()
def voice(
    where: Where,
    index: Annotated[
        int,
        typer.Option(min=VOICES[0], max=VOICES[-1], help="0: thank you; 10: a beep."),
    ] = 0,
    key: Key = 0,
    config: ConfigOption = None,
) -> None:
    """Let a terminal speak, so that you find it on the wall."""
    found = target(where, config, address_of(key, udp=False))
    if not asyncio.run(_speak(found, index)):
        fail(f"the terminal has no sentence {index}")
    say(f"it spoke sentence {index}")


async def _speak(found: Target, index: int) -> bool:
    with held(found):
        terminal = PyzkCare(found.address)
        try:
            await terminal.open()
            return await terminal.voice(index)
        except TerminalError as error:
            fail(f"{found.address.host}:{found.address.port}: {error}")
        finally:
            await terminal.close()


@terminal_app.command()
def clock(
    where: Where,
    set_: Annotated[
        bool,
        typer.Option("--set", help="Set it to the time of the site; needs an id."),
    ] = False,
    key: Key = 0,
    udp: Udp = False,
    driver: DriverOption = DriverName.ZK,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the terminal's clock beside ours; --set sets it, which is written down."""
    if set_:
        before, shown, ours = _set_clock(where, config)
        rows = {"before": before, "terminal": shown, "gateway": ours}
        show_json(rows) if as_json else _show_clock(rows)
        return
    meant, now = target(where, config, address_of(key, udp=udp)), now_of_process()

    async def question(terminal: Terminal) -> tuple[str, datetime]:
        asked = now()
        shown = await terminal.clock()
        return shown, asked + (now() - asked) / 2

    said = ask_terminal(driver, meant, question)
    shown, asked = said.answer
    here = asked.astimezone(ZoneInfo(meant.zone) if meant.zone else None)
    off = offset(shown, here, here.tzinfo or UTC)
    rows = {"terminal": shown, "gateway": text(here)}
    if as_json:
        show_json({**rows, "offset_seconds": off, "timezone": meant.zone or None})
    else:
        _show_clock({**rows, "offset": _difference(off, meant.zone, here)})
    said.end()


def _show_clock(rows: Mapping[str, str]) -> None:
    for name, value in rows.items():
        say(f"{name:<8} {value}")


def _difference(off: float | None, zone: str, here: datetime) -> str:
    """Say what a clock is off by, and in which zone that is meant."""
    if off is None:
        return "unknown: the terminal shows no date"
    if zone:
        return f"{off:+g} s, the terminal minus ours, in {zone}"
    return (
        f"{off:+g} s, the terminal minus ours, if it stands in this machine's zone"
        f" (UTC{here:%z}); its own is not configured"
    )


def _set_clock(where: str, config: Path | None) -> tuple[str, str, str]:
    loaded, place = _place(where, config)
    now, zone = now_of_process(), ZoneInfo(loaded.book.zone(place.terminal))

    def wanted() -> datetime:
        # Half a second more: what is cut off is as often too much as too little.
        moment = now().astimezone(zone) + timedelta(seconds=0.5)
        return moment.replace(tzinfo=None)

    deed = partial(_tell, loaded, place)
    before, shown = _done(terminal_care.set_clock(place, deed, wanted))
    return before, shown, text(now().astimezone(zone))


@terminal_app.command()
def restart(
    where: Id,
    wait: Annotated[
        float, typer.Option(min=1, help="Seconds until it must be back.")
    ] = 180.0,
    config: ConfigOption = None,
) -> None:
    """Restart a terminal and wait until it is back; written down before and after."""
    loaded, place = _place(where, config)
    deed = partial(_tell, loaded, place)
    passed = _done(terminal_care.restart(place, deed, wait))
    say(f"{place.terminal} ({place.serial}) is back after {passed:.0f} s")


@terminal_app.command()
def clear(
    where: Id,
    export: Annotated[
        Path | None,
        typer.Option(help="New file for the log; else one in the data folder."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Clear a terminal's log: all of it at the centre, exported, serial typed by hand.

    Refused when one record is not acknowledged, or a punch comes in between.
    """
    loaded, place = _place(where, config)
    if loaded.settings.mqtt.confirm is not Confirm.CENTRAL:
        fail('confirm = "broker": no centre says what it has; nothing is cleared')
    reader = Reader(loaded.data_dir / journal.FILE)
    try:
        reader.open()
        _clear(loaded, place, reader, export)
    except sqlite3.Error as error:
        fail(f"the journal in {loaded.data_dir} cannot be read: {error}")
    finally:
        reader.close()


def _clear(loaded: Loaded, place: Place, reader: Reader, export: Path | None) -> None:
    stamp = f"{now_of_process()():%Y%m%dT%H%M%S.%f}"  # tried again, another file
    path = export or loaded.data_dir / "cleared" / f"{place.serial}-{stamp}.jsonl"

    async def prepare() -> clearing.LogCopy:
        copy = await clearing.read_log(place)
        await clearing.check_delivered(copy, reader, place.serial, _PATIENCE_SECONDS)
        clearing.export(copy, path)
        return copy

    copy = _done(prepare())
    say(f"{place.terminal}: {len(copy.punches):,} records, all at the centre")
    say(f"exported to {path}")
    sys.stdout.write("This cannot be undone. Type the serial of the terminal: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != place.serial:
        fail("that is not its serial; nothing was cleared")
    check = partial(
        clearing.check_delivered, copy, reader, place.serial, _PATIENCE_SECONDS
    )
    deed = partial(_tell, loaded, place)
    gone = _done(clearing.clear(place, deed, copy, path, check))
    say(f"{gone:,} records cleared on {place.terminal}; the daemon will say so too")


def _place(where: str, config: Path | None) -> tuple[Loaded, Place]:
    """Return the configuration and its terminal of this id, or end."""
    try:
        loaded = load(config_path(config))
        found = {one.id: one for one in loaded.settings.terminals}
        if where not in found:
            known = ", ".join(found)
            fail(
                f"no terminal {where!r} in the configuration; there are: {known}", USAGE
            )
        address = spec_of(loaded, found[where]).address
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)
    serial = loaded.book_serial(where)
    if not serial:
        fail(f"the book has no serial of {where}: nothing is done to it", USAGE)
    meant = Target(address, where, loaded.data_dir)
    return loaded, Place(where, serial, address, partial(held, meant))


async def _tell(loaded: Loaded, place: Place, deed: Deed) -> None:
    await tell(loaded, place.terminal, [deed])


def _done(work: Awaitable[T]) -> T:
    """Do it; what goes wrong ends the command in words."""

    async def do() -> T:
        return await work

    try:
        return asyncio.run(do())
    except (terminal_care.CareError, LeaseLostError, UntoldError) as error:
        fail(str(error))
