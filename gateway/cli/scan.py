"""`punchgate terminal scan`: finds terminals by serial; proposes, changes nothing."""

import asyncio
import contextlib
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
from gateway.cli.target import lender
from gateway.cli.terminal import terminal_app
from gateway.errors import ConfigError
from gateway.probe import Answer
from gateway.settings import Loaded, TerminalSettings, load
from gateway.survey import Lend, Options, Place, Sight, own_networks, places, survey
from gateway.terminals import spec_of

_MOST_KEYS = 4
_COLUMNS = ("address", "serial", "id", "what")


@terminal_app.command()
def scan(
    where: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ADDRESS|SUBNET",
            show_default=False,
            help="HOST, HOST:PORT or 192.168.1.0/24; else the configured subnets.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where none is given.")
    ] = 4370,
    key: Annotated[int, typer.Option("--key", help="Comm key of terminals.")] = 0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find terminals; one of the book at another address is named: exit 1.

    Without an address it searches `scan_subnets` of the settings, else the networks
    this machine stands in.
    """
    try:
        loaded = load(config_path(config))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)
    try:
        asked = _places(loaded, where, port)
    except ValueError as error:
        fail(str(error), USAGE)
    if not asked:
        fail("this machine stands in no network that can be searched: name one", USAGE)
    sights = asyncio.run(_survey(asked, [key, *_keys(loaded)], lender([loaded.path])))
    rows = _rows(loaded, sights)
    if as_json:
        show_json(rows)
    else:
        _show(rows)
    if any(row["propose"] for row in rows):
        raise typer.Exit(PROBLEM)


def _places(loaded: Loaded, where: list[str] | None, port: int) -> list[Place]:
    """Return what is asked: what was named, else the subnets of the settings.

    With those the terminals are asked at their own places, too: one that answers there
    has not moved.

    Raises:
        ValueError: something named is no address, in words.
    """
    subnets = loaded.settings.gateway.scan_subnets
    if where or not subnets:
        return places(where or own_networks(), port)
    homes = [Place(*_settled(one), named=True) for one in loaded.settings.terminals]
    at_home = {_at(place) for place in homes}
    return homes + [p for p in places(subnets, port) if _at(p) not in at_home]


def _keys(loaded: Loaded) -> list[int]:
    """Return the comm keys of the settings, a few: a moved terminal has its own."""
    found = []
    for one in loaded.settings.terminals:
        # A credential of the daemon alone is not to be had here.
        with contextlib.suppress(ConfigError):
            found.append(spec_of(loaded, one).address.comm_key)
    return [key for key in dict.fromkeys(found) if key][:_MOST_KEYS]


def _is_shut(sight: Sight) -> bool:
    """Say whether a terminal answers that wants another comm key."""
    return sight.info is None and sight.found.answer is Answer.KEY


async def _survey(
    asked: Sequence[Place], keys: Sequence[int], lend: Lend
) -> list[Sight]:
    """Ask every place, and again with the next key where one is wanted."""
    now = now_of_process()
    done: list[Sight] = []
    shut: list[Sight] = []
    for key in dict.fromkeys(keys):
        sights = await survey(asked, Options(key), now, lambda: None, lend)
        shut = [one for one in sights if _is_shut(one)]
        done += [one for one in sights if one not in shut]
        asked = [one.place for one in shut]
        if not asked:
            return done
    return done + shut


def _rows(loaded: Loaded, sights: Sequence[Sight]) -> list[dict[str, Any]]:
    """Return what answered; `propose` is what the settings should say instead.

    A terminal that also answers where the settings have it is left there.
    """
    ours = {
        known: one
        for one in loaded.settings.terminals
        if (known := loaded.book_serial(one.id))
    }
    homes = {_settled(one): one for one in loaded.settings.terminals}
    there = {(s.info.serial, _at(s.place)) for s in sights if s.info}
    rows = []
    for sight in sights:
        serial = sight.info.serial if sight.info else None
        at = _at(sight.place)
        one = ours.get(serial) if serial else homes.get(at)
        moved = serial and one is not None and (serial, _settled(one)) not in there
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
