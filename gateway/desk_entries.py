"""Rows of the desk into entries.jsonl: each once, none that spoils the book."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway import book_files
from gateway.core.book.entries import read_entries
from gateway.errors import ConfigError

Line = dict[str, str]


def append_rows(path: Path, rows: Sequence[Line]) -> tuple[list[Line], str]:
    """Add rows to the entries beside a book; return those left, and why.

    A row whose id is there already was written by a process that died before it could
    say so. A row the book refuses is left, and the others are added.
    """
    left: list[Line] = []
    reason = ""
    try:
        there = {
            str(entry.row.get("id"))
            for entry in read_entries(book_files.open_files(path).entries)
        }
        for at, row in enumerate(rows):
            if row["id"] in there:
                continue
            try:
                added = book_files.add(path, [_ordered(row)], write=True)
            except (ConfigError, OSError) as error:
                return [*left, *rows[at:]], f"{path.parent}: {error}"
            if added.problems:
                left.append(row)
                reason = "; ".join(map(str, added.problems))
    except (ConfigError, OSError) as error:
        return list(rows), f"{path.parent}: {error}"
    return left, reason


def _ordered(row: Mapping[str, str]) -> dict[str, str]:
    """Put the table in front, as people read a line."""
    return {"table": row["table"], **row}
