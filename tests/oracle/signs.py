"""Windows, repeats, slots and owed time (2.0.1 to 2.0.4), word by word.

Written from the text of the rule alone. It knows interval arithmetic and nothing else:
no index, no cache, no sharing of work. Times are naive local times of the site; every
interval is half-open.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta

from tests.oracle.cases import (
    Correction,
    Leave,
    Outage,
    Permit,
    Person,
    Punch,
    Session,
    Site,
    Span,
    Verdict,
)

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
OPENS_BEFORE = 2 * HOUR
CLOSES_AFTER = 2 * HOUR
CLOSING_TIME = time(4)
NEAR_BORDER = 2 * HOUR
REPEAT = 60 * SECOND
DOWN_FOR = timedelta(minutes=10)
DOWN_NEAR = timedelta(minutes=30)
AWAY_PERMITS = ("field", "trip", "remote")

Chain = list[Punch]


def without(spans: Iterable[Span], cut: Span) -> list[Span]:
    """Return the spans less one interval."""
    left = []
    for start, end in spans:
        left.append((start, min(end, cut[0])))
        left.append((max(start, cut[1]), end))
    return [(start, end) for start, end in left if start < end]


def seconds(spans: Iterable[Span]) -> int:
    """Return how long the spans are together."""
    return sum(int((end - start).total_seconds()) for start, end in spans)


def counts(leave: Leave, site: Site) -> bool:
    """2.0.4: applied for before its begin, approved by a named, entitled approver."""
    return leave.applied_at < leave.start and site.may(leave.approved_by, "leave")


def leave_span(leave: Leave) -> Span:
    """2.0.4: only `ended_at`, entered by a named approver, shortens a leave."""
    if leave.ended_at is not None and leave.ended_by:
        return (leave.start, min(leave.end, leave.ended_at))
    return (leave.start, leave.end)


def permitted(permit: Permit, site: Site) -> bool:
    """2.0.10: a field, trip or remote permit that somebody entitled gave."""
    return permit.kind in AWAY_PERMITS and site.may(permit.approved_by, "permit")


def owed(session: Session, person: Person, site: Site) -> list[Span]:
    """2.0.4 and 2.0.10: the session less breaks, leave and attendance elsewhere."""
    spans = [(session.start, session.end)]
    for pause in session.breaks:
        spans = without(spans, pause)
    for leave in person.leave:
        if counts(leave, site):
            spans = without(spans, leave_span(leave))
    for permit in person.permits:
        if permitted(permit, site):
            spans = without(spans, (permit.start, permit.end))
    return spans


def middle(start: datetime, end: datetime) -> datetime:
    """Return the midpoint of a gap."""
    return start + (end - start) / 2


def opening(before: Session | None, session: Session) -> datetime:
    """2.0.1: 2 h before, or midway to the session before if that is later."""
    opens = session.start - OPENS_BEFORE
    if before is not None:
        opens = max(opens, middle(before.end, session.start))
    return opens


def closing(session: Session, after: Session | None) -> datetime:
    """2.0.1: midway to the next session of the day, else what comes first."""
    if after is not None and after.day == session.day:
        return middle(session.end, after.start)
    four = datetime.combine(session.end.date(), CLOSING_TIME)
    while four < session.end + CLOSES_AFTER:
        four += timedelta(days=1)
    if after is not None:
        return min(four, opening(session, after))
    return four


def chains(punches: Iterable[Punch], places: dict[str, str]) -> list[Chain]:
    """2.0.2: repeats of one site, measured from the first of the chain."""
    found: list[Chain] = []
    for punch in sorted(punches, key=lambda one: one.at):
        for chain in found:
            same = places[chain[0].terminal] == places[punch.terminal]
            if same and punch.at - chain[0].at < REPEAT:
                chain.append(punch)
                break
        else:
            found.append([punch])
    return found


def slots(
    session: Session, found: list[Chain]
) -> tuple[datetime | None, datetime | None]:
    """2.0.3: which chain is the IN and which the OUT."""
    if not found:
        return None, None
    firsts = [chain[0].at for chain in found]
    lasts = [chain[-1].at for chain in found]
    if len(found) == 1:
        nearer_in = abs(firsts[0] - session.start) <= abs(session.end - lasts[0])
        arrival, departure = (firsts[0], None) if nearer_in else (None, lasts[0])
    else:
        arrival, departure = min(firsts), max(lasts)
    if departure is not None and departure <= session.start:
        departure = None
    if arrival is not None and arrival >= session.end:
        arrival = None
    return arrival, departure


def down_pieces(terminal: str, outages: Iterable[Outage], near: Span) -> list[Span]:
    """Return when a terminal could not be read inside a span."""
    up = [near]
    for outage in outages:
        if outage.terminal == terminal:
            up = without(up, (outage.start, outage.end))
    down = [near]
    for piece in up:
        down = without(down, piece)
    return down


def excused_slot(session: Session, near: Span, outages: Iterable[Outage]) -> bool:
    """E97: no counting terminal was readable for 10 min or more near the due time."""
    rows = list(outages)
    dark = [near]
    for terminal in session.terminals:
        lit = [near]
        for piece in down_pieces(terminal, rows, near):
            lit = without(lit, piece)
        for piece in lit:
            dark = without(dark, piece)
    return any(end - start >= DOWN_FOR for start, end in dark)


def evidence(row: Correction, session: Session, site: Site) -> bool | None:
    """E104: whether a terminal fault is shown; None where the text does not say."""
    dark = any(
        one.terminal in session.terminals and one.start <= row.at < one.end
        for one in site.outages
    )
    return dark if dark == row.terminal_fault else None


def effective(session: Session, person: Person, site: Site) -> Iterator[Punch]:
    """2.0.10 and E104: punches that satisfy this duty, with accepted corrections."""
    allowed = [one for one in person.permits if permitted(one, site)]
    for punch in set(person.punches):
        away = any(one.start <= punch.at < one.end for one in allowed)
        if punch.terminal in session.terminals or away:
            yield punch
    for row in person.corrections:
        second = site.may(row.second_by, "correction")
        two = second and row.second_by != row.approved_by
        if not site.may(row.approved_by, "correction"):
            continue
        if two or evidence(row, session, site):
            yield Punch(row.at, min(session.terminals))


def unclear(
    verdict: Verdict, person: Person, site: Site, seen: list[Punch]
) -> Iterator[str]:
    """Name the sentences that leave open which punches this session has."""
    session, window = verdict.session, verdict.window
    assert window is not None
    for row in person.corrections:
        if not window[0] <= row.at < window[1]:
            continue
        if evidence(row, session, site) is None and row.approved_by:
            yield "correction-evidence"
        real = [one for one in seen if one in person.punches]
        arrival, departure = slots(session, chains(real, site.places))
        if row.slot == "in":
            arrival = min(filter(None, (arrival, row.at)))
        else:
            departure = max(filter(None, (departure, row.at)))
        full = slots(session, chains(seen, site.places))
        if len(real) < len(seen) and (arrival, departure) != full:
            yield "correction-slot"
    for leave in person.leave:
        span = leave_span(leave)
        if leave.kind == "official" and any(
            span[0] <= one.at < span[1] and one.terminal not in session.terminals
            for one in person.punches
        ):
            yield "official-elsewhere"
