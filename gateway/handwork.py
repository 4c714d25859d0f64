"""What people do to terminals by hand goes up: who, what, before, after.

Each deed is an event, as durable as a punch. One that takes a while has two: the first
is in the journal before the terminal hears of it. Names of people stay here.
"""

import getpass
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from gateway.intake import Intake

KIND = "terminal_handled"
MOST = 100
"""Deeds of one request."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done: `what` in a few words, how it was before and is after.

    `slot` and `badge` say which user it was about, `file` where the whole of it lies.
    """

    what: str
    before: str
    after: str
    slot: int | None = None
    badge: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Deeds:
    """What one person did to one terminal."""

    terminal: str
    who: str
    deeds: tuple[Deed, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what `read` reads."""
        deeds = [asdict(deed) for deed in self.deeds]
        return {"terminal": self.terminal, "who": self.who, "deeds": deeds}


def whoever() -> str:
    """Return the name of the account that does it, the person's behind sudo."""
    named = os.environ.get("SUDO_USER")
    if named:
        return named
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        return str(os.getuid())


def read(asked: Mapping[str, Any]) -> Deeds:
    """Read what `to_json` wrote.

    Raises:
        ValueError: something else wrote it.
    """
    rows = asked.get("deeds")
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST:
        raise ValueError(f"not a list of 1 to {MOST} deeds")
    names = {one.name for one in fields(Deed)}
    for row in rows:
        if not isinstance(row, dict) or row.keys() != names:
            raise ValueError("not a deed")
        slot = row["slot"]
        texts = [value for name, value in row.items() if name != "slot"]
        if not all(value is None or isinstance(value, str) for value in texts):
            raise ValueError("a deed is told in text")
        if not (slot is None or type(slot) is int):
            raise ValueError("a slot is a number")
    deeds = tuple(Deed(**row) for row in rows)
    return Deeds(str(asked.get("terminal")), str(asked.get("who")), deeds)


async def keep(intake: Intake, done: Deeds, serial: str) -> None:
    """Put deeds into the journal and the log, and on their way to the centre.

    Raises:
        StoreError: the journal writes no more.
    """
    for deed in done.deeds:
        said = {k: v for k, v in asdict(deed).items() if k != "what" and v is not None}
        detail: dict[str, str | int | float | None] = {"who": done.who, **said}
        await intake.event(KIND, done.terminal, serial, deed.what, detail)


def in_pieces(done: Deeds) -> Sequence[Deeds]:
    """Cut deeds into as many requests as they need."""
    return [
        Deeds(done.terminal, done.who, done.deeds[at : at + MOST])
        for at in range(0, len(done.deeds), MOST)
    ]
