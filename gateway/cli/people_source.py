"""Where pages about people come from: the options, the view, and what is asked."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from gateway import book_files, control, journal_view, people_view, settings, status
from gateway.cli.app import USAGE, config_path, fail, now_of_process
from gateway.core.book import Book
from gateway.core.book.standing import Person
from gateway.errors import ConfigError
from gateway.people_view import View
from gateway.settings import Loaded
from gateway.store import journal
from gateway.store.drain import Reader

BookOption = Annotated[
    Path | None,
    typer.Option(help="A book, instead of a gateway's journal.", show_default=False),
]
PunchesOption = Annotated[
    Path | None,
    typer.Option(help="CSV of punches for that book.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class Source:
    """A gateway's configuration, or a book with a file of punches."""

    config: Path | None
    book: Path | None
    punches: Path | None
    loaded: Loaded | None

    def rows(self) -> Book:
        """Return the book.

        Raises:
            ConfigError: it has problems.
        """
        if self.loaded is not None:
            return self.loaded.book
        return book_files.load(self.book or Path())


def source(config: Path | None, book: Path | None, punches: Path | None) -> Source:
    """Return where to look, or end: both files are named, or neither."""
    if (book is None) != (punches is None):
        fail("--book and --punches belong together", USAGE)
    if book is not None:
        return Source(config, book, punches, None)
    try:
        return Source(config, None, None, settings.load(config_path(config)))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)


def today(book: Book) -> date:
    """Return the day it is at the site."""
    return now_of_process()().astimezone(ZoneInfo(book.site.timezone)).date()


def day(text: str | None, book: Book) -> date:
    """Return the day that somebody wrote; today where nobody did."""
    if text is None:
        return today(book)
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no day like 2026-11-02", USAGE)


def rows(of: Source) -> Book:
    """Return the book of a source, or end with its problems."""
    try:
        return of.rows()
    except ConfigError as error:
        fail(f"the book has problems:\n{error}", USAGE)


def person(book: Book, what: str) -> Person:
    """Return the one person of this id or name, or end."""
    found = people_view.people_named(book, what)
    if not found:
        fail(f"the book knows nobody called {what!r}")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        fail(f"{len(found)} people are called {what!r}; name one by id: {ids}", USAGE)
    return found[0]


@contextmanager
def opened(of: Source, first: date, last: date) -> Iterator[View]:
    """Give a view of these dates; end in words where there is none."""
    try:
        if of.loaded is not None:
            with _journal(of.loaded, first) as view:
                yield view
        else:
            book, punches = of.book or Path(), of.punches or Path()
            yield people_view.of_files(book, punches, first, last)
    except ConfigError as error:
        fail(f"nothing can be judged:\n{error}", USAGE)


@contextmanager
def _journal(loaded: Loaded, first: date) -> Iterator[View]:
    now = now_of_process()
    reader = Reader(loaded.data_dir / journal.FILE)
    try:
        try:
            said = control.ask(loaded.data_dir, "status")
        except control.NoDaemonError:
            said = status.from_journal(loaded, now)
        reader.open()
        yield journal_view.of_journal(loaded, reader, said, now, first)
    except sqlite3.Error as error:
        fail(status.unreadable(error, loaded))
    finally:
        reader.close()
