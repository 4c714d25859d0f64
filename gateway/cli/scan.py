"""`punchgate terminal scan`: finds terminals by serial; proposes, changes nothing."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

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
from gateway.cli.tables import show_table
from gateway.cli.terminal import terminal_app
from gateway.errors import ConfigError
from gateway.settings import Loaded, TerminalSettings, load
from gateway.survey import Options, Place, Sight, own_networks, places, survey

_COLUMNS = ("address", "serial", "id", "what")


@terminal_app.command()
def scan(
    where: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ADDRESS|SUBNET",
            show_default=False,
            help="HOST, HOST:PORT or 192.168.1.0/24; else this machine's networks.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where none is given.")
    ] = 4370,
    key: Annotated[int, typer.Option("--key", help="Comm key of terminals.")] = 0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find terminals; one of the book at another address is named: exit 1."""
    try:
        loaded = load(config_path(config))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)
    try:
        asked = places(where or own_networks(), port)
    except ValueError as error:
        fail(str(error), USAGE)
    if not asked:
        fail("this machine stands in no network that can be searched: name one", USAGE)
    sights = asyncio.run(survey(asked, Options(key), now_of_process(), lambda: None))
    rows = _rows(loaded, sights)
    if as_json:
        show_json(rows)
    else:
        _show(rows)
    if any(row["propose"] for row in rows):
        raise typer.Exit(PROBLEM)


def _rows(loaded: Loaded, sights: Sequence[Sight]) -> list[dict[str, Any]]:
    """Return what answered; `propose` is what the settings should say instead.

    A terminal that also answers where the settings have it is left there.
    """
    ours = {
        known: one
        for one in loaded.settings.terminals
        if (known := loaded.book_serial(one.id))
    }
    there = {(s.info.serial, _at(s.place)) for s in sights if s.info}
    rows = []
    for sight in sights:
        serial = sight.info.serial if sight.info else None
        one = ours.get(serial or "")
        at = _at(sight.place)
        moved = one is not None and (serial, _settled(one)) not in there
        rows.append(
            {
                "host": at[0],
                "port": at[1],
                "serial": serial,
                "id": one.id if one else None,
                "problem": sight.problem or (sight.found.words if not serial else ""),
                "propose": {"host": at[0], "port": at[1]} if moved else None,
                "was": {"host": one.host, "port": one.port} if one and moved else None,
            }
        )
    return rows


def _at(place: Place) -> tuple[str, int]:
    return place.host, place.port


def _settled(one: TerminalSettings) -> tuple[str, int]:
    """Return where the settings have a terminal, a name as the address it means."""
    try:
        return socket.gethostbyname(one.host), one.port
    except OSError:
        return one.host, one.port


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    table = [
        (
            f"{row['host']}:{row['port']}",
            row["serial"],
            row["id"],
            row["problem"] or ("configured" if row["id"] else "not configured"),
        )
        for row in rows
    ]
    if table:
        show_table(_COLUMNS, table)
    say(f"{sum(row['serial'] is not None for row in rows)} terminals answered")
    for row in rows:
        if row["propose"]:
            say(
                f"{row['id']} ({row['serial']}) moved from {row['was']['host']}:"
                f'{row["was"]["port"]}: set host = "{row["host"]}" and port ='
                f" {row['port']} in its [[terminals]], then reload the daemon"
            )
