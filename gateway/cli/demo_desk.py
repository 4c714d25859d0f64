"""The demo's duty desk: a pretended card reader, and two people who hand a post over.

The reader is a process of its own at a pseudo-terminal; the daemon reads it like any
other. Both cards are presented at the change of duty, so the roster says who goes.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from drivers.serial_reader.frames import em4100_frame
from gateway.cli.children import ChildError
from gateway.cli.demo_site import DemoPerson

READER, POST = "desk", "noc"
_PORT = "desk-reader"
_STOP_SECONDS = 10.0
# Five bytes of a card for each of the two people; printed are ten digits.
_CARDS = (bytes.fromhex("0100003039"), bytes.fromhex("010000d431"))


class DemoDesk:
    """A desk of two people: the first two of the crew.

    Args:
        folder: where the port appears.
        crew: the people of the demo.
    """

    def __init__(self, folder: Path, crew: Sequence[DemoPerson]) -> None:
        self._folder = folder
        self._pair = crew[:2]
        self._child: subprocess.Popen[str] | None = None

    def gateway(self) -> str:
        """Return what stands in gateway.toml for the reader."""
        return (
            f'\n[[readers]]\nid = "{READER}"\nport = "{self._folder / _PORT}"\n'
            f'use = "handover"\npost = "{POST}"\n'
        )

    def book(self, day: date) -> str:
        """Return what stands in book.toml: a post, its change at 09:00, two cards."""
        text = f'\n[[posts]]\nid = "{POST}"\nkind = "24x7"\nfrom = {day}\nto = {day}\n'
        turns = (("noc-early", "01:00", "09:00"), ("noc-late", "09:00", "17:00"))
        for (shift, start, end), person, card in zip(
            turns, self._pair, _CARDS, strict=True
        ):
            text += f'\n[[shifts]]\nid = "{shift}"\ndays = "every"\n'
            text += f'sessions = [ {{ start = "{start}", end = "{end}" }} ]\n'
            text += f'\n[[roster]]\nperson = "{person.id}"\nshift = "{shift}"\n'
            text += f'post = "{POST}"\ndates = [{day}]\n'
            text += f'\n[[enrolments]]\nperson = "{person.id}"\n'
            text += f'badge = "{int.from_bytes(card[1:]):010d}"\n'
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

    def hand_over(self) -> None:
        """Present both cards, that of the incoming one first: the roster knows better.

        Raises:
            ChildError: the reader is gone.
        """
        for card in reversed(_CARDS):
            if self._child is None or self._child.stdin is None:
                raise ChildError("the desk reader was not started")
            try:
                self._child.stdin.write(f"send {em4100_frame(card).hex()}\n")
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
