"""Asks a database that others write to, by `sqlite3` alone."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

Rows = list[tuple[Any, ...]]


def ask(path: Path, sql: str, *values: object) -> Rows:
    """Return rows; a database without such a table answers nothing."""
    if not path.exists():
        return []
    name = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(name, uri=True, timeout=10)) as conn:
        try:
            return conn.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []
