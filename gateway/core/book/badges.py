"""E39: badges are texts, unless a terminal ignores the zeros in front of numbers."""

from collections.abc import Iterable

from gateway.core.book.standing import BookTerminal, Enrolment, LeadingZeros


def number(badge: str) -> str:
    """Return a badge of digits without its leading zeros, any other as it is."""
    if badge.isascii() and badge.isdigit():
        return badge.lstrip("0") or "0"
    return badge


def number_there(row: Enrolment) -> tuple[str, str]:
    """Return the terminal of an enrolment, and its badge as a number."""
    return row.terminal, number(row.badge)


def zeros_ignored(rows: Iterable[BookTerminal]) -> frozenset[str]:
    """Return the terminals on which «0012» is «12»."""
    ignored = LeadingZeros.IGNORED
    return frozenset(row.id for row in rows if row.leading_zeros is ignored)
