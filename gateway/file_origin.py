"""Of which terminal an export is, by its own words: its first line and its name.

Newer terminals put their serial into the name, some into the first line as well; the
others have only a number of their own there (`1_attlog.dat`), which says nothing
(zk-protocol 10.1). What one terminal recorded is never taken for another's unasked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drivers.attlog_file import serial_in
from gateway.settings import Loaded

_NAME = re.compile(r"(.+?)_attlog", re.IGNORECASE)
_MACHINE_NUMBER = re.compile(r"\d{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who an export says it is of, when that is not the terminal it is taken for.

    `said` is a serial, or an id of the book, found in `where`; `owner` is the terminal
    that has it, None where nobody knows it. `serial` is the one expected, `terminal`'s.
    """

    said: str
    where: str
    owner: str | None
    terminal: str
    serial: str

    def __str__(self) -> str:
        """Say what was found and what was expected."""
        whose = f"terminal {self.owner}" if self.owner else "no terminal we know"
        return (
            f"its {self.where} says {self.said}, which is {whose};"
            f" terminal {self.terminal} has the serial {self.serial}"
        )


def other_origin(path: Path, terminal: str, loaded: Loaded) -> Origin | None:
    """Return who else an export says it is of; None where it says nothing else.

    Its first line counts whoever has that serial, its name only when it is a serial or
    an id that we know: people name files as they like.

    Raises:
        FileError: no file, or not readable.
    """
    serials = _serials(loaded)
    serial = serials[terminal]
    first = serial_in(path)
    if first and first.casefold() != serial.casefold():
        return Origin(first, "first line", _owner(first, serials), terminal, serial)
    match = _NAME.match(path.name)
    name = match[1] if match else ""
    if _MACHINE_NUMBER.fullmatch(name) or _is(name, terminal, serial):
        return None
    owner = _owner(name, serials)
    return Origin(name, "name", owner, terminal, serial) if owner else None


def _serials(loaded: Loaded) -> dict[str, str]:
    """Return every terminal of settings and book, with its serial where it has one."""
    known = {one.id: one.serial for one in loaded.book.terminals} | loaded.serials
    return {one.id: "" for one in loaded.settings.terminals} | known


def _owner(said: str, serials: Mapping[str, str]) -> str | None:
    owners = (one for one, serial in serials.items() if _is(said, one, serial))
    return next(owners, None)


def _is(said: str, terminal: str, serial: str) -> bool:
    """Say whether a text names a terminal; sticks lose upper and lower case."""
    said = said.casefold()
    return bool(said) and said in {terminal.casefold(), serial.casefold()}
