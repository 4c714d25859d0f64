"""`punchgate import`: attendance exports carried over on a USB stick."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

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
from gateway.clock import text
from gateway.errors import ConfigError, StoreError
from gateway.filing import Filed, Imported, Piece, Store, file_piece, take_in
from gateway.intake import Intake
from gateway.retained import VERSION
from gateway.settings import Loaded, load
from gateway.store import epochs
from gateway.store.journal import Journal

_SHOWN = 20
_ANSWER_SECONDS = 120.0


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    terminal: Annotated[
        str,
        typer.Option("--terminal", metavar="ID", help="Terminal of the book it is of."),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in an attendance export (*_attlog.dat); a second time adds nothing."""
    loaded = _loaded(config)
    serial = loaded.book_serial(terminal)
    if not serial:
        known = ", ".join(row.id for row in loaded.book.terminals if row.serial)
        fail(
            f"the book has no terminal {terminal!r} with a serial; there are: {known}",
            USAGE,
        )
    if not file.is_file():
        what = "is no file" if file.exists() else "does not exist"
        fail(f"{file} {what}; name an export such as 1_attlog.dat", USAGE)
    found = Imported()
    try:
        asyncio.run(_import(file, loaded, terminal, serial, found))
    except (
        FileError,
        StoreError,
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


async def _import(
    file: Path, loaded: Loaded, terminal: str, serial: str, found: Imported
) -> None:
    async with _store(loaded, terminal, serial) as store:
        await take_in(_with_progress(file, found), store, found)


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
async def _store(loaded: Loaded, terminal: str, serial: str) -> AsyncIterator[Store]:
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
        async with _own_intake(loaded) as intake:
            now = now_of_process()
            yield lambda piece: file_piece(intake, terminal, serial, piece, now)
    else:
        yield by_daemon


@asynccontextmanager
async def _own_intake(loaded: Loaded) -> AsyncIterator[Intake]:
    """Have the journal ourselves, as a daemon would.

    Raises:
        StoreError: it is not to be had, or files of root would lock the daemon out.
    """
    owner = loaded.data_dir.stat().st_uid if loaded.data_dir.exists() else os.geteuid()
    if owner != os.geteuid() == 0:
        raise StoreError(
            f"no daemon works on {loaded.data_dir}, which belongs to user {owner}:"
            " start the daemon, or run this as that user"
        )
    journal = Journal(loaded.data_dir, VERSION)
    started = journal.open()
    now = now_of_process()
    try:
        intake = Intake(journal, now, lambda: None, loaded.book)
        await intake.ask(lambda db: epochs.current(db, text(now())))
        codes = {spec.id: spec.codes() for spec in loaded.settings.terminals}
        await intake.learn(loaded.book, codes, loaded.book_digest)
        yield intake
    finally:
        await asyncio.to_thread(journal.close, clean=not started.unclean)


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
