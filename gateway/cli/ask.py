"""The commands that look at a gateway: status, tail, health."""

import json
import signal
import sqlite3
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

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
from gateway.cli.status_page import show_page
from gateway.errors import ConfigError
from gateway.health import Risk, RiskId, risks
from gateway.log import render
from gateway.settings import Loaded
from gateway.store import journal
from gateway.store.drain import Reader
from gateway.store.schema import table

_FOLLOW_SECONDS = 0.2


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
    show_page(found)


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
