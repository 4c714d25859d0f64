"""The book as the centre sends it: read, weighed against the last good one, kept.

A gateway with `book = "central"` lives by the last good book that reached it, for as
long as the centre is silent, and without any for as long as none came: punches are
kept and sent then, and attributed once a book is here. Whatever comes is redacted again
before it is kept, so that no name stays here that a centre should not have sent.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.core import redaction
from gateway.core.book import BUILT, Book, read_book
from sync.commands import SiteBook
from sync.messages import UNREADABLE, encode

FILE = "book.json"
NO_BOOK = "no book from the centre yet: punches are kept and sent, nobody is named"
_PARTS = re.compile(r"\d+|\D+")
# What the wording of a problem calls the two halves of the message.
_FIRST, _ROWS = "book of the centre", "row of the centre's book"


class BookRefusedError(Exception):
    """A message that is no book for this gateway; the reason in words."""

    def __init__(self, reason: str, version: str | None = None) -> None:
        super().__init__(reason)
        self.version = version


class _Kept(msgspec.Struct, frozen=True):
    """The file: the message as it came, and when."""

    received_at: str
    book: msgspec.Raw


@dataclass(frozen=True, slots=True)
class CentralBook:
    """A book of the centre without problems; `received_at` is ISO with offset.

    `payload` is its message and `digest` that of its tables, both redacted here.
    """

    book: Book
    digest: str
    received_at: str
    payload: bytes


def words(found: CentralBook | None) -> str:
    """Say which book of the centre is in force."""
    if found is None:
        return NO_BOOK
    version = found.book.version or "-"
    return f"book from the centre, version {version}, received {found.received_at}"


def read(payload: bytes, site: str, received_at: str) -> CentralBook:
    """Read a message of topic `book`.

    Raises:
        BookRefusedError: it is empty, too big, unreadable, of another site, changed on
            its way, or has problems.
    """
    if not payload:
        raise BookRefusedError("somebody cleared the topic")
    if len(payload) > redaction.MAX_BYTES:
        raise BookRefusedError(f"it is longer than {redaction.MAX_BYTES} bytes")
    try:
        message = msgspec.json.decode(payload, type=SiteBook)
        digest = redaction.digest(message.tables)
        if message.site != site:
            raise BookRefusedError(f"it is of site {message.site}", message.version)
        if digest != message.digest:
            reason = "its digest is not that of its tables"
            raise BookRefusedError(reason, message.version)
        tables = redaction.redacted(message.tables)
        book = _book(message.version, tables)
    except UNREADABLE as error:
        raise BookRefusedError(f"unreadable: {error}") from None
    if book.site.id != site:
        raise BookRefusedError(f"its tables are of {book.site.id}", message.version)
    clean = msgspec.structs.replace(
        message, tables=tables, digest=redaction.digest(tables)
    )
    return CentralBook(book, clean.digest, received_at, encode(clean))


def _book(version: str, tables: redaction.Tables) -> Book:
    text, entries = redaction.as_files(version, tables)
    book, problems = read_book(text, _FIRST, entries, _ROWS, _policies(tables))
    if book is None:
        count = len(problems)
        more = f"{count} problems, the first: " if count > 1 else ""
        raise BookRefusedError(f"{more}{problems[0]}", version)
    return book


def _policies(tables: redaction.Tables) -> set[str]:
    """Take the centre's word for the policies it names: it has read their files."""
    rows: list[dict[str, Any]] = tables.get("contracts", [])
    named = (row.get("policy") for row in rows)
    return {*BUILT, *(name for name in named if isinstance(name, str))}


def empty(site: str) -> Book:
    """Return the book of a site of which nothing is known."""
    text, _ = redaction.as_files("", {"site": {"id": site}})
    book, problems = read_book(text, _FIRST)
    if book is None:
        raise BookRefusedError(str(problems[0]))
    return book


def contradicted(
    book: Book, pins: Iterable[tuple[str, str | None]]
) -> Iterator[tuple[int, str]]:
    """Give the terminals that are pinned to another serial than the book has.

    `pins` are ids with serials, in the order of the settings.
    """
    for index, (terminal, serial) in enumerate(pins):
        found = book.terminal(terminal)
        if found and serial and serial != found.serial:
            yield index, f"{serial!r} is not {found.serial!r} of the book"


def is_older(version: str, than: str) -> bool:
    """Say whether a version is lower; numbers in it count as numbers.

    A book without a version is neither older nor newer.
    """
    return bool(version and than) and _ordered(version) < _ordered(than)


def _ordered(version: str) -> list[tuple[int, str]]:
    parts: list[str] = _PARTS.findall(version)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def keep(path: Path, found: CentralBook) -> None:
    """Write a book to its file: the whole of it is on the disk, or the last one is.

    Raises:
        OSError: it cannot be written.
    """
    head = json.dumps({"received_at": found.received_at}).encode()
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(head[:-1] + b', "book": ' + found.payload + b"}\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def kept(path: Path, site: str) -> CentralBook | None:
    """Return the last good book of a gateway's site, None when none ever came.

    Raises:
        BookRefusedError: the file cannot be read or is damaged.
    """
    try:
        data = path.read_bytes()
        found = msgspec.json.decode(data, type=_Kept)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BookRefusedError(f"{path} cannot be read: {error.strerror}") from None
    except UNREADABLE as error:
        raise BookRefusedError(f"{path} is damaged: {error}") from None
    try:
        return read(bytes(found.book), site, found.received_at)
    except BookRefusedError as error:
        raise BookRefusedError(f"{path}: {error}") from None


@dataclass(frozen=True, slots=True)
class Last:
    """The book to begin with: the last good one, or an empty one.

    `unusable` says in words why a file that is there is not used.
    """

    book: Book
    received: CentralBook | None = None
    unusable: str = ""


def last(path: Path, site: str) -> Last:
    """Return the book to begin with; a damaged file comes again from the centre."""
    try:
        received = kept(path, site)
    except BookRefusedError as error:
        return Last(empty(site), unusable=str(error))
    return Last(received.book, received) if received else Last(empty(site))
