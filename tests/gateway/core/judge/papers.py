"""Rows of the book that people write: contracts, rulings, outages, leave."""

from tests.book_rows import contract
from tests.gateway.core.judge.days import DAY, Result, rows

LONG = contract("2026-01-01", "2039-12-31")
"""A contract into years that no calendar knows."""


def ruling(*more: str, by: str = '"leader1"', name: str = "R1") -> str:
    """Return a ruling."""
    return rows(
        "rulings",
        f'id = "{name}"',
        f"by = [{by}]",
        "at = 2026-11-12T10:00:00",
        'reason = "当日封路"',
        *more,
    )


def waived(found: Result, index: int = 0, decision: str = "waive", **more: str) -> str:
    """Return a ruling on a finding."""
    on = found.findings[index].id
    return ruling(f'on = "{on}"', f'decision = "{decision}"', **more)


def dead(start: str, end: str, *more: str, terminal: str = "lobby") -> str:
    """Return an outage."""
    return rows(
        "outages",
        f'terminal = "{terminal}"',
        f"from = {DAY}T{start}:00",
        f"to = {DAY}T{end}:00",
        *more,
    )


EXCUSED = ('decision = "excused"', 'decided_by = "leader1"')
LOBBY = rows(
    "roster",
    'person = "p1"',
    'shift = "day"',
    "from = 2026-01-01",
    'terminals = ["lobby"]',
)
"""The day shift, to be signed in the lobby alone."""


def at(text: str, day: str = DAY) -> str:
    """Return a time of the day."""
    return f"{day}T{text}:00"


RETURNED = f"returned_at = {at('18:00')}"


def named(row: str, name: str) -> str:
    """Return a leave under another name."""
    return row.replace('"L1"', f'"{name}"')
