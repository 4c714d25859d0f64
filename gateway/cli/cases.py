"""`punchgate cases`: suspicions listed and shown, confirmed by two, or dismissed."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from gateway import control, suspecting_review
from gateway.cli.app import (
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
from gateway.cli.book import added, entered
from gateway.cli.own_journal import own_intake
from gateway.cli.policy import LangOption, language
from gateway.cli.suspect import under
from gateway.cli.tables import show_table
from gateway.clock import text
from gateway.core.moments import local, read
from gateway.core.suspicion.values import Text
from gateway.errors import ConfigError, StoreError
from gateway.settings import Loaded, load
from gateway.store import cases as stored
from gateway.store.drain import Reader
from gateway.store.journal import FILE
from gateway.suspecting_cases import Case
from gateway.suspecting_cost import expected
from gateway.suspecting_page import GRADES, KINDS, STATUSES, footer, page
from gateway.suspecting_page import say as worded
from gateway.suspecting_review import (
    CONFIRM,
    DISMISS,
    Decision,
    Precision,
    ReviewError,
    measured,
)

cases_app = typer.Typer(
    help="Suspicions of proxy punching, for reviewers: two people decide, no number.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(cases_app, name="cases")

_ANSWER_SECONDS = 60.0
_ORDER = {"case": 0, "watch": 1, "note": 2}
_STATE_ORDER = {"open": 0, "weakened": 1, "confirmed": 2, "dismissed": 3}
_COLUMNS = {
    "zh": ("编号", "级别", "类型", "状态", "被疑", "邻人", "考勤机", "立案", "天"),
    "en": (
        "id",
        "grade",
        "kind",
        "status",
        "subject",
        "beside",
        "at",
        "opened",
        "days",
    ),
}

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", show_default=False)]
ByOption = Annotated[
    list[str] | None,
    typer.Option("--by", metavar="NAME", help="Who decides; repeatable."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in words.")]


@cases_app.command("list")
def list_cases(
    everything: Annotated[
        bool,
        typer.Option("--all", help="Also notes, and what has weakened or is decided."),
    ] = False,
    lang: LangOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List open cases and the watch list, and how often decided cases were right."""
    loaded = _loaded(config)
    found = sorted(_every(loaded), key=_place)
    shown = [one for one in found if everything or _is_open(one)]
    cost, precision = expected(len(loaded.book.people)), measured(found)
    if as_json:
        told = {"cases": shown, "measured": precision.to_json(), **under(cost)}
        show_json(told)
        return
    spoken = language(lang).value
    if shown:
        show_table(_COLUMNS[spoken], [_row(one, spoken) for one in shown])
    else:
        say(worded(Text("没有待复核的疑点。", "No open suspicions."), spoken))
    say(worded(_measured(precision), spoken))
    for line in footer(cost, spoken):
        say(line)


@cases_app.command()
def show(
    case: CaseArgument,
    lang: LangOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a case with all of its evidence, what speaks against it first."""
    loaded = _loaded(config)
    found = _one(loaded, case)
    cost = expected(len(loaded.book.people))
    if as_json:
        show_json({"cases": [found], **under(cost)})
        return
    spoken = language(lang).value
    for line in (*page(found, spoken), *footer(cost, spoken)):
        say(line)


@cases_app.command()
def confirm(
    case: CaseArgument,
    by: ByOption = None,
    reason: ReasonOption = "",
    statement: Annotated[
        str, typer.Option(help="What the person said, in the person's own words.")
    ] = "",
    heard_at: Annotated[
        str, typer.Option(metavar="TIME", help="When the person was heard.")
    ] = "",
    evidence: Annotated[
        list[str] | None, typer.Option(help="What was fetched; repeatable.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="PERSON", help="Also charged; needs --evidence."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm a case: a ruling of the book, which the judge charges."""
    loaded = _loaded(config)
    if loaded.follows_centre:
        fail("the book comes from the centre: confirm it there", USAGE)
    said = Decision(
        CONFIRM,
        tuple(by or ()),
        _now(loaded),
        reason,
        statement,
        _time(heard_at),
        tuple(evidence or ()),
        tuple(also or ()),
    )
    found = _decidable(loaded, case, said)
    row = suspecting_review.ruling(found, said)
    if loaded.book.row("rulings", row["id"]) is None:
        line = {"table": "rulings", **row, **entered(loaded.book, said.by[0], row)}
        written = added(loaded.book_path, [line], write=True)
        if written.problems:
            fail("\n".join(map(str, written.problems)))
    _keep(loaded, found, suspecting_review.label(found, said), row)
    if as_json:
        show_json({"case": case, "decision": CONFIRM, "ruling": row})
        return
    say(f"{case} confirmed by {' and '.join(said.by)}; ruling {row['id']} in the book")
    say("the judge charges it once the book is read again (punchgate month)")


@cases_app.command()
def dismiss(
    case: CaseArgument,
    by: ByOption = None,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Dismiss a case: kept as a label, and counted in the measured precision."""
    loaded = _loaded(config)
    said = Decision(DISMISS, tuple(by or ()), _now(loaded), reason)
    found = _decidable(loaded, case, said)
    _keep(loaded, found, suspecting_review.label(found, said))
    if as_json:
        show_json({"case": case, "decision": DISMISS, "ruling": None})
        return
    say(f"{case} dismissed by {' and '.join(said.by)}")


def _loaded(config: Path | None) -> Loaded:
    try:
        return load(config_path(config))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)


@contextmanager
def _reading(loaded: Loaded) -> Iterator[Reader]:
    path = loaded.data_dir / FILE
    if not path.exists():
        fail(f"{path} is not there yet: start the daemon first", USAGE)
    reader = Reader(path)
    reader.open()
    try:
        if not reader.db.table("cases").exists():
            fail(f"{path} knows no cases yet: start the daemon first", USAGE)
        yield reader
    finally:
        reader.close()


def _every(loaded: Loaded) -> list[Case]:
    with _reading(loaded) as reader:
        return stored.every(reader.db)


def _one(loaded: Loaded, key: str) -> Case:
    with _reading(loaded) as reader:
        found = stored.one(reader.db, key)
    if found is None:
        fail(f"there is no case {key!r}; punchgate cases list --all shows them")
    return found


def _decidable(loaded: Loaded, key: str, said: Decision) -> Case:
    """Return a case that may be decided so, or end the command in words."""
    found = _one(loaded, key)
    try:
        suspecting_review.check(found, said, loaded.book, _every(loaded))
    except ReviewError as error:
        fail(f"nothing was decided of {key}:\n{error}")
    return found


def _keep(
    loaded: Loaded,
    case: Case,
    review: Mapping[str, Any],
    row: Mapping[str, Any] | None = None,
) -> None:
    """Let the daemon keep a decision; without one, keep it ourselves."""
    key = case["id"]
    try:
        control.ask(
            loaded.data_dir,
            "review",
            _ANSWER_SECONDS,
            case=key,
            review=dict(review),
            row=row,
        )
    except control.NoDaemonError:
        try:
            asyncio.run(_keep_alone(loaded, key, review, row))
        except StoreError as error:
            fail(str(error))
    except control.RefusedError as error:
        fail(str(error))


async def _keep_alone(
    loaded: Loaded,
    key: str,
    review: Mapping[str, Any],
    row: Mapping[str, Any] | None,
) -> None:
    now = text(now_of_process()())
    async with own_intake(loaded) as intake:
        await intake.ask(lambda db: suspecting_review.keep(db, now, key, review, row))


def _now(loaded: Loaded) -> datetime:
    zone = ZoneInfo(loaded.book.site.timezone)
    return now_of_process()().astimezone(zone).replace(tzinfo=None, microsecond=0)


def _time(said: str) -> datetime | None:
    try:
        return local(read(said)) if said else None
    except ValueError as error:
        fail(f"--heard-at: {error}", USAGE)


def _is_open(one: Case) -> bool:
    return bool(one["status"] == "open" and one["grade"] != "note")


def _place(one: Case) -> tuple[Any, ...]:
    return (
        _STATE_ORDER[one["status"]],
        _ORDER[one["grade"]],
        one["opened_on"],
        one["id"],
    )


def _row(one: Case, lang: str) -> tuple[object, ...]:
    return (
        one["id"],
        worded(GRADES[one["grade"]], lang),
        worded(KINDS[one["kind"]], lang),
        worded(STATUSES[one["status"]], lang),
        one["subject"],
        one["neighbour"],
        one["terminal"],
        one["opened_on"],
        len(one["days"]) or None,
    )


def _measured(found: Precision) -> Text:
    """Word how often decided cases were right."""
    interval = found.interval
    if interval is None:
        return Text(
            "尚无复核结果：本站实测准确率未知。",
            "Nothing was decided yet: this site's precision is not known.",
        )
    share = f"{found.share:.0%}"
    low, high = (f"{one:.0%}" for one in interval)
    return Text(
        f"本站已复核 {found.confirmed + found.dismissed} 件：确认 {found.confirmed}、"
        f"驳回 {found.dismissed}，实测准确率 {share}（95 % 区间 {low} 至 {high}）。",
        f"Decided here: {found.confirmed} confirmed, {found.dismissed} dismissed;"
        f" measured precision {share} (95 % {low} to {high}).",
    )
