"""What verdicts rest on beside punches: book, policies, calendar, own terminals."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway import calendars, policies
from gateway.core.book import Book
from gateway.core.book import digest as book_digest
from gateway.core.calendar import Calendar
from gateway.core.policy.kinds import FindingKind
from gateway.core.policy.reading import Policy
from gateway.errors import ConfigError
from gateway.settings import Loaded
from gateway.shipped import folders

_AGREE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Law:
    """Everything a verdict of this gateway rests on beside punches.

    `own` are the terminals read here, with their serials. `rules` is the digest of
    policies, calendar and terminals, `digest` that of all, the book too.
    """

    book: Book
    calendar: Calendar
    policies: Mapping[str, Policy]
    own: Mapping[str, str]
    zone: ZoneInfo
    rules: str
    digest: str

    def price(self, policy: str, kind: FindingKind) -> int:
        """Return the fen a finding costs by a policy, 0 for a notice."""
        found = next((one for one in self.policies.values() if one.id == policy), None)
        price = found.price(kind) if found else None
        return (price.amount_fen or 0) if price else 0

    @property
    def agree_seconds(self) -> int:
        """Return how far readings of a clock may differ, by the strictest policy."""
        said = (one.file.clock.agree_seconds for one in self.policies.values())
        return min(said, default=_AGREE_SECONDS)


def read(loaded: Loaded) -> Law:
    """Put together what is in force.

    Raises:
        ConfigError: a policy that a contract names, or a file of a year, has problems.
    """
    book = loaded.book
    beside = loaded.path.parent if loaded.follows_centre else loaded.book_path.parent
    found = calendars.find(book.site.calendar, folders("calendars", beside))
    if found.problems:
        raise ConfigError(found.problems)
    named = sorted({contract.policy for contract in book.rows.contracts})
    rules = {name: policies.load(name, beside) for name in named}
    own = {one.id: loaded.book_serial(one.id) for one in loaded.settings.terminals}
    said = [
        [[name, rule.digest] for name, rule in rules.items()],
        found.calendar.digest,
        sorted(own.items()),
    ]
    told = _digest(said)
    return Law(
        book=book,
        calendar=found.calendar,
        policies=rules,
        own=own,
        zone=ZoneInfo(book.site.timezone),
        rules=told,
        digest=_digest([told, book_digest(book)]),
    )


def _digest(said: object) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
