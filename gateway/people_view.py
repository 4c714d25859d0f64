"""What pages about people are made from: a book, its rules, and verdicts judged now.

Two places give it: the journal of a gateway (`journal_view`) and files (here). Nothing
is written, and no stored verdict is read: the core judges again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway import book_files, calendars, policies
from gateway.core.book import Book
from gateway.core.book.standing import Person, Vendor
from gateway.core.judge import Judge
from gateway.core.moments import DAY_SECONDS, midnight
from gateway.core.policy.reading import Policy
from gateway.core.verdicts import Judged, Punched, Warned
from gateway.core.watermark import Whole
from gateway.errors import ConfigError
from gateway.punch_file import Spooled, spool
from gateway.shipped import folders
from gateway.store.evidence import Evidence

_AROUND_SECONDS = 3 * DAY_SECONDS


class View(Protocol):
    """Verdicts about people, judged when asked for.

    `now` is the moment of judging, None where the data counts as complete. `sent` is
    the last entry of the present epoch that was sent, None where nobody knows.
    """

    @property
    def book(self) -> Book:
        """The book in force."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the site."""
        ...

    @property
    def policies(self) -> Mapping[str, Policy]:
        """The policies of the contracts, by their own ids."""
        ...

    @property
    def now(self) -> int | None:
        """The moment of judging."""
        ...

    @property
    def sent(self) -> tuple[str, int] | None:
        """The epoch that is sent, and its last entry that was."""
        ...

    def judged(
        self, person: str, first: date, last: date, *, accounts: bool = False
    ) -> Judged:
        """Judge the duties of a person that began in `[first, last]`."""
        ...

    def read_until(self, terminals: Sequence[str], until: int) -> int | None:
        """Return until when the one furthest behind of some terminals was read.

        `until` where all were read so far; None where one never was.
        """
        ...

    def evidence(self, punches: Iterable[str]) -> dict[str, Evidence]:
        """Return where punches came from, as far as it is known."""
        ...


class FileView:
    """Verdicts over a book and a file of punches.

    Args:
        book, policies: what is in force.
        judge: over them.
        punches: by person.
        warnings: what was odd in the file.
    """

    def __init__(
        self,
        book: Book,
        policies_: Mapping[str, Policy],
        judge: Judge,
        punches: Mapping[str, Sequence[Punched]],
        warnings: Sequence[Warned],
    ) -> None:
        self.book = book
        self.zone = ZoneInfo(book.site.timezone)
        self.policies = policies_
        self.now: int | None = None
        self.sent: tuple[str, int] | None = None
        self.warnings = warnings
        self._judge = judge
        self._punches = punches

    def judged(
        self, person: str, first: date, last: date, *, accounts: bool = False
    ) -> Judged:
        """Judge the duties of a person that began in `[first, last]`."""
        found = self._punches.get(person, ())
        return self._judge.person(person, found, first, last, accounts=accounts)

    def read_until(self, _: Sequence[str], until: int) -> int | None:
        """Return `until`: the file is all there is."""
        return until

    def evidence(self, _: Iterable[str]) -> dict[str, Evidence]:
        """Return nothing: a file of punches does not say where they came from."""
        return {}


def of_files(
    book_path: Path,
    punches: Path,
    first: date,
    last: date,
    progress: Callable[[int], None] = lambda _: None,
) -> FileView:
    """Read a book and the punches around some dates.

    Raises:
        ConfigError: book, policies, calendar or punches have problems.
    """
    book, beside = book_files.load(book_path), book_path.parent
    found = calendars.find(book.site.calendar, folders("calendars", beside))
    if found.problems:
        raise ConfigError(found.problems)
    named = sorted({contract.policy for contract in book.rows.contracts})
    rules = {name: policies.load(name, beside) for name in named}
    spooled = spool(punches, book, progress)
    try:
        near = _near(spooled, first, last)
    finally:
        spooled.close()
    unknown = {name: tuple(sorted(at)) for name, at in spooled.unknown.items()}
    judge = Judge(book, found.calendar, rules, Whole(None, unknown))
    return FileView(book, by_id(rules), judge, near, spooled.warnings)


def _near(spooled: Spooled, first: date, last: date) -> dict[str, list[Punched]]:
    low = midnight(first) - _AROUND_SECONDS
    high = midnight(last) + DAY_SECONDS + _AROUND_SECONDS
    return {
        person: [one for one in punches if low <= one.moment < high]
        for person, punches in spooled.people()
    }


def by_id(rules: Mapping[str, Policy]) -> dict[str, Policy]:
    """Return policies by their own ids, not by the names contracts have for them."""
    return {one.id: one for one in rules.values()}


def people_named(book: Book, what: str) -> list[Person]:
    """Return the people whose id or name this is."""
    return [one for one in book.people if what in (one.id, one.name)]


def vendor_of(book: Book, what: str) -> Vendor | None:
    """Return the vendor whose id or name this is."""
    found = (one for one in book.rows.vendors if what in (one.id, one.name))
    return next(found, None)
