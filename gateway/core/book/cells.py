"""Cells of tables (CSV, spreadsheets, `key=value`) into values of a row, and back.

A cell is text. Lists are separated by `;`, `,` or their Chinese forms, dates may be
written as spreadsheets write them (2026/11/5 8:30), sessions as
`08:30-12:00; 14:30-17:30`, with breaks in brackets: `09:00-18:00 (12:00-13:00)`. What
cannot be read stays text, so that the walker says what is wrong with it.
"""

import dataclasses
import re
import typing
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from gateway.core.book import shape
from gateway.core.book.duty import Break, Session
from gateway.core.book.tables import hints

_LIST = re.compile(r"[;,；，、]")
_SPAN = re.compile(
    r"\s*(\d{1,2}:\d{2})\s*[-~至]\s*(\d{1,2}:\d{2})\s*(?:[(（](.*)[)）])?\s*"
)
_SPREADSHEET = re.compile(
    r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?"
)
# What spreadsheets make of a date.
_MIDNIGHT = "T00:00:00"
_TRUE, _FALSE = {"true", "yes", "1", "是"}, {"false", "no", "0", "否"}


def row(cls: type[Any], cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the row that cells make; empty cells are absent, unknown keys stay."""
    known = hints(cls)
    return {
        name: value(known[name], text.strip()) if name in known else text
        for name, text in cells.items()
        if text.strip()
    }


def value(hint: Any, text: str) -> Any:
    """Read one cell as JSON would have it: numbers, lists, texts of dates."""
    hint = shape.bare(hint)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if inner is Session:
            return [_session(part) for part in _LIST.split(text) if part.strip()]
        parts = [part.strip() for part in _LIST.split(text)]
        return [value(inner, part) for part in parts if part]
    if hint is bool:
        return _truth(text)
    if hint in (int, float):
        return _number(hint, text)
    if hint is date:
        return _iso(text).removesuffix(_MIDNIGHT)
    return _iso(text) if hint is datetime else text


def _truth(text: str) -> Any:
    if text.lower() in _TRUE:
        return True
    return False if text.lower() in _FALSE else text


def _number(hint: type[Any], text: str) -> Any:
    try:
        return hint(text)
    except ValueError:
        return text


def _iso(text: str) -> str:
    """Write a date of a spreadsheet as ISO; anything else stays."""
    found = _SPREADSHEET.fullmatch(text)
    if not found:
        return text
    year, month, day, hour, minute, second = found.groups()
    written = f"{year}-{month:0>2}-{day:0>2}"
    return f"{written}T{hour:0>2}:{minute}:{second or '00'}" if hour else written


def _session(text: str) -> Any:
    found = _SPAN.fullmatch(text)
    if not found:
        return text.strip()
    start, end, pauses = found.groups()
    breaks = [_session(part) for part in (pauses or "").split("+") if part.strip()]
    return {"start": start, "end": end} | ({"breaks": breaks} if breaks else {})


def cell(item: Any) -> str:
    """Write a value of a row as a cell that reads back as the same."""
    if item is None:
        return ""
    if isinstance(item, tuple | list):
        return "; ".join(cell(one) for one in item)
    if isinstance(item, Session):
        pauses = "+".join(cell(one) for one in item.breaks)
        return f"{item.start}-{item.end}" + (f" ({pauses})" if pauses else "")
    if isinstance(item, Break):
        return f"{item.start}-{item.end}"
    if isinstance(item, bool):
        return str(item).lower()
    return item.isoformat() if isinstance(item, date) else str(item)


def columns(cls: type[Any]) -> list[str]:
    """Return the keys of a row as columns: its own first, who entered it last."""
    own = [name for name in hints(cls) if name not in _ENTRY and name != "id"]
    return [*(["id"] if "id" in hints(cls) else []), *own, *_ENTRY]


_ENTRY = ("entered_by", "entered_at", "supersedes")


def required(cls: type[Any]) -> set[str]:
    """Return the keys that a row must have."""
    return {
        field.name.rstrip("_")
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING
    }


def kind(hint: Any) -> str:
    """Say in a word what a column holds."""
    hint = shape.bare(hint)
    if typing.get_origin(hint) is tuple:
        return f"{kind(typing.get_args(hint)[0])}; …"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return " | ".join(one for one in hint if one)
    return _KINDS[hint]


_KINDS = {
    str: "text",
    int: "number",
    float: "number",
    bool: "true | false",
    date: "date",
    datetime: "date-time",
    Session: "08:30-12:00",
}


def to_json(item: Any) -> Any:
    """Return what a line of entries.jsonl holds for a value of a row."""
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return {
            field.name.rstrip("_"): to_json(getattr(item, field.name))
            for field in sorted(dataclasses.fields(item), key=_place)
            if getattr(item, field.name) != field.default
        }
    if isinstance(item, tuple | list):
        return [to_json(one) for one in item]
    if isinstance(item, Mapping):
        return {name: to_json(one) for name, one in item.items()}
    return item.isoformat() if isinstance(item, date) else item


def _place(field: "dataclasses.Field[Any]") -> tuple[bool, bool]:
    """Put the id first and who entered the row last."""
    return field.name in _ENTRY, field.name != "id"
