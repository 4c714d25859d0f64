"""What the centre put aside: list, show, export, and read again after an upgrade."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central.store.errors import StoreError
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.cli.central_ask import central_file, looking
from gateway.cli.tables import plain, show_table
from gateway.clock import text
from sync.topics import Topics

if TYPE_CHECKING:
    from central.store.put_aside import Restored

quarantine_app = typer.Typer(
    help="Look at what the centre put aside, and read it again.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(quarantine_app, name="quarantine")

Number = Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it.")]


@quarantine_app.callback()
def quarantine(context: typer.Context, config: ConfigOption = None) -> None:
    """Look at what the centre put aside, and read it again."""
    context.obj = config


@quarantine_app.command("list")
def show_list(
    context: typer.Context,
    config: ConfigOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was stored since.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List what is put aside; exit 1 when there is something."""
    with looking(config or context.obj) as store:
        from central.store import put_aside  # noqa: PLC0415 - an extra

        found = put_aside.listed(store, everything=everything)
    if as_json:
        show_json(found)
    else:
        names = ("id", "topic", "reason", "detail", "times", "last_at", "bytes")
        rows = ([row[name] for name in names] for row in found)
        if found:
            show_table(("id", *names[1:5], "last", "bytes"), rows)
        else:
            say("nothing is put aside")
    if any(row["stored_at"] is None for row in found):
        raise typer.Exit(PROBLEM)


@quarantine_app.command()
def show(
    context: typer.Context,
    number: Number,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one thing put aside: where it came, why, and its bytes."""
    found, payload = _one(config or context.obj, number)
    try:
        words, key = payload.decode(), "text"
    except UnicodeDecodeError:
        words, key = payload.hex(), "hex"
    if as_json:
        show_json({**found, key: words})
        return
    for name, value in found.items():
        say(f"{name.replace('_', ' '):<10}{plain(value)}")
    say(f"{key:<10}{plain(words)}")


@quarantine_app.command()
def export(
    context: typer.Context,
    number: Number,
    file: Annotated[Path, typer.Argument(help="To write; must not exist.")],
    config: ConfigOption = None,
) -> None:
    """Write the bytes of one thing put aside into a file."""
    _, payload = _one(config or context.obj, number)
    try:
        with file.open("xb") as target:
            target.write(payload)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", USAGE)
    say(f"{len(payload)} bytes written to {file}")


@quarantine_app.command()
def retry(
    context: typer.Context,
    number: Number,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read one thing again, with this program; store it, or say why not (exit 1)."""
    given = config or context.obj
    _one(given, number)
    restored, why = _retry(given, number)
    if as_json:
        counts = {"punches": restored.punches, "records": restored.records}
        known: dict[str, Any] = counts if not why else {"reason": why}
        show_json({"id": number, "stored": not why, **known})
    elif why:
        say(f"{number} is not stored: {plain(why)}")
    else:
        say(f"{number} is stored: {restored.punches} punches, {restored.records} other")
    if why:
        raise typer.Exit(PROBLEM)


def _one(config: Path | None, number: int) -> tuple[dict[str, Any], bytes]:
    with looking(config) as store:
        from central.store import put_aside  # noqa: PLC0415 - an extra

        found = put_aside.one(store, number)
    if found is None:
        fail(f"nothing was put aside under {number}", USAGE)
    return found


def _retry(config: Path | None, number: int) -> "tuple[Restored, str]":
    from central.store import put_aside  # noqa: PLC0415 - an extra
    from central.store.store import CentralStore  # noqa: PLC0415 - an extra

    settings = central_file(config)
    at = text(now_of_process()())
    try:
        with CentralStore.amend(settings.store) as store:
            topics = Topics(settings.prefix)
            return put_aside.retry(store, topics, number, at), ""
    except put_aside.StillUnreadableError as error:
        return put_aside.Restored(0, 0), str(error)
    except StoreError as error:
        fail(str(error))
