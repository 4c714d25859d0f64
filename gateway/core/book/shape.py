"""What JSON and tables of text write as text, given the types that TOML has itself.

A value that cannot be given its type stays as it is: the walker then says what is
wrong with it, in the words it has for everything else.
"""

import re
import types
import typing
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from typing import Any

from gateway.core.book.duty import DayWord
from gateway.core.book.tables import hints

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?([+-]\d{2}:\d{2}|Z)?")


def bare(hint: Any) -> Any:
    """Return the type of a value that may also be absent."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return next(arg for arg in typing.get_args(hint) if arg is not type(None))
    return hint


def row(cls: type[Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a row of texts their types; null is absent."""
    known = hints(cls)
    return {
        name: value(known[name], item) if name in known else item
        for name, item in written.items()
        if item is not None
    }


def value(hint: Any, item: Any) -> Any:
    """Give one value its type where its text can be read."""
    hint = bare(hint)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        item = listed(inner, item)
        return [value(inner, one) for one in item] if isinstance(item, list) else item
    if is_dataclass(hint) and isinstance(item, Mapping):
        return row(typing.cast("type[Any]", hint), item)
    return _dated(hint, item) if isinstance(item, str) else item


def listed(inner: Any, item: Any) -> Any:
    """Write one word for the days of a shift as a list of one."""
    return [item] if inner is DayWord and isinstance(item, str) else item


def _dated(hint: Any, text: str) -> Any:
    try:
        if hint is date and _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if hint is datetime and _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:  # 30 February
        return text
    return text
