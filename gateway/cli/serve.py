"""The commands that run: the daemon, the collector, a virtual terminal, the check."""

import asyncio
import signal
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from central import settings as central_settings
from central.store import errors as central_errors
from central.store.errors import NewerStoreError
from drivers.virtual.serve import ServeConfig
from drivers.virtual.serve import serve as serve_virtual
from gateway import (
    book_files,
    calendars,
    central_book,
    daemon,
    log,
    settings,
    watchdog,
)
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    config_path,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.clock import text
from gateway.core.book import Book
from gateway.core.walker import Problem
from gateway.errors import ConfigError, NewerJournalError, StoreError
from gateway.retained import VERSION
from gateway.shipped import folders
from gateway.texts import read_text


class Level(StrEnum):
    """From which level on log lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogLevel = Annotated[
    Level, typer.Option("--log-level", help="What is written, and what is worse.")
]


@app.command()
def run(config: ConfigOption = None, log_level: LogLevel = Level.INFO) -> None:
    """Run the daemon: terminals → journal → MQTT. SIGHUP reads its files again."""
    log.start(log_level)
    try:
        loaded = settings.load(config_path(config))
        asyncio.run(daemon.serve(loaded, now_of_process()))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)
    except NewerJournalError as error:
        fail(str(error), USAGE)
    except StoreError as error:
        fail(str(error), PROBLEM)


central_app = typer.Typer(
    help="Run the collector, or ask the central store.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
app.add_typer(central_app, name="central")


@central_app.callback()
def central(
    context: typer.Context,
    config: ConfigOption = None,
    log_level: LogLevel = Level.INFO,
) -> None:
    """Run the collector: MQTT → ledger and store → acknowledgement."""
    context.obj = config
    if context.invoked_subcommand is not None:
        return
    log.start(log_level)
    try:
        # The centre is an extra: a Pi without SQLAlchemy runs every other command.
        from central.collector import Collector  # noqa: PLC0415
    except ImportError as error:
        fail(f"{error}; install punchgate[central]", USAGE)
    found, problems = central_settings.load(config_path(config, "central.toml"))
    if found is None:
        lines = "\n".join(map(str, problems))
        fail(f"the configuration has problems:\n{lines}", USAGE)
    now = now_of_process()
    collector = Collector(found, lambda: text(now()), VERSION, watchdog.notify)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: collector.stop())
    try:
        collector.run()
    except NewerStoreError as error:
        fail(str(error), USAGE)
    except central_errors.StoreError as error:
        fail(str(error), PROBLEM)


@app.command("check-config")
def check_config(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files to check.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name every problem of configuration and book files at once.

    Warnings, as of certificates and of secrets that others may read, change no exit.
    """
    paths = files or [config_path(config)]
    looked = [_problems(path) for path in paths]
    problems = [problem for found, _, _ in looked for problem in found]
    warnings = [concern for _, found, _ in looked for concern in found]
    notes = [note for _, _, note in looked if note]
    if as_json:
        rows: dict[str, Any] = {"problems": _rows(problems)}
        rows |= {"warnings": _rows(warnings), "notes": notes}
        show_json({"ok": not problems, **rows})
        raise typer.Exit(USAGE if problems else 0)
    for warning in warnings:
        say(f"warning: {warning}")
    for note in notes:
        say(note)
    if problems:
        say("\n".join(map(str, problems)))
        say(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}")
    else:
        say("ok")
    if problems:
        raise typer.Exit(USAGE)


def _rows(found: Sequence[Problem]) -> list[dict[str, Any]]:
    return [
        {"file": p.file, "line": p.line, "path": p.path, "reason": p.reason}
        for p in found
    ]


def _problems(path: Path) -> tuple[Sequence[Problem], Sequence[Problem], str]:
    """Tell the kind of a file by its first table.

    Returns its problems, its warnings, and what else should be known of it.
    """
    try:
        text_ = read_text(path)
        try:
            first = next(iter(tomllib.loads(text_)), "")
        except tomllib.TOMLDecodeError:
            first = "gateway"
        if first == "central":
            found, problems = central_settings.load(path)
            return problems, found.concerns if found else (), ""
        if first in ("gateway", "mqtt", ""):
            loaded = settings.load(path)
            book = central_book.words(loaded.received) if loaded.follows_centre else ""
            concerns = (*loaded.concerns, *_of_book(loaded.book, loaded.book_path))
            return (), concerns, book
        return (), _of_book(book_files.load(path), path), ""
    except ConfigError as error:
        return error.problems, (), ""


def _of_book(book: Book, path: Path) -> Sequence[Problem]:
    """Return what is odd in a book, and years of its calendar that are missing."""
    years = folders("calendars", path.parent)
    today = now_of_process()().date()
    return [*book.warnings, *calendars.concerns(book, str(path), years, today)]


_Port = Annotated[
    int, typer.Option(help="TCP and UDP port; 0: one that is free for both.")
]
_UdpPort = Annotated[
    int | None, typer.Option(help="UDP port, where not the TCP number.")
]
_Users = Annotated[Path | None, typer.Option(help="users.csv: uid,user_id,name.")]
_Layout = Annotated[str, typer.Option(help="Record layout: 8a, 8b, 16, 36, 40 or 49.")]
_Timezone = Annotated[str, typer.Option(help="Zone of its clock; else the local one.")]
_Capacity = Annotated[
    int | None, typer.Option(help="Records it can hold; else it is never full.")
]
_Full = Annotated[str, typer.Option(help="What a full log does: refuse or overwrite.")]
_Operations = Annotated[
    Path | None, typer.Option(help="Its operation log: at,code,admin,p1,p2,p3,p4.")
]
_Live = Annotated[
    float, typer.Option(help="Invent a punch every so many seconds; 0: none.")
]
_Seed = Annotated[
    int | None, typer.Option(help="Of invented punches and lost datagrams.")
]
_Faults = Annotated[
    list[str] | None, typer.Option(help="NAME[=ARG]; may be given often.")
]
_Care = Annotated[
    bool, typer.Option("--care", help="Let clients restart, re-clock and clear it.")
]


@app.command()
def virtual(
    serial: Annotated[str, typer.Option(help="Its serial number.")],
    attlog: Annotated[Path, typer.Option(help="Its log; made when absent.")],
    port: _Port = 4370,
    udp_port: _UdpPort = None,
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    users: _Users = None,
    layout: _Layout = "40",
    comm_key: Annotated[int, typer.Option(help="Comm key; 0: none.")] = 0,
    encoding: Annotated[str, typer.Option(help="Of names.")] = "gb18030",
    timezone: _Timezone = "",
    clock_offset: Annotated[int, typer.Option(help="Seconds its clock is wrong.")] = 0,
    capacity: _Capacity = None,
    full: _Full = "refuse",
    operations: _Operations = None,
    live: _Live = 0.0,
    seed: _Seed = None,
    frame_gap: Annotated[int, typer.Option(help="Milliseconds between frames.")] = 0,
    fault: _Faults = None,
    care: _Care = False,
) -> None:
    """Be a terminal: the real protocol on loopback, faults on demand."""
    config = ServeConfig(
        serial=serial,
        attlog=attlog,
        users=users,
        host=host,
        port=port,
        udp_port=udp_port,
        layout=layout,
        comm_key=comm_key,
        encoding=encoding,
        timezone=timezone,
        clock_offset_seconds=clock_offset,
        capacity=capacity,
        full=full,
        operations=operations,
        live_seconds=live,
        seed=seed,
        frame_gap_ms=frame_gap,
        faults=tuple(fault or ()),
        care=care,
    )
    now = now_of_process()
    raise typer.Exit(serve_virtual(config, lambda: now().astimezone()))
