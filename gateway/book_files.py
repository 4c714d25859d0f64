"""The files of a book: reading both, and adding lines to entries.jsonl.

A line is added only when the book with it has no problem, under a lock and in one
write, and is on the disk when this returns. Nothing ever changes a line that is there.
"""

import fcntl
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import policies
from gateway.core.book import ENTRIES, Book, read_book
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.texts import read_text


@dataclass(frozen=True, slots=True)
class BookFiles:
    """A book's two files and their texts; entries are empty without a file."""

    path: Path
    text: str
    entries_path: Path
    entries: str

    def read(self, more: str = "") -> tuple[Book | None, list[Problem]]:
        """Read the book, with further lines of entries behind those of the file."""
        return read_book(
            self.text,
            str(self.path),
            self.entries + more,
            str(self.entries_path),
            policies.names(self.path.parent),
        )


def open_files(path: Path) -> BookFiles:
    """Read the texts of a book and of the entries beside it.

    Raises:
        ConfigError: if one is unreadable or no UTF-8, or there is no book.
    """
    entries_path = path.with_name(ENTRIES)
    entries = read_text(entries_path) if entries_path.exists() else ""
    return BookFiles(path, read_text(path), entries_path, entries)


def load(path: Path) -> Book:
    """Read a book and its entries.

    Raises:
        ConfigError: with every problem of both files.
    """
    book, problems = open_files(path).read()
    if book is None:
        raise ConfigError(problems)
    return book


@dataclass(frozen=True, slots=True)
class Added:
    """What adding rows came to; with problems nothing was written.

    `first_line` is the line of entries.jsonl that the first row has or would have.
    """

    book: Book | None
    problems: Collection[Problem]
    first_line: int
    lines: list[str]


def add(path: Path, rows: Iterable[Mapping[str, Any]], *, write: bool) -> Added:
    """Add rows (`table` and keys, as JSON has them) to the entries beside a book.

    Raises:
        ConfigError: if a file is unreadable.
        OSError: if the lines cannot be written; then none is there.
    """
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    with _locked(path.with_name(ENTRIES), path, write=write) as descriptor:
        files = open_files(path)
        cut = "" if files.entries.endswith("\n") or not files.entries else "\n"
        more = cut + "".join(line + "\n" for line in lines)
        book, problems = files.read(more)
        first = (files.entries + cut).count("\n") + 1
        if book is not None and descriptor is not None and lines:
            _append(descriptor, more.encode())
    return Added(book, problems, first, lines)


@contextmanager
def _locked(entries: Path, book: Path, *, write: bool) -> Iterator[int | None]:
    """Hold the entries against other writers; None when nothing will be written."""
    if not write:
        yield None
        return
    new = not entries.exists()
    owner = book.stat()
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    descriptor = os.open(entries, flags, owner.st_mode & 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if new and os.geteuid() == 0:
            # The daemon reads it under its own user, like the book.
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        yield descriptor
    finally:
        os.close(descriptor)


def _append(descriptor: int, data: bytes) -> None:
    """Write all or nothing, and have it on the disk."""
    before = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, data)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, before)
        raise
    if written != len(data):
        os.ftruncate(descriptor, before)
        raise OSError(f"only {written} of {len(data)} bytes could be written")
