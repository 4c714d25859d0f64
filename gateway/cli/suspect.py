"""`punchgate suspect`: the engine of suspicions over files, without a daemon."""

import gc
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import book_files, calendars
from gateway.cli.app import USAGE, JsonOption, app, fail, say, show_json
from gateway.cli.policy import LangOption, language
from gateway.core.book.index import Book
from gateway.core.suspicion.detect import suspect as look
from gateway.core.suspicion.events import Events, read_events
from gateway.core.suspicion.values import Options
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.shipped import folders
from gateway.suspecting_book import SuspicionBook
from gateway.suspecting_cost import NEVER, expected
from gateway.suspecting_page import report
from gateway.suspecting_punches import read_punches

_DAY = "YYYY-MM-DD"
_MOST_PROBLEMS = 100


@app.command("suspect")
def suspect(
    book: Annotated[Path, typer.Option(help="The book, entries.jsonl beside it.")],
    events: Annotated[
        Path | None,
        typer.Option(metavar="E.jsonl", help="What terminals said, a line each."),
    ] = None,
    punches: Annotated[
        Path | None,
        typer.Option(metavar="P.csv", help="Punches alone, in place of events."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "-c",
            "--config",
            metavar="FILE",
            help="Verify codes of terminals, for codes in a CSV; else all unknown.",
        ),
    ] = None,
    through: Annotated[
        str | None, typer.Option(metavar=_DAY, help="Last day; else the last seen.")
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for proxy punching: suspicions with what speaks against them first."""
    gc.disable()  # nothing here is cyclic, and looking for it takes a third of the time
    try:
        found = book_files.load(book)
        asked = _asked(found, book.parent)
        said = _events(events, punches, config, found)
        options = Options(through=None if through is None else _date(through))
    except ConfigError as error:
        fail(f"nothing was looked at:\n{error}", USAGE)
    cost = expected(len(found.people))
    cases = look(asked, said, options).to_json()["cases"]
    if as_json:
        show_json({"cases": cases, **under(cost)})
        return
    for line in report(cases, cost, language(lang).value):
        say(line)


def under(cost: Any) -> dict[str, Any]:
    """Return what stands under the cases of every document."""
    return {"expected_false": cost.to_json(), "means": NEVER.to_json()}


def _asked(book: Book, folder: Path) -> SuspicionBook:
    calendar = calendars.find(book.site.calendar, folders("calendars", folder))
    if calendar.problems:
        raise ConfigError(calendar.problems)
    return SuspicionBook(book, calendar.calendar)


def _events(
    events: Path | None, punches: Path | None, config: Path | None, book: Book
) -> Events:
    if punches is not None and events is None:
        return read_punches(punches, book, config)
    if events is not None and punches is None:
        return _read_events(events)
    return fail("name one of --events E.jsonl and --punches P.csv", USAGE)


def _read_events(path: Path) -> Events:
    """Read a file of events.

    Raises:
        ConfigError: with the line of every problem.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            found, problems = read_events(file)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise _refused(path, reason) from None
    if problems:
        raise ConfigError(
            [
                Problem(str(path), one.line, one.key, one.reason)
                for one in problems[:_MOST_PROBLEMS]
            ]
        )
    return found


def _refused(path: Path, reason: str) -> ConfigError:
    return ConfigError([Problem(str(path), 1, "", reason)])


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        reason = f"{text!r} is no date like 2026-11-01"
        raise ConfigError([Problem("--through", 1, "", reason)]) from None
