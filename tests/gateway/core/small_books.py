"""A small book, and rows to put behind it: problems come from the rows alone."""

import json

from tests.book_rows import DAY_SHIFT, NIGHT_SHIFT
from tests.gateway.core.books import wrong

BASE = (
    DAY_SHIFT
    + NIGHT_SHIFT
    + """
[site]
id = "hq"
[[vendors]]
id = "acme"
name = "甲"
[[people]]
id = "p1"
name = "甲一"
vendor = "acme"
[[people]]
id = "p2"
name = "甲二"
[[terminals]]
id = "lobby"
serial = "S1"
[[shifts]]
id = "early"
sessions = [ { start = "06:00", end = "08:30" } ]
days = ["sat", "sun"]
[[posts]]
id = "noc"
kind = "24x7"
from = 2026-01-01
"""
)
LEAVE = """
[[leave]]
id = "{id}"
person = "p1"
kind = "personal"
from = {start}
to = {end}
applied_at = 2026-11-01T08:00:00
{more}
"""


def leave(
    start: str = "2026-11-05T08:30:00",
    end: str = "2026-11-05T10:30:00",
    name: str = "L1",
    more: str = "",
) -> str:
    """Return a leave of p1."""
    return LEAVE.format(id=name, start=start, end=end, more=more)


def reasons(more: str, entries: str = "") -> list[str]:
    """Return `path: reason` of each problem of the base with more behind it."""
    return [one.split(": ", 1)[1] for one in wrong(BASE + more, entries)]


def roster(shift: str, days: str, person: str = "p1") -> str:
    """Return a row of the roster; `days` is TOML."""
    return f'[[roster]]\nperson = "{person}"\nshift = "{shift}"\n{days}\n'


CONTRACT = """
[[contracts]]
id = "{}"
vendor = "acme"
policy = "client-contract"
from = {}
to = {}
"""


def order(more: str) -> str:
    """Return an order for one day."""
    return f'[[days]]\ndate = 2026-11-14\nby = "l"\n{more}\n'


def line(table: str, **row: object) -> str:
    """Return a line of entries."""
    return json.dumps({"table": table, **row}, ensure_ascii=False) + "\n"


def correction(name: str, older: str, **more: object) -> str:
    """Return a leave of p1 that replaces another one."""
    row = {
        "id": name,
        "person": "p1",
        "kind": "sick",
        "from": "2026-11-05T08:30",
        "to": "2026-11-05 11:30:00",
        "applied_at": "2026-11-01T08:00:00",
        "supersedes": older,
    }
    return line("leave", **row, **more)
