"""Dangling references: keys that name a row which is not there.

This looks at rows as written: a person whose row has another problem is still known,
so that one slip is not reported a hundred times. Findings, cases and other sites are
not the book's to resolve.
"""

from collections.abc import Iterable, Iterator, Mapping

from gateway.core.book.placed import Raw
from gateway.core.book.standing import ANY_TERMINAL
from gateway.core.book.tables import TABLES, references

_WORDS = {
    "people": "nobody is called",
    "terminals": "no terminal is",
    "vendors": "no vendor is",
    "shifts": "no shift is",
    "posts": "no post is",
    "leave": "no leave is",
    "handovers": "no handover is",
}
Ids = Mapping[str, set[str]]


def check(raws: Iterable[Raw]) -> None:
    """Note every key that names nothing."""
    raws = list(raws)
    known = _ids(raws)
    for raw in raws:
        for name, table in references(TABLES[raw.table]).items():
            for value in _texts(raw.data.get(name)):
                if value not in known[table] and not _any(raw.table, name, value):
                    raw.problem(name, f"{_WORDS[table]} {value!r}")
        if raw.table == "objections":
            _objector(raw, known)


def _ids(raws: Iterable[Raw]) -> Ids:
    known: dict[str, set[str]] = {table: set() for table in TABLES}
    for raw in raws:
        known[raw.table].update(_texts(raw.data.get("id")))
    return known


def _texts(value: object) -> Iterator[str]:
    """Give a text, or the texts of a list; empty ones name nothing."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and one:
            yield one


def _any(table: str, name: str, value: str) -> bool:
    return (table, name, value) == ("enrolments", "terminal", ANY_TERMINAL)


def _objector(raw: Raw, known: Ids) -> None:
    for value in _texts(raw.data.get("by")):
        if value not in known["people"] | known["vendors"]:
            raw.problem("by", f"neither a person nor a vendor is {value!r}")
