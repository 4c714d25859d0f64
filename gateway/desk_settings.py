"""`[[readers]]` of gateway.toml: card readers at a duty desk, and what they are for.

And what the watched folder for USB exports is checked by.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from drivers.serial_reader.frames import (
    Base,
    CardText,
    Decoder,
    Em4100Frames,
    Lines,
    Terminator,
)
from drivers.serial_reader.reader import Port
from gateway.core.book.fields import identifier
from gateway.core.walker import Walker, between, column, key

_BAUDS = (
    *(1200, 2400, 4800, 9600, 19200, 38400),
    *(57600, 115200, 230400, 460800, 921600),
)
_MOST_BEEP_BYTES = 64


class ReaderKind(StrEnum):
    """What a reader sends: frames of an RDM6300 or lines of text."""

    RDM6300 = "rdm6300"
    LINE = "line"


class ReaderUse(StrEnum):
    """What presenting a card means."""

    HANDOVER = "handover"
    ROLL = "roll"
    ATTESTATION = "attestation"


class Feedback(StrEnum):
    """What a reader shows to the person: nothing, or a line of words."""

    NONE = "none"
    LINE = "line"


class FeedbackCharacters(StrEnum):
    """The characters of the line."""

    UTF_8 = "utf-8"
    GB18030 = "gb18030"
    ASCII = "ascii"


def _device(value: str) -> str | None:
    if not value.startswith("/") or not value.isprintable():
        return "must be a whole path such as /dev/serial/by-id/… or /dev/ttyUSB0"
    return None


def folder(value: str) -> str | None:
    """Check a folder that is watched; it need not be there yet, as a stick is not."""
    if value and not value.startswith("/"):
        return "must be a whole path such as /media/punchgate"
    return None


def _baud(value: int) -> str | None:
    known = ", ".join(map(str, _BAUDS))
    return None if value in _BAUDS else f"must be one of {known}"


def _regex(value: str) -> str | None:
    try:
        re.compile(value)
    except re.error as error:
        return f"is no pattern: {error}"
    return None


def _hex(value: str) -> str | None:
    try:
        if len(bytes.fromhex(value)) <= _MOST_BEEP_BYTES:
            return None
    except ValueError:
        pass
    return f'must be bytes in hex such as "07", at most {_MOST_BEEP_BYTES}'


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSettings:
    """One reader at the desk.

    `card` says how the number on a card becomes a badge of the book; lines with base
    `text` are taken as they are. `witness` is who vouches for rolls and attestations,
    the reader itself where nobody is named. `beep_ok` and `beep_refused` are bytes in
    hex for readers that take a beep command.
    """

    id: str = key(check=identifier)
    port: str = key(check=_device)
    use: ReaderUse
    kind: ReaderKind = ReaderKind.RDM6300
    baud: int = key(9600, check=_baud)
    regex: str = key("", check=_regex)
    base: Base = Base.TEXT
    terminator: Terminator = Terminator.ANY
    card: CardText = CardText.PRINTED
    debounce_seconds: float = key(2.0, check=between(0.1, 60))
    post: str = ""
    place: str = ""
    witness: str = ""
    handover_minutes: float = key(30.0, check=between(1, 720))
    feedback: Feedback = Feedback.NONE
    characters: FeedbackCharacters = FeedbackCharacters.UTF_8
    beep_ok: str = key("", check=_hex)
    beep_refused: str = key("", check=_hex)

    @property
    def vouching(self) -> str:
        """Return who stands behind what this reader enters."""
        return self.witness or self.id

    @property
    def where(self) -> Port:
        """Return the port as the driver wants it."""
        return Port(self.port, self.baud, self.debounce_seconds)

    def decoder(self) -> Decoder:
        """Return what reads its bytes."""
        if self.kind is ReaderKind.RDM6300:
            return Em4100Frames(self.card)
        pattern = re.compile(self.regex)
        return Lines(pattern, self.base, self.terminator, self.card)


def check(walker: Walker, data: Mapping[str, Any]) -> None:
    """Note where readers contradict each other, the terminals or themselves."""
    rows = data.get("readers", [])
    terminals = set(column(dict(data), "terminals", "id").values())
    ids: set[str] = set()
    ports: set[str] = set()
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if not isinstance(row, dict):
            continue
        for name, reason in (*_doubled(row, ids, ports, terminals), *_own(row)):
            walker.problem(("readers", index, name), reason)


def _doubled(
    row: Mapping[str, Any], ids: set[str], ports: set[str], terminals: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield what stands twice; remember what this row has."""
    for name, seen in (("id", ids), ("port", ports)):
        value = row.get(name)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield name, f"{value!r} stands already above"
        elif name == "id" and value in terminals:
            yield name, f"{value!r} is a terminal; a reader needs a name of its own"
        seen.add(value)


def _own(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what does not go together in one row."""
    is_line = row.get("kind") == ReaderKind.LINE
    if is_line and not row.get("regex"):
        yield "regex", 'is missing; kind = "line" needs one, such as "[0-9]{10}"'
    for name in ("regex", "base", "terminator"):
        if name in row and row.get("kind", ReaderKind.RDM6300) == ReaderKind.RDM6300:
            yield name, 'goes only with kind = "line"'
    if row.get("use") == ReaderUse.HANDOVER and not row.get("post"):
        yield "post", 'is missing; use = "handover" needs the post that is handed over'
    for name in ("post", "handover_minutes"):
        if name in row and row.get("use") in (ReaderUse.ROLL, ReaderUse.ATTESTATION):
            yield name, 'goes only with use = "handover"'


def absent(readers: Iterable[ReaderSettings]) -> Iterator[tuple[int, str]]:
    """Yield index and words of readers whose port this user could not open now.

    That holds nothing up: a reader may be plugged in later.
    """
    for index, reader in enumerate(readers):
        if not Path(reader.port).exists():
            yield index, f"{reader.port} is not there now; is the reader plugged in?"
        elif not os.access(reader.port, os.R_OK | os.W_OK):
            yield index, f"{reader.port} may not be opened by this user"


def agree(walker: Walker, data: Mapping[str, Any], book: Mapping[str, Any]) -> None:
    """Note posts and terminals that the book, as written, does not have."""
    table = data.get("gateway")
    names = table.get("import_names") if isinstance(table, Mapping) else None
    known = set(column(dict(book), "terminals", "id").values())
    for name, terminal in names.items() if isinstance(names, Mapping) else ():
        if isinstance(terminal, str) and terminal not in known:
            reason = f"the book has no terminal {terminal!r}"
            walker.problem(("gateway", "import_names", name), reason)
    posts = set(column(dict(book), "posts", "id").values())
    for index, post in column(dict(data), "readers", "post").items():
        if post and post not in posts:
            reason = f"the book has no post {post!r}"
            walker.problem(("readers", index, "post"), reason)
