"""events.jsonl: exact keys, every problem with its line, order without meaning."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.suspicion.events import (
    Count,
    Event,
    Events,
    Link,
    gather,
    read_events,
)
from gateway.core.values import VerifyMode
from tests.gateway.core.suspicion.makers import operation, punch

PUNCH: dict[str, Any] = {
    "type": "punch",
    "id": "p1_a",
    "terminal": "lobby",
    "seq": 7,
    "badge": "0042",
    "at": "2026-03-02T08:25:00",
    "received_at": "2026-03-02T08:25:02.750+08:00",
    "verify": "finger",
    "state": 0,
}
OPERATION = {
    "type": "operation",
    "terminal": "lobby",
    "seq": 3,
    "at": "2026-03-02T09:00:00",
    "received_at": "2026-03-02T01:00:01+00:00",
    "code": 6,
    "admin": "1",
    "target": "0042",
}
COUNT = {
    "type": "count",
    "terminal": "lobby",
    "received_at": "2026-03-02T01:00:01Z",
    "records": 812,
}
LINK = {
    "type": "link",
    "terminal": "lobby",
    "received_at": "2026-03-02T01:00:01Z",
    "up": False,
}


def lines(*rows: Any) -> list[str]:
    """Return rows as lines of JSON."""
    return [json.dumps(row) for row in rows]


def test_every_type_is_read() -> None:
    """One line of each type becomes its value; times become seconds."""
    events, problems = read_events(["", *lines(PUNCH, OPERATION, COUNT, LINK), " \n"])
    assert problems == []
    (one,) = events.punches
    assert one.row() == PUNCH | {"received_at": "2026-03-02T00:25:02+00:00"}
    assert one.verify is VerifyMode.FINGER
    (done,) = events.operations
    assert done.row() == OPERATION
    assert events.counts == (Count("lobby", one.received + 2_099, 812),)
    assert events.counts[0].row()["records"] == 812
    assert events.links == (Link("lobby", one.received + 2_099, up=False),)


@pytest.mark.parametrize(
    "line,key,part",
    [
        ("{", "", "not JSON"),
        ("[1]", "", "one JSON object"),
        ("[" * 100_000, "", "not JSON"),
        ('{"type":"punch","type":"punch"}', "", "stands twice"),
        ('{"type":"visit"}', "type", "one of punch, operation, count, link"),
        ('{"type":["punch"]}', "type", "one of"),
        (json.dumps(PUNCH | {"extra": 1}), "extra", "no key"),
        (json.dumps(PUNCH | {"id": ""}), "id", "empty"),
        (json.dumps(PUNCH | {"id": 5}), "id", "a text"),
        (json.dumps(PUNCH | {"terminal": ""}), "terminal", "empty"),
        (json.dumps(PUNCH | {"seq": True}), "seq", "whole number"),
        (json.dumps(PUNCH | {"seq": 1.0}), "seq", "whole number"),
        (json.dumps(PUNCH | {"badge": 42}), "badge", "a text"),
        (json.dumps(PUNCH | {"at": "2026-02-31T08:00:00"}), "at", "device local"),
        (json.dumps(PUNCH | {"at": "2026-03-02 08:00:00"}), "at", "device local"),
        (json.dumps(PUNCH | {"at": "2026-03-02T08:00+08"}), "at", "device local"),
        (json.dumps(PUNCH | {"at": None}), "at", "device local"),
        (json.dumps(PUNCH | {"received_at": PUNCH["at"]}), "received_at", "offset"),
        (json.dumps(PUNCH | {"received_at": "x"}), "received_at", "offset"),
        (json.dumps(PUNCH | {"received_at": 4}), "received_at", "offset"),
        (json.dumps(PUNCH | {"verify": "iris"}), "verify", "finger, face"),
        (json.dumps(PUNCH | {"verify": 1}), "verify", "finger, face"),
        (json.dumps(PUNCH | {"state": 1.5}), "state", "null"),
        (json.dumps(COUNT | {"records": -1}), "records", "negative"),
        (json.dumps(LINK | {"up": 1}), "up", "true or false"),
        (json.dumps(OPERATION | {"code": "6"}), "code", "whole number"),
        (json.dumps(OPERATION | {"target": []}), "target", "null"),
    ],
)
def test_a_problem_names_its_line_and_key(line: str, key: str, part: str) -> None:
    """What is wrong is said with line and key; the good lines still count."""
    events, (problem,) = read_events([*lines(PUNCH), line])
    assert (problem.line, problem.key) == (2, key)
    assert part in problem.reason
    assert str(problem).startswith("line 2: ")
    assert len(events.punches) == 1


def test_all_problems_of_all_lines_at_once() -> None:
    """Nobody mends a file one message at a time."""
    bad = {key: value for key, value in PUNCH.items() if key not in {"id", "at"}}
    _, problems = read_events(lines(bad | {"verify": "no", "why": 1}, LINK, {"up": 1}))
    assert [(one.line, one.key) for one in problems] == [
        (1, "id"),
        (1, "at"),
        (1, "why"),
        (1, "verify"),
        (3, "type"),
    ]


def test_operations_may_be_of_nobody() -> None:
    """A log without operator or target is still a log."""
    events, problems = read_events(lines(OPERATION | {"admin": None, "target": 42}))
    assert not problems
    assert (events.operations[0].admin, events.operations[0].target) == ("", "42")


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=8))
def test_order_and_repeats_leave_no_trace(order: list[int], again: list[int]) -> None:
    """Delivery may shuffle and double: the gathered events are the same."""
    rows: list[Event] = [
        punch("A", 0, "08:00:00", id="x"),
        punch("A", 0, "08:00:00", "card", id="x", delay=400),
        punch("B", 0, "08:00:00"),
        punch("B", 0, "08:00:00", terminal="side"),
        operation(6, 0, "09:00:00", "A")._replace(seq=1),
        operation(6, 0, "09:00:00", "A")._replace(seq=1, received=5),
        Count("lobby", 5, 7),
        Link("lobby", 5, up=True),
    ]
    shuffled = gather([rows[n] for n in (*order, *again)])
    assert shuffled == gather(rows)
    assert [one.verify for one in shuffled.punches if one.id == "x"] == ["finger"]
    assert len(shuffled.operations) == 1
    assert shuffled.operations[0].received == 5


def test_nothing_is_no_problem() -> None:
    """An empty file holds no events and no mistakes."""
    assert read_events([]) == (Events(), [])
