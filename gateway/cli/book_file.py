"""Which book a command is about, and what is wrong with it, for people and programs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import book_files
from gateway.cli.app import PROBLEM, USAGE, config_path, fail, say, show_json
from gateway.core.book import Book
from gateway.core.toml import TomlError, parse
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.settings import BOOK_OF_CENTRE
from gateway.texts import read_text

BookOption = Annotated[
    Path | None,
    typer.Option(
        "-b",
        "--book",
        metavar="FILE",
        help="A book; else the one that the configuration names.",
        show_default=False,
    ),
]


def book_path(given: Path | None, config: Path | None) -> Path:
    """Return the book to work on; a configuration's other problems do not matter."""
    if given is not None:
        return given
    path = config_path(config)
    try:
        data = parse(read_text(path)).data
    except (ConfigError, TomlError) as error:
        fail(f"no book is named, and {path} cannot tell: {error}", USAGE)
    gateway = data.get("gateway")
    name = gateway.get("book") if isinstance(gateway, dict) else None
    if not isinstance(name, str) or not name:
        fail(f"{path} names no book in [gateway]; name one with --book", USAGE)
    if name == BOOK_OF_CENTRE:
        fail(
            "this gateway's book comes from the centre; name a file with --book", USAGE
        )
    return path.parent / name


def loaded(path: Path) -> Book:
    """Read a book, or end with all of its problems."""
    try:
        return book_files.load(path)
    except ConfigError as error:
        fail(f"the book has problems:\n{error}", USAGE)


def as_rows(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return problems as JSON has them."""
    return [
        {"file": p.file, "line": p.line, "path": p.path, "reason": p.reason}
        for p in problems
    ]


def refuse(problems: Iterable[Problem], *, as_json: bool, **more: Any) -> None:
    """Show problems and end with 1."""
    problems = list(problems)
    if as_json:
        show_json({"ok": False, "problems": as_rows(problems), **more})
    else:
        say("\n".join(map(str, problems)))
        many = "s" if len(problems) > 1 else ""
        say(f"{len(problems)} problem{many}; nothing written")
    raise typer.Exit(PROBLEM)
