"""`events.jsonl`: what terminals said, line by line, into checked values.

The keys are exactly those of the published format (docs/suspicion.md). Every problem is
reported with its line; a line with a problem is left out. The order of lines never
matters and a line that comes twice counts once: `gather` puts everything into one
canonical order. This module knows nothing of people or habits.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gateway.core.suspicion.values import Json, wall_text
from gateway.core.values import VerifyMode

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock without a zone
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_AT_LENGTH = len("2026-11-02T08:00:00")
_MODES = {mode.value: mode for mode in VerifyMode}


class Punch(NamedTuple):
    """One record of a terminal's log; a tuple, for there are hundreds of thousands."""

    id: str
    terminal: str
    seq: int
    badge: str
    at: int
    received: int
    verify: VerifyMode
    state: str | int | None

    def row(self) -> Json:
        """Return the event as the case's hash sees it."""
        return {
            "type": "punch",
            "id": self.id,
            "terminal": self.terminal,
            "seq": self.seq,
            "badge": self.badge,
            "at": wall_text(self.at),
            "received_at": wall_text(self.received) + "+00:00",
            "verify": self.verify.value,
            "state": self.state,
        }


class Operation(NamedTuple):
    """One line of a terminal's operation log."""

    terminal: str
    seq: int
    at: int
    received: int
    code: int
    admin: str
    target: str

    def row(self) -> Json:
        """Return the event as the case's hash sees it."""
        return {
            "type": "operation",
            "terminal": self.terminal,
            "seq": self.seq,
            "at": wall_text(self.at),
            "received_at": wall_text(self.received) + "+00:00",
            "code": self.code,
            "admin": self.admin,
            "target": self.target,
        }


class Count(NamedTuple):
    """How many records a terminal said it holds."""

    terminal: str
    received: int
    records: int

    def row(self) -> Json:
        """Return the event as the case's hash sees it."""
        return {
            "type": "count",
            "terminal": self.terminal,
            "received_at": wall_text(self.received) + "+00:00",
            "records": self.records,
        }


class Link(NamedTuple):
    """The connection to a terminal came up or went down."""

    terminal: str
    received: int
    up: bool


@dataclass(frozen=True, slots=True)
class Events:
    """Events without repeats, each kind in its canonical order."""

    punches: tuple[Punch, ...] = ()
    operations: tuple[Operation, ...] = ()
    counts: tuple[Count, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class EventProblem:
    """What is wrong with a line, and what is expected there."""

    line: int
    key: str
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}"
        return (
            f"{where}: {self.key}: {self.reason}"
            if self.key
            else f"{where}: {self.reason}"
        )


Event = Punch | Operation | Count | Link


def gather(events: Iterable[Event]) -> Events:
    """Drop repeats and put events into an order that delivery cannot influence.

    Of two versions of one punch id the one received first stands, as in the journal.
    """
    punches: dict[str, Punch] = {}
    others: dict[type, set[Any]] = {Operation: set(), Count: set(), Link: set()}
    for event in events:
        if isinstance(event, Punch):
            known = punches.setdefault(event.id, event)
            if known is not event and _first(event) < _first(known):
                punches[event.id] = event
        else:
            others[type(event)].add(event)
    return Events(
        tuple(sorted(punches.values(), key=_device_order)),
        tuple(_first_operations(others[Operation])),
        tuple(sorted(others[Count])),
        tuple(sorted(others[Link])),
    )


def _first(punch: Punch) -> tuple[int, str]:
    return punch.received, repr(punch)


def _device_order(punch: Punch) -> tuple[int, str, int, str]:
    return punch.at, punch.terminal, punch.seq, punch.id


def _first_operations(found: set[Operation]) -> list[Operation]:
    """Keep of each operation the delivery that came first."""
    kept: dict[tuple[Any, ...], Operation] = {}
    for one in sorted(found, key=lambda one: one.received):
        kept.setdefault(one._replace(received=0), one)
    return sorted(kept.values())


class _WrongError(Exception):
    """A value that cannot be meant, while one line is read."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


def read_events(lines: Iterable[str]) -> tuple[Events, list[EventProblem]]:
    """Read events from lines of JSON.

    Returns:
        The events of all good lines, and every problem in the order of lines (1-based).
        Empty lines are nothing.
    """
    problems: list[EventProblem] = []
    words: dict[str, str] = {}
    numbers: dict[int, int] = {}

    def good() -> Iterable[Event]:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield _event(line, words, numbers)
            except _WrongError:
                problems.extend(
                    EventProblem(number, key, reason) for key, reason in _explain(line)
                )

    return gather(good()), problems


def _event(line: str, words: dict[str, str], numbers: dict[int, int]) -> Event:
    """Read one line; anything wrong raises without saying everything that is.

    `words` and `numbers` hold what comes again and again, so that it is kept once.
    """
    data = _object(line)
    kind = data.get("type")
    if kind == "punch" and len(data) == len(_PUNCH) and data.keys() == _PUNCH.keys():
        terminal, badge = _filled(data["terminal"]), _text(data["badge"])
        seq = _whole(data["seq"])
        return Punch(
            _filled(data["id"]),
            words.setdefault(terminal, terminal),
            numbers.setdefault(seq, seq),
            words.setdefault(badge, badge),
            _wall(data["at"]),
            _instant(data["received_at"]),
            _mode(data["verify"]),
            _state(data["state"]),
        )
    shape = _shape(data)
    missing = next((name for name in shape if name not in data), None)
    if missing or len(data) != len(shape):
        raise _WrongError(missing or "", "wrong keys")
    read = {name: check(data[name]) for name, check in shape.items()}
    if kind == "operation":
        del read["type"]
        return Operation(**{_RENAMED.get(name, name): read[name] for name in read})
    if kind == "count":
        return Count(read["terminal"], read["received_at"], read["records"])
    return Link(read["terminal"], read["received_at"], read["up"])


def _explain(line: str) -> list[tuple[str, str]]:
    """Return everything that is wrong with a line."""
    try:
        data = _object(line)
        shape = _shape(data)
    except _WrongError as wrong:
        return [(wrong.key, wrong.reason)]
    found = [(name, "is missing") for name in shape if name not in data]
    found += [(name, "is no key of this type") for name in data if name not in shape]
    for name, check in shape.items():
        if name in data:
            try:
                check(data[name])
            except _WrongError as wrong:
                found.append((name, wrong.reason))
    return found


def _object(line: str) -> dict[str, Any]:
    try:
        data = _DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        raise _WrongError("", f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise _WrongError("", "must be one JSON object")
    return data


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise _WrongError("", "the same key stands twice")
    return data


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs)


def _shape(data: Mapping[str, Any]) -> Mapping[str, Callable[[Any], Any]]:
    kind = data.get("type")
    shape = _SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise _WrongError("type", f"must be one of {', '.join(_SHAPES)}, not {kind!r}")
    return shape


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _WrongError("", "must be a text")
    return value


def _filled(value: Any) -> str:
    text = _text(value)
    if not text:
        raise _WrongError("", "must not be empty")
    return text


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise _WrongError("", "must be a whole number")
    return value


def _not_negative(value: Any) -> int:
    if _whole(value) < 0:
        raise _WrongError("", "must not be negative")
    return int(value)


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise _WrongError("", "must be true or false")
    return value


def _state(value: Any) -> str | int | None:
    if value is None or type(value) in {str, int}:
        return value  # type: ignore[no-any-return]  # one of the three
    raise _WrongError("", "must be a text, a whole number or null")


def _who(value: Any) -> str:
    """Read the admin or target of an operation: badges, sometimes numbers or nobody."""
    return "" if value is None else str(_state(value))


def _mode(value: Any) -> VerifyMode:
    mode = _MODES.get(value) if type(value) is str else None
    if mode is None:
        raise _WrongError("", f"must be one of {', '.join(_MODES)}")
    return mode


def _wall(value: Any) -> int:
    """Read a device local time `YYYY-MM-DDTHH:MM:SS` into wall seconds."""
    if type(value) is str and len(value) == _AT_LENGTH and value[10] == "T":
        try:
            wall = datetime.fromisoformat(value)
        except ValueError:
            wall = None
        if wall is not None and wall.tzinfo is None:
            gone = wall - _EPOCH
            return gone.days * 86_400 + gone.seconds
    raise _WrongError("", "must be a device local time like 2026-11-02T08:00:00")


def _instant(value: Any) -> int:
    """Read a time with offset into whole UTC seconds."""
    if type(value) is str:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is not None and instant.tzinfo is not None:
            gone = instant - _EPOCH_UTC
            return gone.days * 86_400 + gone.seconds
    raise _WrongError("", "must be a time with offset like 2026-11-02T08:00:01+08:00")


_RENAMED = {"received_at": "received"}
_PUNCH: Mapping[str, Callable[[Any], Any]] = {
    "type": _text,
    "id": _filled,
    "terminal": _filled,
    "seq": _whole,
    "badge": _text,
    "at": _wall,
    "received_at": _instant,
    "verify": _mode,
    "state": _state,
}
_SHAPES: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "punch": _PUNCH,
    "operation": {
        "type": _text,
        "terminal": _filled,
        "seq": _whole,
        "at": _wall,
        "received_at": _instant,
        "code": _whole,
        "admin": _who,
        "target": _who,
    },
    "count": {
        "type": _text,
        "terminal": _filled,
        "received_at": _instant,
        "records": _not_negative,
    },
    "link": {
        "type": _text,
        "terminal": _filled,
        "received_at": _instant,
        "up": _flag,
    },
}
