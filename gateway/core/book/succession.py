"""Which rows count: ids that stand once, and rows that supersede others.

A superseding row has an id of its own and names the row it replaces. All rows stay
visible. Of several that replace one row the newest counts (by `entered_at`, else the
one written last), and the disagreement is a warning.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.core.book.placed import Placed, Raw
from gateway.core.book.tables import IDENTITIES, TABLES, references

Key = tuple[str, str]
_UNIQUE = {"terminals": ("serial",)}


@dataclass(frozen=True, slots=True)
class Settled:
    """The rows that count, and by every id ever given the row that counts for it."""

    rows: list[Placed[Any]]
    by_id: dict[Key, Any]


def settle(rows: list[Placed[Any]], raws: Iterable[Raw]) -> Settled:
    """Find the rows that count; note repeated ids, unknown ones and circles."""
    _once(rows)
    by_id = {key: one for one in reversed(rows) if (key := _key(one))}
    written = {(raw.table, raw.data.get("id")) for raw in raws if _has_id(raw)}
    roots = {key: _root(one, by_id) for key, one in by_id.items()}
    for one in rows:
        _check_link(one, by_id, written)
    newest = _newest(rows, roots)
    current = {order: _renamed(one, roots) for order, one in newest.items()}
    ordered = [current[order] for order in sorted(current)]
    _unique_columns(ordered)
    found = {
        key: current[root.order].row
        for key, root in roots.items()
        if root.order in current
    }
    return Settled(ordered, found)


def _key(one: Placed[Any]) -> Key | None:
    return (one.raw.table, one.row.id) if one.row.id else None


def _has_id(raw: Raw) -> bool:
    return isinstance(raw.data.get("id"), str)


def _once(rows: Iterable[Placed[Any]]) -> None:
    """Note ids that stand twice, and rows without an id that say the same.

    Who entered a row and when makes no difference: a table imported twice is noticed.
    """
    seen: dict[Any, str] = {}
    for one in rows:
        key = _key(one)
        first = seen.setdefault(key or _content(one), one.raw.label)
        if first != one.raw.label:
            what = f"{key[1]!r} stands" if key else "the same row stands"
            one.raw.problem("id" if key else "", f"{what} already in {first}")


def _content(one: Placed[Any]) -> Any:
    return one.raw.table, dataclasses.replace(one.row, entered_by="", entered_at=None)


def _unique_columns(rows: Iterable[Placed[Any]]) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for one in rows:
        for name in _UNIQUE.get(one.raw.table, ()):
            value = getattr(one.row, name)
            place = (one.raw.table, name, value)
            if place in seen:
                one.raw.problem(name, f"{value!r} stands already in {seen[place]}")
            seen.setdefault(place, one.raw.label)


def _check_link(
    one: Placed[Any], by_id: Mapping[Key, Placed[Any]], written: set[Any]
) -> None:
    older = one.row.supersedes
    if not older:
        return
    if (one.raw.table, older) not in written:
        one.raw.problem("supersedes", f"no row of {one.raw.table} has the id {older!r}")
    elif _in_circle(one, by_id):
        one.raw.problem("supersedes", "goes round in a circle back to this row")


def _older(one: Placed[Any], by_id: Mapping[Key, Placed[Any]]) -> Placed[Any] | None:
    return by_id.get((one.raw.table, one.row.supersedes))


def _in_circle(one: Placed[Any], by_id: Mapping[Key, Placed[Any]]) -> bool:
    seen: set[int] = set()
    older = _older(one, by_id)
    while older is not None and older.order not in seen:
        if older.order == one.order:
            return True
        seen.add(older.order)
        older = _older(older, by_id)
    return False


def _root(one: Placed[Any], by_id: Mapping[Key, Placed[Any]]) -> Placed[Any]:
    """Return the first row of a chain; in a circle any one will do."""
    seen = {one.order}
    older = _older(one, by_id)
    while older is not None and older.order not in seen:
        seen.add(older.order)
        one, older = older, _older(older, by_id)
    return one


def _newest(
    rows: list[Placed[Any]], roots: Mapping[Key, Placed[Any]]
) -> dict[int, Placed[Any]]:
    """Return one row for each chain, by the order of the chain's first row."""
    chains: dict[int, list[Placed[Any]]] = {}
    older = {(one.raw.table, one.row.supersedes) for one in rows if one.row.supersedes}
    for one in rows:
        if _key(one) not in older:
            chains.setdefault(_root_of(one, roots).order, []).append(one)
    for ends in chains.values():
        _warn_of_rivals(ends, max(ends, key=_age))
    return {order: max(ends, key=_age) for order, ends in chains.items()}


def _root_of(one: Placed[Any], roots: Mapping[Key, Placed[Any]]) -> Placed[Any]:
    name = one.row.id or one.row.supersedes
    return roots.get((one.raw.table, name), one)


def _age(one: Placed[Any]) -> tuple[datetime, int]:
    entered = one.row.entered_at or datetime.min  # noqa: DTZ901 - local, as all here
    return entered, one.order


def _warn_of_rivals(ends: list[Placed[Any]], newest: Placed[Any]) -> None:
    for one in ends:
        if one is not newest:
            reason = (
                f"{one.row.supersedes!r} is replaced here and in {newest.raw.label},"
                " which is newer and counts"
            )
            one.raw.warn("supersedes", reason)


def _renamed(one: Placed[Any], roots: Mapping[Key, Placed[Any]]) -> Placed[Any]:
    """Give what stays itself its first id, in its row and where others name it."""
    changes: dict[str, Any] = {}
    if one.raw.table in IDENTITIES and one.row.supersedes:
        changes["id"] = roots[one.raw.table, one.row.id].row.id
    for name, table in references(TABLES[one.raw.table]).items():
        if table in IDENTITIES:
            field = "from_" if name == "from" else name
            value = getattr(one.row, field)
            first = _first_ids(value, table, roots)
            if first != value:
                changes[field] = first
    if not changes:
        return one
    return dataclasses.replace(one, row=dataclasses.replace(one.row, **changes))


def _first_ids(value: Any, table: str, roots: Mapping[Key, Placed[Any]]) -> Any:
    if isinstance(value, tuple):
        return tuple(_first_ids(one, table, roots) for one in value)
    found = roots.get((table, value))
    return found.row.id if found else value
