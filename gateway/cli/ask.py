"""The commands that look at a gateway: status, tail, health."""

import json
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gateway import control, settings, status
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    config_path,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.errors import ConfigError
from gateway.health import Risk, RiskId, risks
from gateway.log import render
from gateway.settings import Loaded
from gateway.store import journal
from gateway.store.drain import Reader
from gateway.store.schema import table

_FOLLOW_SECONDS = 0.2
_FAILED_SHOWN = 10
_IMPORTS_SHOWN = 5
_COUNTS = (
    *("in_terminal", "downloaded", "stored", "punches", "repeats", "rejected"),
    *("sent", "acknowledged"),
)


def _loaded(config: Path | None) -> Loaded:
    try:
        return settings.load(config_path(config))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)


def _status(loaded: Loaded) -> dict[str, Any]:
    """Ask the daemon; without one, read the journal."""
    try:
        found: dict[str, Any] = control.ask(loaded.data_dir, "status")
    except control.NoDaemonError:
        return status.from_journal(loaded, now_of_process())
    return found


@app.command("status")
def show_status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show terminals, the count equation and what waits for the centre."""
    loaded = _loaded(config)
    try:
        found = _status(loaded)
    except sqlite3.Error as error:
        fail(status.unreadable(error, loaded))
    if as_json:
        show_json(found)
        return
    _show(found)


def _show(found: dict[str, Any]) -> None:
    running = "running" if found["daemon"] else "not running"
    say(f"gateway {found['gateway']} at {found['site']}, daemon {running}")
    counts = Table("terminal", "online", box=None, pad_edge=False)
    for name in _COUNTS:
        counts.add_column(name.replace("_", " "), justify="right")
    for line in found["terminals"]:
        online = "yes" if line["online"] else "no"
        values = [_or_dash(line[name]) for name in _COUNTS]
        counts.add_row(line["id"], online, *values)
    Console(file=sys.stdout, highlight=False, width=max(100, _width())).print(counts)
    for line in found["terminals"]:
        for note in _notes(line):
            say(f"  {line['id']}: {note}")
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


def _judging(found: Mapping[str, Any] | None) -> Iterator[str]:
    if found is None:
        return
    if not found["lawful"]:
        yield "nothing: there are no rules without problems"
    for problem in found["refused"]:
        yield f"refused {problem}"
    for person, day in found["failed"][:_FAILED_SHOWN]:
        yield f"failed {person} {day}: a defect, see the log"


def _reader(line: Mapping[str, Any]) -> str:
    if not line["online"]:
        return f"offline: {line['error'] or 'not opened yet'}"
    flaws = ", ".join(f"{count} {kind}" for kind, count in line["flaws"].items())
    last = f", last {line['last_card']}" if line["last_card"] else ""
    noise = f"; no card: {flaws}" if flaws else ""
    return f"{line['use']}, {line['presented']} cards{last}{noise}"


def _import(line: Mapping[str, Any]) -> str:
    said = f"{line['at']} {line['file']}"
    if line["error"]:
        return f"{said}: {line['error']}"
    counts = f"{line['read']} read, {line['new']} new, {line['rejected']} rejected"
    return f"{said} of {line['terminal']}: {counts}"


def _width() -> int:
    return Console(file=sys.stdout).width


def _link(uplink: dict[str, Any]) -> str:
    if not uplink["connected"]:
        return f"no broker: {uplink['error']}" if uplink["error"] else "no broker"
    held = "" if uplink["gate"] == "open" else f", held: {uplink['gate']}"
    return f"connected, MQTT {uplink['protocol']}{held}"


def _notes(line: dict[str, Any]) -> Iterator[str]:
    if line["error"]:
        yield str(line["error"])
    if not line["equation"]["holds"]:
        yield f"does not add up: {line['equation']['term']}"
    if line["last_read"]:
        off = line["offset_seconds"]
        clock = "clock unreadable" if off is None else f"clock off {off:+g} s"
        yield f"last read {line['last_read']}, {clock}"


def equation(line: Mapping[str, Any]) -> str:
    """Return the count equation of a terminal in one line, and what is wrong there."""
    counted = {name: _or_dash(line[name]) for name in _COUNTS}
    text = (
        "in the terminal {in_terminal} = downloaded {downloaded} = stored {stored} ="
        " punches {punches} + repeats {repeats} + rejected {rejected} · sent {sent} ·"
        " acknowledged {acknowledged}"
    ).format(**counted)
    broken = line["equation"]["term"]
    return f"{text} · DOES NOT ADD UP: {broken}" if broken else text


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


@app.command()
def health(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Exit 0: nothing at risk; 1: at risk, each reason on a line; 2: usage."""
    loaded = _loaded(config)
    try:
        alarms = loaded.settings.alarms
        found = risks(_status(loaded), alarms, now_of_process()())
    except sqlite3.Error as error:
        words = status.unreadable(error, loaded)
        found = [Risk(RiskId.JOURNAL_UNREADABLE, None, words)]
    if as_json:
        show_json({"ok": not found, "risks": [asdict(risk) for risk in found]})
    else:
        say("\n".join(risk.words for risk in found) or "ok")
    if found:
        raise typer.Exit(PROBLEM)


@app.command()
def tail(
    config: ConfigOption = None,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, help="How many to begin with.")
    ] = 10,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on until interrupted.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per line.")
    ] = False,
) -> None:
    """Show the last punches of the journal, and with -f the next ones."""
    loaded = _loaded(config)
    reader = Reader(loaded.data_dir / journal.FILE)
    ended = threading.Event()
    if follow:
        # An exception out of nowhere could be swallowed where nobody sees it.
        signal.signal(signal.SIGINT, lambda *_: ended.set())
    try:
        reader.open()
        last = _tail(reader, lines, as_json=as_json)
        while follow and not ended.wait(_FOLLOW_SECONDS):
            last = _since(reader, last, as_json=as_json)
    except sqlite3.Error as error:
        fail(status.unreadable(error, loaded))
    finally:
        reader.close()


def _tail(reader: Reader, lines: int, *, as_json: bool) -> int:
    newest = table(reader.db, "punches").rows_where(
        order_by="rowid desc", limit=max(lines, 1), select="rowid as number, *"
    )
    rows = list(newest)[::-1]
    for row in rows[-lines:] if lines else []:
        _punch(row, as_json=as_json)
    return rows[-1]["number"] if rows else 0


def _since(reader: Reader, last: int, *, as_json: bool) -> int:
    for row in table(reader.db, "punches").rows_where(
        "rowid > ?", [last], order_by="rowid", select="rowid as number, *"
    ):
        _punch(row, as_json=as_json)
        last = row["number"]
    return last


def _punch(row: dict[str, Any], *, as_json: bool) -> None:
    names = ("terminal", "badge", "at", "verify", "seq", "person", "reason")
    values = {name: row[name] for name in names}
    if as_json:
        sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")
    else:
        shown = {name: value for name, value in values.items() if value is not None}
        say(render("punch", shown))
    sys.stdout.flush()
