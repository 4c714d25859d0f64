"""`punchgate status` for people: the count equation of each terminal, and what waits.

Fits the screen it is shown on; into a file or a pipe it is as wide as it needs to be.
No id is ever cut: two terminals must not look like one.
"""

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, JustifyMethod
from rich.table import Table

from gateway.cli.app import say
from gateway.cli.tables import show

_FAILED_SHOWN = 10
_IMPORTS_SHOWN = 5
_COUNTS = (
    *("in_terminal", "downloaded", "stored", "punches", "repeats", "rejected"),
    *("sent", "acknowledged"),
)
_FOLDED = {
    "in terminal": "in ter-\nminal",
    "downloaded": "down-\nloaded",
    "acknowledged": "acknow-\nledged",
}
_TEXTS = 2  # of the columns, before the numbers
_LEAST_ID = 8
_ANY_WIDTH = 10_000
Line = Mapping[str, Any]


def show_page(found: Line) -> None:
    """Print what `status --json` shows."""
    running = "running" if found["daemon"] else "not running"
    say(f"gateway {found['gateway']} at {found['site']}, daemon {running}")
    _show_counts(found["terminals"])
    for line in found["terminals"]:
        for note in _notes(line):
            say(_wrapped(f"  {line['id']}: {note}"))
    outbox = found["outbox"]
    age = outbox["oldest_age_seconds"]
    waits = "" if age is None else f", the oldest for {age:.0f} s"
    say(f"outbox  {outbox['unacknowledged']} not acknowledged{waits}")
    uplink = found["uplink"]
    link = "unknown" if uplink is None else _link(uplink)
    say(f"uplink  {link}; confirmed by the {found['confirm']}")
    for line in found["readers"]:
        say(f"reader  {line['id']}: {_reader(line)}")
    for said in _judging(found.get("judging")):
        say(f"judging {said}")
    for line in found["imports"][:_IMPORTS_SHOWN]:
        say(f"import  {_import(line)}")
    if found["book"]["from"] == "central":
        say(found["book"]["words"])
    for line in found["certificates"]:
        left = "" if line["days_left"] is None else f"until {line['until']}"
        say(f"{line['key']:<8}{line['words'] or left}")


def _show_counts(lines: Sequence[Line]) -> None:
    """Print the counts of all terminals.

    Where they do not fit, the heads are folded, then the ids.
    """
    ids = [line["id"] for line in lines]
    rows = [[_online(line), *(_or_dash(line[x]) for x in _COUNTS)] for line in lines]
    heads = ["terminal", "online", *(name.replace("_", " ") for name in _COUNTS)]
    table = _table(heads, ids, rows, blanks=2)
    if sys.stdout.isatty() and _width(table) > (screen := Console().width):
        heads = [_FOLDED.get(head, head) for head in heads]
        rest = _width(_table(heads, [""] * len(ids), rows, blanks=1)) - len(heads[0])
        room = max(screen - rest, _LEAST_ID)
        ids = [_folded(one, room) for one in ids]
        table = _table(heads, ids, rows, blanks=1)
    show(table, least=_width(table))


def _wrapped(text: str) -> str:
    """Return a line as the screen takes it, further ones set in; whole for a file."""
    if not sys.stdout.isatty():
        return text
    width = Console().width
    return textwrap.fill(
        text, width, subsequent_indent="      ", break_on_hyphens=False
    )


def _folded(name: str, room: int) -> str:
    """Return an id in lines of at most `room` columns, behind hyphens if it can be."""
    lines = textwrap.wrap(name.replace("-", "- "), room)
    return "\n".join(line.replace("- ", "-") for line in lines)


def _table(
    heads: Sequence[str], ids: Sequence[str], rows: Sequence[list[str]], *, blanks: int
) -> Table:
    """Return a table in which nothing is cut."""
    table = Table(box=None, pad_edge=False, padding=(0, blanks, 0, 0))
    for number, head in enumerate(heads):
        justify: JustifyMethod = "left" if number < _TEXTS else "right"
        table.add_column(head, justify=justify, no_wrap=True)
    for one, row in zip(ids, rows, strict=True):
        table.add_row(one, *row)
    return table


def _width(table: Table) -> int:
    return Console(width=_ANY_WIDTH, markup=False).measure(table).maximum


def _online(line: Line) -> str:
    if line["online"]:
        return "yes"
    return "reading" if line["reading"] and not line["error"] else "no"


def _judging(found: Line | None) -> Iterator[str]:
    if found is None:
        return
    if not found["lawful"]:
        yield "nothing: there are no rules without problems"
    for problem in found["refused"]:
        yield f"refused {problem}"
    for person, day in found["failed"][:_FAILED_SHOWN]:
        yield f"failed {person} {day}: a defect, see the log"


def _reader(line: Line) -> str:
    if not line["online"]:
        return f"offline: {line['error'] or 'not opened yet'}"
    flaws = ", ".join(f"{count} {kind}" for kind, count in line["flaws"].items())
    last = f", last {line['last_card']}" if line["last_card"] else ""
    noise = f"; no card: {flaws}" if flaws else ""
    return f"{line['use']}, {line['presented']} cards{last}{noise}"


def _import(line: Line) -> str:
    said = f"{line['at']} {line['file']}"
    if line["error"]:
        return f"{said}: {line['error']}"
    counts = f"{line['read']} read, {line['new']} new, {line['rejected']} rejected"
    return f"{said} of {line['terminal']}: {counts}"


def _link(uplink: Line) -> str:
    if not uplink["connected"]:
        return f"no broker: {uplink['error']}" if uplink["error"] else "no broker"
    held = "" if uplink["gate"] == "open" else f", held: {uplink['gate']}"
    return f"connected, MQTT {uplink['protocol']}{held}"


def _notes(line: Line) -> Iterator[str]:
    if line["error"]:
        yield str(line["error"])
    if line["reading"]:
        yield "its log is not read to its end yet; until then no counts add up"
    elif not line["equation"]["holds"]:
        yield f"does not add up: {line['equation']['term']}"
    if line["earlier"]:
        yield f"{line['earlier']} more records are stored of what its log was before"
    if line["last_read"]:
        off = line["offset_seconds"]
        clock = "clock unreadable" if off is None else f"clock off {off:+g} s"
        yield f"{_seen(line)}, {clock}"


def _seen(line: Line) -> str:
    """Say until when its punches are here; what is not new is not read again."""
    read = f"log last read {_second(line['last_read'])}"
    upto = line["complete_at"]
    return f"complete until {_second(upto)}, {read}" if upto else read


def _second(moment: str) -> str:
    return datetime.fromisoformat(moment).isoformat(timespec="seconds")


def equation(line: Line) -> str:
    """Return the count equation of a terminal in one line, and what is wrong there."""
    counted = {name: _or_dash(line[name]) for name in _COUNTS}
    text = (
        "in the terminal {in_terminal} = downloaded {downloaded} = stored {stored} ="
        " punches {punches} + repeats {repeats} + rejected {rejected} · sent {sent} ·"
        " acknowledged {acknowledged}"
    ).format(**counted)
    broken = line["equation"]["term"]
    if line["reading"]:
        return f"{text} · not read to its end yet"
    return f"{text} · DOES NOT ADD UP: {broken}" if broken else text


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
