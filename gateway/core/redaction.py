"""What of a book may leave the centre: listed keys of listed tables, nothing else.

A gateway needs ids, times and flags to say whose a punch is and to judge provisionally.
Names, reasons, papers, notes and amounts stay where people wrote them, and so does
every table and key that is not listed here: what is new does not travel by accident.
Where the reader of books wants a text that people wrote, an id stands in its place.
Those who approve have no ids, so each gets one, in the order they are first named.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from gateway.core.book.entries import read_entries

MAX_BYTES = 4 * 1024 * 1024
"""The most that a message with a book may weigh."""

_ROW = ("id", "supersedes", "entered_at")
_SITE = ("id", "name", "timezone", "calendar")
# Keys of rows, in the order the example has them; those of `_ROW` go with every table.
TRAVELS: Mapping[str, tuple[str, ...]] = {
    "terminals": ("serial", "site", "timezone", "leading_zeros"),
    "travel": ("a", "b", "minutes"),
    "vendors": ("name",),
    "contracts": ("vendor", "policy", "from", "to", "phase", "also"),
    "people": ("name", "vendor", "from", "to"),
    "enrolments": ("person", "terminal", "badge", "from", "to"),
    "shifts": ("sessions", "days"),
    "posts": ("kind", "vendor", "headcount", "from", "to"),
    "roster": ("person", "shift", "post", "from", "to", "dates", "terminals"),
    "approvers": ("name", "may", "from", "to"),
    "leave": (
        *("person", "kind", "from", "to", "applied_at", "approved_by", "approved_at"),
        *("substitute_waived_by", "ended_at", "returned_at"),
    ),
    "substitutions": (
        *("person", "substitute", "from", "to", "leave", "approved_by"),
        *("attested_by", "attested_until", "handover"),
    ),
    "handovers": (
        *("post", "at", "outgoing", "incoming"),
        *("outgoing_signed_at", "incoming_signed_at"),
    ),
    "permits": (
        *("person", "kind", "from", "to", "applied_at", "approved_by", "approved_at"),
        "emergency",
    ),
    "corrections": (
        *("person", "at", "slot", "reason", "requested_at", "approved_by"),
        *("approved_at", "second_by"),
    ),
    "roll": ("person", "at", "witnessed_by"),
    "consents": ("dates", "end_user", "given_at"),
    "days": ("date", "kind", "which", "sessions", "people", "shifts", "posts", "by"),
    "outages": ("terminal", "from", "to", "decision", "decided_by"),
}
_SPAN = ("start", "end")
# Somebody is named there; who it is stays behind, that it is the same one does not.
_SOMEBODY = frozenset(
    {
        *(("approvers", "name"), ("days", "by"), ("corrections", "second_by")),
        *((table, "approved_by") for table in TRAVELS),
        *(("leave", "substitute_waived_by"), ("substitutions", "attested_by")),
        *(("roll", "witnessed_by"), ("outages", "decided_by")),
    }
)
# People wrote a text there that the reader wants; the row's id does as well.
_ID_INSTEAD = frozenset(
    {
        *(("vendors", "name"), ("people", "name")),
        *(("corrections", "reason"), ("consents", "end_user")),
    }
)
_NO_ID = "-"

Tables = dict[str, Any]


def redacted(book: Mapping[str, Any], entries: str = "") -> Tables:
    """Return the part of a book that may travel, as JSON has it: dates are ISO texts.

    Args:
        book: book.toml as `tomllib` reads it, or what this function returned before;
            that is returned unchanged.
        entries: the text of entries.jsonl; its rows come behind those of the book.

    Nothing is checked: a value that is neither text, number, flag, date nor a list of
    these is left out, and the reader of books says what is missing.
    """
    rows = _rows(book, entries)
    names = _Names()
    tables: Tables = {}
    site = book.get("site")
    if isinstance(site, Mapping):
        tables["site"] = {
            name: value
            for name in _SITE
            if (value := _value(("site", name), site, names)) is not None
        }
    for table in TRAVELS:
        found = [_row(table, row, names) for row in rows[table]]
        if found:
            tables[table] = found
    return tables


def text(tables: Tables) -> str:
    """Return tables as compact JSON with sorted keys, what their digest is over."""
    return json.dumps(tables, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(tables: Tables) -> str:
    """Return the SHA-256 of tables in hex.

    Raises:
        UnicodeEncodeError: a text holds half a character.
    """
    return hashlib.sha256(text(tables).encode()).hexdigest()


def as_files(version: str, tables: Tables) -> tuple[str, str]:
    """Write redacted tables as book.toml and entries.jsonl, for the reader of books."""
    site: Mapping[str, Any] = tables.get("site", {})
    lines = [f"version = {_quoted(version)}", "[site]"]
    lines += [f"{name} = {_quoted(str(value))}" for name, value in site.items()]
    entries = (
        json.dumps({"table": table, "row": row}, ensure_ascii=False)
        for table in TRAVELS
        for row in tables.get(table, ())
    )
    return "\n".join(lines) + "\n", "\n".join(entries)


def _quoted(value: str) -> str:
    """Write a text as TOML does; it differs from JSON in one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


class _Names:
    """Gives everybody who is named an id, the same one every time."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Return the id of a name."""
        return self._ids.setdefault(name, f"n{len(self._ids) + 1}")


def _rows(book: Mapping[str, Any], entries: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of every listed table, those of the entries last."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for table in TRAVELS:
        written = book.get(table)
        found = written if isinstance(written, list) else []
        rows[table] = [row for row in found if isinstance(row, Mapping)]
    for entry in read_entries(entries):
        if not entry.reason and entry.table in rows:
            rows[entry.table].append(entry.row)
    return rows


def _row(table: str, row: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    keys = (*_ROW, *TRAVELS[table])
    values = ((name, _value((table, name), row, names)) for name in keys)
    return {name: value for name, value in values if value is not None}


def _value(where: tuple[str, str], row: Mapping[str, Any], names: _Names) -> Any:
    """Return what travels of one value; None for nothing."""
    name = where[1]
    value = row.get(name)
    if where in _ID_INSTEAD:
        return _plain(row.get("id")) or _NO_ID
    if where == ("site", "name"):
        return _plain(row.get("id"))
    if where in _SOMEBODY:
        named = isinstance(value, str) and value.strip()
        return names.of(str(value)) if named else None
    return _MEANT.get(where, _listed)(value)


def _listed(value: Any) -> Any:
    """Let a plain value pass, or a list of them."""
    if isinstance(value, list):
        return [found for one in value if (found := _plain(one)) is not None]
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, date):  # and date-times, which are dates
        return value.isoformat()
    return value if isinstance(value, str | int) else None


def _sessions(value: Any) -> Any:
    """Let sessions pass, with their breaks."""
    if not isinstance(value, list):
        return None
    found = []
    for session, span in _spans(value):
        breaks = [pause for _, pause in _spans(session.get("breaks"))]
        found.append(span | ({"breaks": breaks} if breaks else {}))
    return found


def _spans(value: Any) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Give the spans of a list, as written and as they travel."""
    for one in value if isinstance(value, list) else []:
        if isinstance(one, Mapping):
            found = ((name, _plain(one.get(name))) for name in _SPAN)
            yield one, {name: item for name, item in found if item is not None}


def _leave_kind(value: Any) -> Any:
    """Say of a leave only whether it is attendance elsewhere, not who was ill."""
    return "official" if value == "official" else "other"


def _policy(value: Any) -> Any:
    """Name a policy by its name also where the book names its file."""
    if not isinstance(value, str):
        return None
    return value.rpartition("/")[2].removesuffix(".toml")


def _policies(value: Any) -> Any:
    names = map(_policy, value if isinstance(value, list) else [])
    return [name for name in names if name is not None]


_MEANT: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("leave", "kind"): _leave_kind,
    ("contracts", "policy"): _policy,
    ("contracts", "also"): _policies,
    ("shifts", "sessions"): _sessions,
    ("days", "sessions"): _sessions,
}
