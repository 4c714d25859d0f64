"""A small site for pages about people: a book, a journal or a file, and the command."""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from typer.testing import CliRunner

import gateway.cli.every  # noqa: F401 - registers the commands
from gateway.cli.app import app
from gateway.core.book import read_book
from gateway.store import epochs, outbox, raw
from gateway.store.journal import Journal
from gateway.store.seen import Seen
from tests.book_rows import ACME, DAY_SHIFT, contract
from tests.builders import STAMP, meaning, record
from tests.gateway.store.journals import do

SHANGHAI = timezone(timedelta(hours=8))
SERIALS = {"lobby": "VT00000001", "annex": "VT00000002"}
BOOK = """version = "1"
[site]
id = "hq"
[[terminals]]
id = "lobby"
serial = "VT00000001"
[[terminals]]
id = "annex"
serial = "VT00000002"
"""
BOOK += ACME + contract("2026-01-01", "2026-11-15")
BOOK += contract("2026-11-16", "2026-12-31", policy="single-session", name="c2")
BOOK += DAY_SHIFT + 'name = "白班"\n'
NAMES = {"p1": "甲一", "p2": "=1+1", "p3": "欧阳丙", "p4": "@丁", "p5": "甲一"}


def book(*more: str) -> str:
    """Return the book: five people on the day shift, and more rows."""
    text = BOOK
    for number, (person, name) in enumerate(NAMES.items(), 1):
        text += (
            f'[[people]]\nid = "{person}"\nname = "{name}"\nvendor = "acme"\n'
            f'[[enrolments]]\nperson = "{person}"\nbadge = "{number}"\n'
            f'[[roster]]\nperson = "{person}"\nshift = "day"\nfrom = 2026-01-01\n'
        )
    return text + "".join(more)


@dataclass(frozen=True)
class Site:
    """A folder with a gateway's files; `now` is the clock of the command."""

    folder: Path
    now: str

    def run(self, *arguments: str, code: int = 0, live: bool = True) -> str:
        """Run a command on the journal or on the files; return what it printed."""
        where = ["-c", str(self.folder / "gateway.toml")]
        if not live:
            where = ["--book", str(self.folder / "book.toml")]
            where += ["--punches", str(self.folder / "punches.csv")]
        story = {"PUNCHGATE_STORY": f"{self.now}+08:00@0@0"}
        done = CliRunner().invoke(app, [*arguments, *where], env=story)
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    def json(self, *arguments: str, live: bool = True) -> Any:
        """Run a command and return its JSON."""
        return json.loads(self.run(*arguments, "--json", live=live))


def made(folder: Path, now: str = "2026-11-02T10:00:00", *more: str) -> Site:
    """Write the files of a site."""
    (folder / "book.toml").write_text(book(*more), "utf-8")
    (folder / "gateway.toml").write_text(
        f'[gateway]\nid = "g"\nsite = "hq"\ndata_dir = "{folder}/data"\n'
        'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\n'
        + "".join(
            f'[[terminals]]\nid = "{name}"\nhost = "127.0.0.1"\nport = {port}\n'
            for port, name in enumerate(SERIALS, 4370)
        ),
        "utf-8",
    )
    return Site(folder, now)


def file(site: Site, *punches: tuple[str, str]) -> None:
    """Write a file of punches: people and times."""
    lines = [f"{person},{at}" for person, at in punches]
    text = "\n".join(["person,at", *lines, ""])
    (site.folder / "punches.csv").write_text(text, "utf-8")


def journal(
    site: Site, punches: Sequence[tuple[str, str, str]], read: dict[str, str]
) -> None:
    """Write a journal: punches by terminal, badge and time; until when each was read.

    The first entry is acknowledged.
    """
    found, _ = read_book((site.folder / "book.toml").read_text("utf-8"), "book.toml")
    store = Journal(site.folder / "data", "test")
    with closing(_Open(store)):
        do(store, lambda db: epochs.current(db, STAMP))
        for name, serial in SERIALS.items():
            mine = [one for one in punches if one[0] == name]
            some = [
                record(
                    terminal=name,
                    serial=serial,
                    badge=badge,
                    at=at,
                    raw=f"{badge} {at}".encode(),
                    position=number,
                    received_at=datetime.fromisoformat(f"{at}+08:00"),
                )
                for number, (_, badge, at) in enumerate(mine)
            ]
            if name in read:
                cursor = raw.Cursor(
                    *(serial, name, "zk", len(some), b"", len(some), 0.0),
                    read_at=f"{read[name]}.000+08:00",
                )
                do(store, _stored(some, cursor))
        do(store, lambda db: outbox.interpret(db, 0, 1000, meaning(found), STAMP))
        do(store, lambda db: db.table("epochs").update(1, {"acked_seq": 1}))


def _stored(some: list[Any], cursor: raw.Cursor) -> Any:
    def job(db: Database) -> None:
        raw.store(db, some, Seen(), 1)
        raw.move(db, cursor)

    return job


class _Open:
    """A journal that is open until it is closed."""

    def __init__(self, store: Journal) -> None:
        self._store = store
        store.open()

    def close(self) -> None:
        """Close it."""
        self._store.close()
