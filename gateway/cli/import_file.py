"""`punchgate import`: attendance exports carried over on a USB stick."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from drivers.attlog_file import BadLine, FileError, FileRecord, read_file
from gateway import control
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
from gateway.cli.handing import UntoldError, tell
from gateway.cli.own_journal import own_intake
from gateway.errors import ConfigError, StoreError
from gateway.file_origin import Origin, other_origin
from gateway.filing import (
    LARGE,
    SMALL,
    Bounds,
    Filed,
    Imported,
    Piece,
    Store,
    file_piece,
    take_in,
)
from gateway.handwork import Deed
from gateway.settings import Loaded, load

_SHOWN = 20
_ANSWER_SECONDS = 120.0


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    terminal: Annotated[
        str,
        typer.Option("--terminal", metavar="ID", help="Terminal of the book it is of."),
    ],
    serial_differs: Annotated[
        bool,
        typer.Option(
            "--serial-differs",
            help="Take it though its first line or its name is another terminal's;"
            " an event tells of it.",
        ),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in an attendance export (*_attlog.dat); a second time adds nothing."""
    loaded = _loaded(config)
    _check_usage(file, loaded, terminal)
    found = Imported()
    gc.freeze()  # the book stays to the end; nobody needs to look through it again
    try:
        other = other_origin(file, terminal, loaded)
        if other and not serial_differs:
            _refuse(file, other)
        asyncio.run(_import(file, loaded, terminal, other, found))
    except (
        FileError,
        StoreError,
        UntoldError,
        control.RefusedError,
        control.NoDaemonError,
    ) as error:
        fail(f"{error} ({found.new} new punches were stored before)")
    _show(found, as_json=as_json)
    if found.rejected:
        raise typer.Exit(PROBLEM)


def _loaded(config: Path | None) -> Loaded:
    try:
        return load(config_path(config))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)


def _check_usage(file: Path, loaded: Loaded, terminal: str) -> None:
    """End where there is no such terminal or no such file."""
    if not loaded.book_serial(terminal):
        known = ", ".join(row.id for row in loaded.book.terminals if row.serial)
        fail(
            f"the book has no terminal {terminal!r} with a serial; there are: {known}",
            USAGE,
        )
    if not file.is_file():
        what = "is no file" if file.exists() else "does not exist"
        fail(f"{file} {what}; name an export such as 1_attlog.dat", USAGE)


def _refuse(file: Path, other: Origin) -> NoReturn:
    """End, as the file is another terminal's."""
    owner = other.owner or "ID, the terminal it is of"
    fail(
        f"{file} is not taken in: {other}; write --terminal {owner}, or, if these are"
        f" punches of {other.terminal} all the same, add --serial-differs",
        USAGE,
    )


async def _import(
    file: Path,
    loaded: Loaded,
    terminal: str,
    other: Origin | None,
    found: Imported,
) -> None:
    """Store what is in a file; that it is another terminal's is told before."""
    serial = loaded.book_serial(terminal)
    if other:
        said = Deed("import --serial-differs", other.said, serial, file=file.name)
        await tell(loaded, terminal, [said])
    async with _store(loaded, terminal, serial) as (store, bounds):
        await take_in(_with_progress(file, found), store, found, bounds)


def _with_progress(file: Path, found: Imported) -> Iterator[FileRecord | BadLine]:
    """Read a file and show how far, where somebody looks."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task(escape(file.name), total=file.stat().st_size)

        def show(read: int) -> None:
            text_ = f"{escape(file.name)}: {found.new:,} new"
            progress.update(task, completed=read, description=text_)

        yield from read_file(file, show)


@asynccontextmanager
async def _store(
    loaded: Loaded, terminal: str, serial: str
) -> AsyncIterator[tuple[Store, Bounds]]:
    """Give what stores pieces: the daemon that has the journal, else ourselves."""

    async def by_daemon(piece: Piece) -> Filed:
        answer = await asyncio.to_thread(
            control.ask,
            loaded.data_dir,
            "import",
            _ANSWER_SECONDS,
            terminal=terminal,
            records=piece.to_json(),
        )
        return Filed(**answer)

    try:
        control.ask(loaded.data_dir, "status")
    except control.NoDaemonError:
        async with own_intake(loaded) as intake:
            now = now_of_process()

            def alone(piece: Piece) -> Awaitable[Filed]:
                return file_piece(intake, terminal, serial, piece, now)

            yield alone, LARGE
    else:
        yield by_daemon, SMALL


def _show(found: Imported, *, as_json: bool) -> None:
    if as_json:
        show_json(asdict(found))
        return
    say(
        f"read {found.read:,} · new {found.new:,} · duplicate {found.duplicate:,} ·"
        f" rejected {found.rejected:,}"
    )
    for reject in found.rejects[:_SHOWN]:
        sys.stderr.write(f"line {reject.line}: {reject.reason}\n")
    if found.rejected > _SHOWN:
        more = found.rejected - _SHOWN
        sys.stderr.write(f"and {more:,} more; --json lists all of them\n")
