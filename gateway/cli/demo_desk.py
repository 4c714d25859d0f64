"""The demo's duty desk: a pretended card reader, and two people who hand a post over.

The reader is a process of its own at a pseudo-terminal; the daemon reads it like any
other. Both cards are presented at the change of duty, so the roster says who goes.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from drivers.serial_reader.frames import em4100_frame
from gateway.cli.children import ChildError

READER, POST = "desk", "noc"
_PORT = "desk-reader"
_STOP_SECONDS = 10.0
_CHANGE_SECONDS = 40.0  # 09:00
_LATEST = 0.55  # of the whole demo


@dataclass(frozen=True, slots=True)
class _Watch:
    """A turn of duty at the post: whose it is, and the five bytes of the card.

    These two are on duty at the desk alone: nobody owes two duties at one time.
    """

    person: str
    name: str
    card: bytes
    shift: str
    start: str
    end: str


_OUTGOING = _Watch(
    "n01", "夜班甲", bytes.fromhex("0100003039"), "noc-early", "01:00", "09:00"
)
_INCOMING = _Watch(
    "n02", "白班乙", bytes.fromhex("010000d431"), "noc-late", "09:00", "17:00"
)


class DemoDesk:
    """A desk and the two people on duty at it.

    Args:
        folder: where the port appears.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[str] | None = None
        self._row: dict[str, str] | None = None

    def gateway(self) -> str:
        """Return what stands in gateway.toml for the reader."""
        return (
            f'\n[[readers]]\nid = "{READER}"\nport = "{self._folder / _PORT}"\n'
            f'use = "handover"\npost = "{POST}"\n'
        )

    def book(self, day: date) -> str:
        """Return what stands in book.toml: a post, its change at 09:00, two cards."""
        text = f'\n[[posts]]\nid = "{POST}"\nkind = "24x7"\nfrom = {day}\nto = {day}\n'
        for one in (_OUTGOING, _INCOMING):
            text += f'\n[[people]]\nid = "{one.person}"\nname = "{one.name}"\n'
            text += f'\n[[shifts]]\nid = "{one.shift}"\ndays = "every"\n'
            text += f'sessions = [ {{ start = "{one.start}", end = "{one.end}" }} ]\n'
            text += f'\n[[roster]]\nperson = "{one.person}"\nshift = "{one.shift}"\n'
            text += f'post = "{POST}"\ndates = [{day}]\n'
            text += f'\n[[enrolments]]\nperson = "{one.person}"\n'
            text += f'badge = "{int.from_bytes(one.card[1:]):010d}"\n'
        return text

    def start(self) -> None:
        """Plug the pretended reader in.

        Raises:
            ChildError: it does not appear.
        """
        port = str(self._folder / _PORT)
        self._child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "drivers.virtual.card_reader", port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._expect("ready")

    def due(self, seconds: float) -> float:
        """Return when duty changes: 09:00 of the story, or before a short demo ends."""
        return min(seconds * _LATEST, _CHANGE_SECONDS)

    def act(self) -> str:
        """Present both cards; return what the demo says of it.

        Raises:
            ChildError: the reader is gone.
        """
        self.hand_over()
        return "desk     two cards are presented, of two people"

    def hear(self, event: str, values: Mapping[str, str]) -> str | None:
        """Return nothing: a row of the desk is shown where it counts, at the centre."""
        del event, values
        return None

    def missing(self, centre: Path) -> str | None:
        """Return in words that the handover is not in a central store, if it is not."""
        self._row = _handover(centre)
        if self._row is not None:
            return None
        return f"desk: the handover of post {POST} is not at the centre"

    def proof(self) -> str:
        """Return who handed over to whom by what the centre has."""
        at = (self._row or {}).get("at", "?")
        pair = f"{_OUTGOING.name} to {_INCOMING.name}"
        return f"the desk's handover of post {POST} is there: {pair}, {at}"

    def hand_over(self) -> None:
        """Present both cards, that of the incoming one first: the roster knows better.

        Raises:
            ChildError: the reader is gone.
        """
        for one in (_INCOMING, _OUTGOING):
            if self._child is None or self._child.stdin is None:
                raise ChildError("the desk reader was not started")
            try:
                self._child.stdin.write(f"send {em4100_frame(one.card).hex()}\n")
                self._child.stdin.flush()
            except OSError as error:
                raise ChildError(f"the desk reader is gone: {error}") from None
            self._expect("ok")

    def stop(self) -> None:
        """Unplug it."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            child.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()

    def _expect(self, answer: str) -> None:
        if self._child is None or self._child.stdout is None:
            raise ChildError("the desk reader was not started")
        found = self._child.stdout.readline().strip()
        if found != answer:
            raise ChildError(f"the desk reader says {found!r} in place of {answer!r}")


def at_centre(store: Path) -> list[dict[str, Any]]:
    """Return the rows of the book that the central store at `store` got from desks."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT body FROM records WHERE kind = 'entry' ORDER BY seq")
        return [json.loads(body) for (body,) in rows]


def _handover(store: Path) -> dict[str, str] | None:
    """Return the row in which the two handed over, None without one or with two."""
    found: list[dict[str, str]] = [
        entry["row"]
        for entry in at_centre(store)
        if entry["table"] == "handovers"
        and entry["row"]["outgoing"] == _OUTGOING.person
        and entry["row"]["incoming"] == _INCOMING.person
    ]
    return found[0] if len(found) == 1 else None
