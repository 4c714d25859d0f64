"""The documented example of a book, in pieces that tests can take apart."""

import itertools
from dataclasses import dataclass
from pathlib import Path

from gateway.core.book import Book, read_book

REPO = Path(__file__).parents[3]
EXAMPLE = (REPO / "config/book.example.toml").read_text(encoding="utf-8")
FILE = "book.toml"


@dataclass(frozen=True)
class Piece:
    """A table or row of the example: its lines, and where they stand (from 1)."""

    table: str
    first: int
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        """Number of its last line."""
        return self.first + len(self.lines) - 1

    @property
    def text(self) -> str:
        """Its lines as they stand."""
        return "\n".join(self.lines) + "\n"


def pieces(text: str = EXAMPLE) -> list[Piece]:
    """Cut a book at its headers; the first piece is what stands above them."""
    lines = text.split("\n")
    heads = [n for n, line in enumerate(lines) if line.startswith("[")]
    cuts = [0, *heads, len(lines)]
    found = []
    for start, end in itertools.pairwise(cuts):
        table = lines[start].split("]")[0].strip("[") if start else ""
        found.append(Piece(table, start + 1, tuple(lines[start:end])))
    return found


ROWS = [piece for piece in pieces() if piece.table not in ("", "site")]


def joined(parts: list[Piece]) -> str:
    """Put pieces together again."""
    return "\n".join("\n".join(piece.lines) for piece in parts)


def read(text: str, entries: str = "") -> Book:
    """Return a book that has no problem."""
    found, wrong = read_book(text, FILE, entries)
    assert found is not None, [str(problem) for problem in wrong]
    return found


def wrong(text: str, entries: str = "") -> list[str]:
    """Return the problems of a book as `line: path: reason`."""
    found, problems = read_book(text, FILE, entries)
    assert (found is None) == bool(problems)
    return [f"{one.line}: {one.path}: {one.reason}" for one in problems]
