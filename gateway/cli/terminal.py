"""Ask one terminal directly: who it is, its log, its users."""

import asyncio
import csv
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

import typer

from drivers import REGISTRY
from drivers.attlog import AttlogLine, format_line
from drivers.base import Address, RawPunch, Terminal, TerminalError
from gateway.cli.app import (
    PROBLEM,
    ConfigOption,
    JsonOption,
    app,
    fail,
    say,
    show_json,
)
from gateway.cli.target import Target, held, target
from gateway.core.normalise import readable
from gateway.holders import holder
from gateway.settings import DriverName

T = TypeVar("T")
_COLUMNS = ("serial", "badge", "at", "verify", "state", "position", "raw")

terminal_app = typer.Typer(
    help="One terminal: asked directly, found, tended; only tending changes it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(terminal_app, name="terminal")

Where = Annotated[
    str,
    typer.Argument(
        metavar="HOST[:PORT]",
        show_default=False,
        help="Or the id of a configured terminal; the daemon lends it for a while.",
    ),
]
Key = Annotated[int, typer.Option("--key", help="Comm key of the terminal.")]
Udp = Annotated[bool, typer.Option("--udp", help="Speak UDP instead of TCP.")]
DriverOption = Annotated[DriverName, typer.Option("--driver", help="Who reads it.")]
Encoding = Annotated[str, typer.Option(help="Of names on the terminal.")]


class Format(StrEnum):
    """How records are written."""

    JSONL = "jsonl"
    CSV = "csv"
    ATTLOG = "attlog"


def address_of(key: int, *, udp: bool, encoding: str = "gb18030") -> Address:
    """Return what the options of a command say of a terminal's address."""
    transport = "udp" if udp else "tcp"
    return Address("", transport=transport, comm_key=key, encoding=encoding)


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """What a terminal answered; `stranger`: its serial is not the one of the book."""

    answer: T
    stranger: bool

    def end(self) -> None:
        """End the command with 1 where a stranger answered."""
        if self.stranger:
            raise typer.Exit(PROBLEM)


def ask_terminal(
    driver: DriverName, found: Target, question: Callable[[Terminal], Awaitable[T]]
) -> Said[T]:
    """Open a session, ask, close it; a terminal's error ends the command in words.

    Another serial than the book's is said at once, and the answer given all the same.
    """

    async def session() -> Said[T]:
        terminal = REGISTRY[driver].open(found.address)
        try:
            serial = await terminal.open()
            stranger = bool(found.serial) and serial != found.serial
            if stranger:
                sys.stderr.write(
                    f"punchgate: serial {_clean(serial)} answers, the book has"
                    f" {found.serial} for {found.id}: this is another terminal\n"
                )
            return Said(await question(terminal), stranger)
        finally:
            await terminal.close()

    where = found.address
    with held(found):
        try:
            return asyncio.run(session())
        except TerminalError as error:
            other = holder(where.host, where.port)
            words = f"; {other.words}" if other else ""
            fail(f"{where.host}:{where.port}: {error}{words}")


@terminal_app.command()
def info(
    where: Where,
    key: Key = 0,
    udp: Udp = False,
    driver: DriverOption = DriverName.ZK,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who answers: serial, firmware, counts."""

    async def question(terminal: Terminal) -> dict[str, Any]:
        return asdict(await terminal.info())

    said = ask_terminal(
        driver, target(where, config, address_of(key, udp=udp)), question
    )
    if as_json:
        show_json(said.answer)
    else:
        for name, value in said.answer.items():
            say(f"{name.replace('_', ' '):<16} {_clean(str(value))}")
    said.end()


@terminal_app.command()
def users(
    where: Where,
    key: Key = 0,
    udp: Udp = False,
    driver: DriverOption = DriverName.ZK,
    config: ConfigOption = None,
    encoding: Encoding = "gb18030",
    as_json: JsonOption = False,
) -> None:
    """List the users of a terminal; never templates."""

    async def question(terminal: Terminal) -> list[dict[str, Any]]:
        return [asdict(user) for user in await terminal.users()]

    address = target(where, config, address_of(key, udp=udp, encoding=encoding))
    said = ask_terminal(driver, address, question)
    if as_json:
        show_json(said.answer)
    else:
        for one in said.answer:
            badge, name = _clean(one["badge"]), _clean(one["name"])
            say(f"{one['slot']:>5}  {badge:<24}  {name}")
    said.end()


@terminal_app.command()
def read(
    where: Where,
    key: Key = 0,
    udp: Udp = False,
    driver: DriverOption = DriverName.ZK,
    config: ConfigOption = None,
    form: Annotated[
        Format, typer.Option("--format", help="How to write the records.")
    ] = Format.JSONL,
    tail: Annotated[
        int | None, typer.Option(min=1, help="Only the last N records.")
    ] = None,
) -> None:
    """Print the terminal's log; records with impossible dates are named on stderr."""

    async def question(terminal: Terminal) -> list[RawPunch]:
        held = (await terminal.counts()).records
        start = max(held - tail, 0) if tail else 0
        pieces = [piece async for piece in terminal.read(start)]
        return [punch for piece in pieces for punch in piece]

    said = ask_terminal(
        driver, target(where, config, address_of(key, udp=udp)), question
    )
    punches = said.answer[-tail:] if tail else said.answer
    _WRITERS[form](punches)
    sys.stdout.flush()
    bad = [punch for punch in punches if not readable(punch.at)]
    for punch in bad:
        sys.stderr.write(
            f"punchgate: record {punch.position} of badge {_clean(punch.badge)} has the"
            f" impossible time {punch.at}; it is kept and never becomes a punch\n"
        )
    if bad:
        raise typer.Exit(PROBLEM)
    said.end()


def _row(punch: RawPunch) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(punch, name) for name in _COLUMNS}
    row["raw"] = None if punch.raw is None else punch.raw.hex()
    return row


def _jsonl(punches: Iterable[RawPunch]) -> None:
    for punch in punches:
        sys.stdout.write(json.dumps(_row(punch), ensure_ascii=False) + "\n")


def _csv(punches: Iterable[RawPunch]) -> None:
    writer = csv.DictWriter(sys.stdout, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(punch) for punch in punches)


def _attlog(punches: Iterable[RawPunch]) -> None:
    for punch in punches:
        line = AttlogLine(
            badge=punch.badge,
            at=punch.at,
            state=punch.state,
            verify=punch.verify,
            work=punch.work or 0,
        )
        try:
            sys.stdout.write(format_line(line) + "\n")
        except ValueError as error:
            sys.stdout.flush()
            fail(f"record {punch.position}: {error}; use --format jsonl")


_WRITERS = {Format.JSONL: _jsonl, Format.CSV: _csv, Format.ATTLOG: _attlog}


def _clean(text_: str) -> str:
    """Make text of a terminal safe to show: control characters are written out."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text_)
