"""Questions to the central store: count, person, gaps, lag.

They only look, also while the collector runs. Exit 0 ok, 1 a problem was found, 2 usage
or configuration.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central import settings as central_settings
from central.settings import CentralSettings
from central.store.errors import StoreError
from central.values import By
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    config_path,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.cli.serve import central_app
from gateway.cli.tables import plain, show_table
from gateway.clock import text

if TYPE_CHECKING:
    from central.store.store import CentralStore


def _day(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise typer.BadParameter(f"{value!r} is no day like 2026-11-02")
    return value


FirstDay = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", callback=_day, help="First day."),
]
LastDay = Annotated[
    str | None, typer.Option("--to", metavar="DAY", callback=_day, help="Last day.")
]


def central_file(config: Path | None) -> CentralSettings:
    """Return the settings of a central file; end with every problem of it."""
    found, problems = central_settings.load(config_path(config, "central.toml"))
    if found is None:
        lines = "\n".join(map(str, problems))
        fail(f"the configuration has problems:\n{lines}", USAGE)
    return found


@contextmanager
def looking(config: Path | None, *, amend: bool = False) -> Iterator["CentralStore"]:
    """Open the store of a central file for questions; end with what is wrong.

    With `amend` what was found may be remarked upon.
    """
    found = central_file(config)
    try:
        # The centre is an extra: a Pi without SQLAlchemy runs every other command.
        from central.store.store import CentralStore  # noqa: PLC0415
    except ImportError as error:
        fail(f"{error}; install punchgate[central]", USAGE)
    try:
        opened = CentralStore.amend if amend else CentralStore.look
        with opened(found.store) as store:
            yield store
    except StoreError as error:
        fail(str(error))


@central_app.command()
def count(
    context: typer.Context,
    config: ConfigOption = None,
    by: Annotated[
        list[By] | None, typer.Option("--by", help="Of each; may be given often.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count the punches of the central store."""
    with looking(config or context.obj) as store:
        from central.store import questions  # noqa: PLC0415 - an extra

        found: dict[str, Any] = {
            "punches": store.count(),
            "quarantined": store.quarantined(),
        }
        groups = list(dict.fromkeys(by or []))
        if groups:
            found["by"] = questions.count_by(store, groups)
    if as_json:
        show_json(found)
        return
    if groups:
        names = [group.value for group in groups]
        rows = ([row[name] for name in (*names, "punches")] for row in found["by"])
        show_table((*names, "punches"), rows)
    say(f"{found['punches']} punches, {found['quarantined']} messages put aside")


@central_app.command()
def person(
    context: typer.Context,
    person_id: Annotated[str, typer.Argument(metavar="PERSON", help="Id of the book.")],
    first: FirstDay = None,
    last: LastDay = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a person's punches, and who saw each of them when."""
    with looking(config or context.obj) as store:
        from central.store import questions  # noqa: PLC0415 - an extra

        found = questions.punches_of(store, person_id, first, last)
    if as_json:
        show_json({"person": person_id, "punches": found})
        return
    names = ("at", "terminal", "badge", "verify", "rev")
    rows: list[list[object]] = []
    for punch in found:
        for number, seen in enumerate(punch["seen"]):
            shown = [punch[n] if number == 0 else "" for n in names]
            who = f"{seen['gateway']} ({seen['source']})"
            rows.append([*shown, who, seen["received_at"], seen["stored_at"]])
    show_table((*names, "seen by", "received", "stored"), rows)
    say(f"{len(found)} punches of {plain(person_id)}")


@central_app.command()
def gaps(
    context: typer.Context,
    config: ConfigOption = None,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Take note of what was given up up to now."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List what is missing, was given up, or differs; exit 1 when there is any.

    What was given up counts until somebody took note of it with --accept.
    """
    if accept:
        with looking(config or context.obj, amend=True) as store:
            store.accept_closed(text(now_of_process()()))
    with looking(config or context.obj) as store:
        from central.store import comparing, questions  # noqa: PLC0415 - an extra

        found: dict[str, list[dict[str, Any]]] = {
            "holes": questions.holes(store),
            "closed": questions.closed_ranges(store),
            "differ": [dict(row) for row in comparing.differing(store)],
        }
    if as_json:
        show_json(found)
    else:
        _show_gaps(found)
    new = [row for row in found["closed"] if row["accepted_at"] is None]
    if found["holes"] or found["differ"] or new:
        raise typer.Exit(PROBLEM)


def _show_gaps(found: dict[str, list[dict[str, Any]]]) -> None:
    if not any(found.values()):
        say("no gaps")
    stream = ("site", "gateway", "epoch")
    if found["holes"]:
        say("missing")
        rows = [
            [*(row[name] for name in stream), span[0], span[1], row["since"]]
            for row in found["holes"]
            for span in row["missing"]
        ]
        show_table((*stream, "first", "last", "since"), rows)
    if found["closed"]:
        say("given up")
        closed = (*stream, "first", "last", "fate", "at", "accepted_at")
        show_table(closed, ([row[n] for n in closed] for row in found["closed"]))
    if found["differ"]:
        say("counted otherwise by the gateway")
        names = ("site", "gateway", "terminal", "day", "there", "here", "verdict", "at")
        keys = [f"{n}_count" if n in ("there", "here") else n for n in names]
        show_table(names, ([row[k] for k in keys] for row in found["differ"]))


@central_app.command()
def lag(
    context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Show of each gateway what came last, how old it is, and what it still holds."""
    with looking(config or context.obj) as store:
        from central.store import questions  # noqa: PLC0415 - an extra

        found = questions.last_words(store)
    now = now_of_process()()
    for row in found:
        row["age_seconds"] = _age(row["stored_at"], now)
        row["offline_since"] = row["since"] if row["online"] is False else None
    if as_json:
        show_json(found)
        return
    names = (
        *("site", "gateway", "stored_at", "age_seconds", "seq", "backlog"),
        "offline_since",
    )
    titles = [name.replace("_", " ") for name in names]
    show_table(titles, ([row[name] for name in names] for row in found))


def _age(stored_at: str | None, now: datetime) -> int | None:
    if stored_at is None:
        return None
    return round((now - datetime.fromisoformat(stored_at)).total_seconds())
