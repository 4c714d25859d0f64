"""H2: a punch of somebody who is on approved leave.

Signal (proxy-detection.md 3a): weak credential, beside somebody, within 45 minutes of a
start or an end that the leave covers; from a person who habitually uses weak
credentials also two punches an hour or more apart. Anything else on leave is a note:
people drop in.

Approval is checked first: leave approved after the punch, or by nobody on record,
makes a note. Near the edges of the leave inside a working day a punch is a departure
or a return, not a sign.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gateway.core.suspicion.people import Person
from gateway.core.suspicion.queues import Queues, Stand
from gateway.core.suspicion.ratios import laplace
from gateway.core.suspicion.values import (
    DAY,
    HOUR,
    MINUTE,
    Credential,
    Grade,
    Leave,
    SiteBook,
)

NEAR_SECONDS = 45 * MINUTE
HABITUAL_RATE = 0.15
APART_SECONDS = HOUR
FINGERS_SEEN = 10
# Leave that reaches the day's first start (last end) also covers coming early (late).
AROUND_SECONDS = 3 * HOUR


@dataclass(frozen=True, slots=True)
class Visit:
    """The stands of a person on a day of leave, and how loud they are."""

    person: str
    day: int
    leave: Leave
    stands: tuple[Stand, ...]
    suspected: tuple[Stand, ...]
    habitual: bool
    grade: Grade
    reason: str


def visits(
    queues: Queues, people: Mapping[str, Person], book: SiteBook
) -> Iterator[Visit]:
    """Yield every day on which somebody on leave punched, by person and day."""
    found: dict[tuple[str, int], list[Stand]] = {}
    absent: dict[str, Sequence[Leave]] = {"": ()}
    for terminal in sorted(queues.by_terminal):
        for stand in queues.by_terminal[terminal]:
            name, at = stand.person, stand.punch.at
            if name not in absent:
                absent[name] = book.leave(name)
            near = absent[name]
            if near and any(one.start - DAY <= at < one.end + DAY for one in near):
                found.setdefault((stand.person, stand.day), []).append(stand)
    for (name, day), stands in sorted(found.items()):
        for leave in book.leave(name):
            span = _covered(queues, name, day, leave)
            inside = [one for one in stands if span[0] <= one.first < span[1]]
            if inside:
                person = people.get(name, Person())
                yield _visit(queues, person, leave, inside)


def _covered(queues: Queues, name: str, day: int, leave: Leave) -> tuple[int, int]:
    """Return the wall seconds in which the person is certainly not expected."""
    sessions = queues.roster.sessions(name, day)
    if not sessions:
        return leave.start, leave.end
    first, last = day * DAY + sessions[0][0], day * DAY + sessions[-1][1]
    start = (
        first - AROUND_SECONDS if leave.start <= first else leave.start + NEAR_SECONDS
    )
    end = last + AROUND_SECONDS if leave.end >= last else leave.end - NEAR_SECONDS
    return max(start, leave.start - AROUND_SECONDS), min(
        end, leave.end + AROUND_SECONDS
    )


def _visit(
    queues: Queues, person: Person, leave: Leave, stands: Sequence[Stand]
) -> Visit:
    stands = sorted(stands, key=lambda stand: (stand.first, stand.punch.id))
    weak = [
        one
        for one in stands
        if one.credential == Credential.WEAK and not _soon_strong(one, stands)
    ]
    suspected = [one for one in weak if _near(queues, one) and queues.beside(one)]
    habitual = laplace(person.weak, person.known) >= HABITUAL_RATE
    reason = ""
    if leave.approved_at is None or leave.approved_at > stands[0].first:
        reason = "approved_later"
    elif not weak:
        reason = "strong"
    elif not suspected:
        reason = "not_beside"
    elif habitual and stands[-1].first - stands[0].first < APART_SECONDS:
        reason = "habitual"
    elif not any(_takes_fingers(queues, one) for one in suspected):
        reason = "card_reader"
    return Visit(
        stands[0].person,
        stands[0].day,
        leave,
        tuple(stands),
        tuple(suspected or stands),
        habitual,
        Grade.NOTE if reason else Grade.CASE,
        reason,
    )


def _soon_strong(stand: Stand, stands: Sequence[Stand]) -> bool:
    """Say whether a finger or face within the hour shows the person there."""
    return any(
        one.credential == Credential.STRONG
        and abs(one.first - stand.first) <= APART_SECONDS
        for one in stands
    )


def _takes_fingers(queues: Queues, stand: Stand) -> bool:
    """Say whether the terminal is more than a card reader, by what it reported."""
    queue = queues.by_terminal[stand.punch.terminal]
    strong = (one for one in queue if one.credential == Credential.STRONG)
    return sum(1 for _ in islice(strong, FINGERS_SEEN)) == FINGERS_SEEN


def _near(queues: Queues, stand: Stand) -> bool:
    sessions = queues.roster.sessions(stand.person, stand.day)
    if stand.slot not in {0, 2 * len(sessions) - 1}:
        return False  # nowhere near, or noon: no start and no end of a shift
    bound = queues.roster.bound(stand.person, stand.day, stand.slot)
    return abs(stand.first - bound) <= NEAR_SECONDS
