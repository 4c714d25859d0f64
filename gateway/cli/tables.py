"""Tables for people: straight in double width, hostile text kept harmless."""

import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

_WIDTH = 160


def show_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under names; numbers stand right, None is a dash."""
    shown = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False)
    for index, name in enumerate(names):
        numbers = all(isinstance(row[index], int | None) for row in shown)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in shown:
        table.add_row(*map(plain, row))
    _print(table, _WIDTH)


def console(width: int) -> Console:
    """Return standard output, at least so wide, that takes texts as they are."""
    wide = max(width, Console(file=sys.stdout).width)
    return Console(
        file=sys.stdout, highlight=False, markup=False, emoji=False, width=wide
    )


def show(table: Table, least: int = 0) -> None:
    """Print a table as wide as the screen; as wide as it likes into a file.

    `least`: how wide a table is that must not be cut; narrower screens wrap its lines.
    """
    _print(table, max(least, 0 if sys.stdout.isatty() else _WIDTH))


def _print(table: Table, width: int) -> None:
    """Print lines without the blanks that pad them: a narrow screen would wrap them."""
    out = console(width)
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


def plain(value: object) -> str:
    """Return a value as text; control characters are escaped, None is a dash."""
    if value is None:
        return "-"
    text = str(value)
    return text if text.isprintable() else json.dumps(text)
