"""`punchgate judge`: the core over a book and a file of punches, without a daemon."""

import dataclasses
import gc
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import Progress

from gateway import book_files, calendars, policies
from gateway.cli.app import USAGE, JsonOption, app, fail, say
from gateway.cli.judge_page import pages
from gateway.cli.policy import LangOption, language
from gateway.core.book.index import Book
from gateway.core.moments import wall
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.offline import Task, judged, write_json
from gateway.punch_file import Spooled, spool
from gateway.shipped import folders

_DAY = "YYYY-MM-DD"
_COLLECT_AFTER = 200_000


@app.command("judge")
def judge(
    book: Annotated[Path, typer.Option(help="The book, entries.jsonl beside it.")],
    punches: Annotated[Path, typer.Option(help="CSV of punches with a header.")],
    first: Annotated[str, typer.Option("--from", metavar=_DAY)],
    last: Annotated[str, typer.Option("--to", metavar=_DAY, help="Inclusive.")],
    policy: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Judge everybody by this policy."),
    ] = None,
    all_policies: Annotated[
        bool,
        typer.Option(
            "--all-policies",
            help="Judge by each policy that a contract names, one after the other.",
        ),
    ] = False,
    complete_until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Data goes so far; else it is complete."),
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge attendance: each session, each finding with its clause and punches."""
    try:
        loaded = book_files.load(book)
        task = _task(loaded, book.parent, (first, last), policy, complete_until)
        found = _spooled(punches, loaded)
    except ConfigError as error:
        fail(f"nothing was judged:\n{error}", USAGE)
    # The book stays to the end, and verdicts refer to nothing that refers to them: the
    # collector would look through both for nothing, again and again.
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    try:
        tasks = list(_each(task)) if all_policies else [task]
        for one in tasks:
            if as_json:
                write_json(sys.stdout, one, found)
            else:
                chosen = language(lang).value
                for line in pages(one, judged(one, found), found, chosen):
                    say(line)
    finally:
        found.close()


def _task(
    book: Book,
    folder: Path,
    period: tuple[str, str],
    policy: str | None,
    until: str | None,
) -> Task:
    """Put together what is judged.

    Raises:
        ConfigError: dates, policies or calendar files with problems.
    """
    first, last = (_date(text) for text in period)
    if last < first:
        raise _refused("--to", "lies before --from")
    found = calendars.find(book.site.calendar, folders("calendars", folder))
    if found.problems:
        raise ConfigError(found.problems)
    forced = (
        policies.load(policy, Path() if "/" in policy else folder) if policy else None
    )
    named = {contract.policy for contract in book.rows.contracts}
    return Task(
        book=book,
        calendar=found.calendar,
        policies={}
        if forced
        else {name: policies.load(name, folder) for name in named},
        forced=forced,
        first=first,
        last=last,
        until=None if until is None else _moment(until, book),
    )


def _each(task: Task) -> Iterator[Task]:
    """Yield the task once for each policy that a contract names."""
    seen: set[str] = set()
    for policy in task.policies.values():
        if policy.id not in seen:
            seen.add(policy.id)
            yield dataclasses.replace(task, forced=policy, policies={})


def _spooled(path: Path, book: Book) -> Spooled:
    """Read the punches, with a bar where somebody looks on."""
    quiet = not sys.stderr.isatty()
    with Progress(disable=quiet, transient=True, console=_console()) as progress:
        bar = progress.add_task(f"reading {path.name}", total=None)
        return spool(path, book, lambda rows: progress.update(bar, completed=rows))


def _console() -> Console:
    return Console(stderr=True)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _refused("--from/--to", f"{text!r} is no date like 2026-11-01") from None


def _moment(text: str, book: Book) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        reason = f"{text!r} is no time like 2026-11-01T18:00:00"
        raise _refused("--complete-until", reason) from None
    zone = ZoneInfo(book.site.timezone)
    return wall(at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at)


def _refused(option: str, reason: str) -> ConfigError:
    return ConfigError([Problem(option, 1, "", reason)])
