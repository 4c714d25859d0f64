"""`punchgate init`: looks for terminals and writes the first configuration."""

import asyncio
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gateway import first_files, starter
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
from gateway.cli.doctor import shown
from gateway.cli.tables import show
from gateway.cli.target import lender
from gateway.first_files import Plan
from gateway.settings import comm_key, topic_level
from gateway.survey import Lend, Options, Place, Sight, own_networks, places, survey

_COLUMNS = ("address", "id", "serial", "records", "users", "clock", "what it is")
_Where = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ADDRESS|SUBNET",
        show_default=False,
        help="HOST, HOST:PORT or 192.168.1.0/24; else this machine's networks.",
    ),
]
_Gateway = Annotated[
    str | None,
    typer.Option("--gateway", metavar="ID", help="Of this gateway; else its name."),
]


@app.command()
def init(
    where: _Where = None,
    config: ConfigOption = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where none is given.")
    ] = 4370,
    key: Annotated[
        int | None, typer.Option("--key", min=0, help="Comm key of the terminals.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="A file with the comm key.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of names on them.")] = "gb18030",
    site: Annotated[str, typer.Option("--site", metavar="ID", help="Of the site.")] = (
        "site-1"
    ),
    gateway: _Gateway = None,
    only_print: Annotated[
        bool, typer.Option("--print", help="Write no file; print what they would hold.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for terminals; write gateway.toml and book.toml for those that answer.

    Prints people and enrolments to paste into the book, from the terminals' users. No
    file is ever overwritten, nothing is changed on a terminal. One that a daemon of
    this machine holds is borrowed, if its configuration is -c or the usual one.
    """
    path = config_path(config).absolute()
    gateway = gateway or f"gw-{starter.slug(socket.gethostname()) or '1'}"
    _check_ids(site=site, gateway=gateway)
    if not only_print:
        _check_place(path)
    options = Options(_key(key, key_file), _known_encoding(encoding))
    lend = lender([path, config_path(None)])
    sights = _search(_asked(where or [], port), options, lend)
    made = first_files.plan(sights, path, options, key_file)
    version = f"{now_of_process()():%Y-%m-%d}.1"
    files = first_files.texts(made, site=site, gateway=gateway, version=version)
    write = bool(made.entries) and not only_print
    written = _write(made, files, options.comm_key) if write else []
    if as_json:
        show_json(_document(sights, made, written))
    else:
        _show(sights, made)
        _show_next(made, written, files if only_print and made.entries else {})
    missed = [s for s in sights if s.place.named and made.id_of(s) is None]
    if not made.entries:
        fail("no terminal said who it is: there is nothing to write or to print")
    if missed:
        raise typer.Exit(PROBLEM)


def _check_ids(**ids: str) -> None:
    for name, value in ids.items():
        if reason := topic_level(value):
            fail(f"--{name} {value!r} {reason}", USAGE)


def _check_place(path: Path) -> None:
    if (there := first_files.in_the_way(path)) is not None:
        fail(
            f"{there} is there already and is not overwritten; name another file with"
            " -c, or see with --print what would be written",
            USAGE,
        )
    if not path.parent.is_dir():
        fail(f"there is no folder {path.parent}", USAGE)


def _key(key: int | None, key_file: Path | None) -> int:
    if key_file is None:
        return key or 0
    if key is not None:
        fail("--key and --key-file are two words for one thing; give one", USAGE)
    try:
        return comm_key(str(key_file))
    except ValueError as error:
        fail(str(error), USAGE)


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        fail(f"unknown encoding {name!r}; gb18030 and utf-8 are usual", USAGE)
    return name


def _asked(where: Sequence[str], port: int) -> list[Place]:
    wanted = list(where) or own_networks()
    if not wanted:
        fail(
            "this machine stands in no network small enough to search; give the"
            " terminal's address, or its network like 192.168.1.0/24",
            USAGE,
        )
    if not where:
        sys.stderr.write(f"punchgate: searching {', '.join(wanted)}\n")
    try:
        return places(wanted, port)
    except ValueError as error:
        fail(str(error), USAGE)


def _search(asked: Sequence[Place], options: Options, lend: Lend) -> list[Sight]:
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("asking", total=len(asked))
        return asyncio.run(
            survey(asked, options, now_of_process(), lambda: bar.advance(task), lend)
        )


def _write(made: Plan, files: dict[Path, str], comm_key_: int) -> list[Path]:
    try:
        return first_files.write(made, files, comm_key_)
    except OSError as error:
        fail(f"{error.filename} cannot be written: {error.strerror}", USAGE)


def _document(
    sights: Sequence[Sight], made: Plan, written: Sequence[Path]
) -> dict[str, Any]:
    return {
        "found": [_row(sight, made) for sight in sights],
        "written": [str(one) for one in written],
        "timezone": made.zone if made.entries else None,
        "timezone_fits": made.zone_fits,
        "people": [asdict(one) for one in made.people],
        "enrolments": [asdict(one) for one in made.badges],
    }


def _row(sight: Sight, made: Plan) -> dict[str, Any]:
    info = sight.info
    return {
        "id": made.id_of(sight),
        "host": sight.place.host,
        "port": sight.place.port,
        "transport": sight.found.transport,
        "answer": sight.found.answer.value,
        "words": sight.problem or sight.found.words,
        "info": None if info is None else asdict(info),
        "clock": sight.clock or None,
        "offset_seconds": sight.offset_seconds(ZoneInfo(made.zone)),
        "users": len(sight.users),
    }


def _show(sights: Sequence[Sight], made: Plan) -> None:
    if not sights:
        say("nothing answered")
        return
    table = Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, overflow="fold")
    for sight in sights:
        table.add_row(*map(shown, _cells(sight, made)))
    show(table)


def _cells(sight: Sight, made: Plan) -> list[str]:
    where = [f"{sight.place.host}:{sight.place.port}", made.id_of(sight) or "-"]
    info = sight.info
    if info is None:
        return [*where, "-", "-", "-", "-", sight.problem or sight.found.words]
    over = "ZK, UDP only" if sight.found.transport == "udp" else "ZK"
    offset = sight.offset_seconds(ZoneInfo(made.zone))
    return [
        *where,
        info.serial,
        str(info.records),
        str(len(sight.users)),
        "no date" if offset is None else f"{round(offset):+d} s",
        sight.problem or f"{over}, {info.firmware} {info.platform}",
    ]


def _show_next(
    made: Plan, written: Sequence[Path], unwritten: Mapping[Path, str]
) -> None:
    if unwritten:
        say("".join(f"\n# --- {one}\n{text}" for one, text in unwritten.items()))
    for one in written:
        say(f"written: {one}")
    book = made.path.with_name(first_files.BOOK)
    if made.entries and not made.zone_fits:
        say(
            f"timezone {made.zone} is a guess: no terminal's clock fits it; correct it"
            f" in {book}"
        )
    if made.people:
        say(f"\n# Paste into {book}, and correct who is who:\n")
        say(starter.rows_to_paste(made.people, made.badges))
    if written:
        say(f"# Then: punchgate check-config {made.path}")
        say(f"#       punchgate doctor -c {made.path}")
