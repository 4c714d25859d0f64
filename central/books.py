"""The books on their way down: each gateway of a site gets what of the book may travel.

Said at every birth, and again when a book file or the entries beside it changed. A book
with problems is not said: the last good one stays where it is. Second to everything
else here: a book can wait, an acknowledgement cannot.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core import redaction
from gateway.core.book import BUILT, ENTRIES, read_book
from gateway.core.toml import parse
from sync.commands import SiteBook
from sync.messages import State, encode
from sync.topics import Topics

log = logging.getLogger("punchgate.central")

LOOK_SECONDS = 5.0
# Topic, packet header and properties; generous.
_AROUND_BYTES = 1024
_SAID = 20

_Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(slots=True)
class _Site:
    """The book of one site: its file, and the message that was made of it last.

    `made`: the digest and the version of that message.
    """

    id: str
    path: Path
    seen: _Stamp | None = None
    made: tuple[str, str] = ("", "")
    payload: bytes = b""

    @property
    def entries(self) -> Path:
        """The file of the entries beside the book."""
        return self.path.with_name(ENTRIES)


class _UnusableError(Exception):
    """A changed book that is not sent, with every reason in words."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class Books:
    """Reads the books and says them.

    Args:
        books: site → path of its book.
        say: queues a retained message under its topic.
        topics: all topics of the prefix.
        now: the wall clock as ISO text with offset.
    """

    def __init__(
        self,
        books: Mapping[str, Path],
        say: Callable[[str, bytes], None],
        topics: Topics,
        now: Callable[[], str],
    ) -> None:
        self._sites = {site: _Site(site, path) for site, path in books.items()}
        self._tell = say
        self._topics = topics
        self._now = now
        self._packet = 0
        self._there: set[tuple[str, str]] = set()
        self._too_long: set[str] = set()
        self._look_at = 0.0

    def connected(self, packet: int) -> None:
        """Begin on a new connection: births come again; a packet has so many bytes."""
        self._packet = packet
        self._there.clear()
        self._too_long.clear()

    def heard(self, states: Iterable[State]) -> None:
        """Answer births; who died gets the next book all the same, for its return."""
        for state in states:
            where = (state.site, state.gateway)
            if state.site not in self._sites:
                continue
            if state.online or where not in self._there:
                self._say(self._sites[state.site], state.gateway)
            self._there.add(where)

    def tend(self, now: float) -> None:
        """Look at the files every few seconds (monotonic); say what is new."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        for site in self._sites.values():
            if self._read(site):
                for where, gateway in sorted(self._there):
                    if where == site.id:
                        self._say(site, gateway)

    def _say(self, site: _Site, gateway: str) -> None:
        if site.seen is None:
            self._read(site)
        size = len(site.payload) + _AROUND_BYTES
        if size <= self._packet and site.payload:
            self._tell(self._topics.of(site.id, gateway, "book"), site.payload)
        elif site.payload and site.id not in self._too_long:
            self._too_long.add(site.id)
            _refuse(site, f"the broker takes {self._packet} bytes, this has {size}")

    def _read(self, site: _Site) -> bool:
        """Read a book whose files changed; say whether there is another message now."""
        stamp = (_stamp(site.path), _stamp(site.entries))
        if stamp == site.seen:
            return False
        site.seen = stamp
        try:
            message = _message(site, self._now())
        except _UnusableError as error:
            _refuse(site, *error.reasons)
            return False
        made = message.digest, message.version
        if made == site.made:
            return False
        payload = encode(message)
        if len(payload) > redaction.MAX_BYTES:
            limit = redaction.MAX_BYTES
            _refuse(site, f"{len(payload)} bytes are more than the {limit} allowed")
            return False
        site.made, site.payload = made, payload
        values = {"site": site.id, "version": message.version or None}
        log.info("central book", {**values, "bytes": len(payload)})
        return True


def _refuse(site: _Site, *reasons: str) -> None:
    for reason in reasons[:_SAID]:
        values = {"site": site.id, "file": str(site.path), "reason": reason}
        log.warning("central book refused", values)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when somebody writes a file; None while it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _message(site: _Site, now: str) -> SiteBook:
    """Make the message of a book and its entries.

    Raises:
        _UnusableError: they cannot be read, have problems, or are of another site.
    """
    text = _text(site.path)
    entries = _text(site.entries) if site.entries.exists() else ""
    book, problems = read_book(
        text, str(site.path), entries, str(site.entries), _policies(site.path)
    )
    if book is None:
        raise _UnusableError(*map(str, problems))
    if book.site.id != site.id:
        raise _UnusableError(f"it is of site {book.site.id} now; restart the centre")
    data: dict[str, Any] = parse(text).data
    tables = redaction.redacted(data, entries)
    return SiteBook(
        site=site.id,
        version=book.version,
        digest=redaction.digest(tables),
        tables=tables,
        sent=now,
    )


def _policies(book: Path) -> set[str]:
    """Return the policies there are: those of the program, and those beside a book."""
    beside = book.parent / "policies"
    return {*BUILT, *(path.stem for path in beside.glob("*.toml"))}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _UnusableError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise _UnusableError(f"{path} is not UTF-8 (byte {error.start})") from None
