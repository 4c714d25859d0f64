"""Makes the account of a session that was weighed: see `account`."""

from collections.abc import Iterator, Sequence

from gateway.core.account import Account, Effect, Placed, Use
from gateway.core.book.days import Leave, Outage
from gateway.core.book.index import Book
from gateway.core.book.plan import plan
from gateway.core.calendar import Calendar
from gateway.core.leaving import Absences
from gateway.core.moments import local
from gateway.core.rules.leave import Taken
from gateway.core.rules.repeats import Chain
from gateway.core.rules.spans import clip, total
from gateway.core.sitting import Sitting
from gateway.core.verdicts import Punched


def account(
    book: Book, calendar: Calendar, person: str, sitting: Sitting, absences: Absences
) -> Account:
    """Return how a session that was weighed came to its verdict."""
    due = sitting.due
    by_calendar, orders = _planned(book, calendar, person, sitting)
    return Account(
        person=person,
        date=due.date,
        shift=due.shift,
        session=due.number,
        policy=sitting.policy.id,
        scheduled=(due.start, due.end),
        spans=due.spans,
        owed=sitting.owed,
        window=sitting.window if sitting.owed else None,
        terminals=due.terminals,
        day=calendar.day(due.date),
        by_calendar=by_calendar,
        orders=orders,
        absences=tuple(_effects(book, sitting, absences.taken)),
        outages=tuple(book.name_of(row) for row in _outages(book, sitting)),
        punches=tuple(sorted(_placed(book, sitting), key=_order)),
        stays_in=sitting.stays_in,
        stays_out=sitting.stays_out,
    )


def _planned(
    book: Book, calendar: Calendar, person: str, sitting: Sitting
) -> tuple[bool, tuple[str, ...]]:
    """Say whether the calendar was asked, and which orders had a say."""
    due = sitting.due
    asked, names = False, dict[str, None]()
    for one in book.assignments(person, due.date):
        if one.shift.id == due.shift:
            asked = asked or (one.shift.follows_calendar and not one.roster.dates)
            orders = plan(book, calendar, one, due.date).orders
            names |= dict.fromkeys(map(book.name_of, orders))
    return asked, tuple(names)


def _effects(book: Book, sitting: Sitting, taken: Sequence[Taken]) -> Iterator[Effect]:
    for one in taken:
        covered = total(clip(sitting.due.spans, *one.span))
        if covered:
            kind = "leave" if isinstance(one.row, Leave) else "permit"
            name = book.name_of(one.row)
            what = f"{kind} {one.row.kind}"
            yield Effect(name, what, one.span, covered, one.failed)


def _outages(book: Book, sitting: Sitting) -> Iterator[Outage]:
    if not sitting.owed:
        return
    start, end = (local(moment) for moment in sitting.window)
    for name in sitting.due.terminals:
        yield from book.outages(name, start, end)


def _placed(book: Book, sitting: Sitting) -> Iterator[Placed]:
    """Yield the punches of the window, also a common one of a continuous stay."""
    used: set[str] = set()
    for use, chain in ((Use.IN, sitting.arrival), (Use.OUT, sitting.departure)):
        for one in _chain(chain, use) if chain else ():
            used.add(one.punch)
            yield one
    for punch in sitting.punches:
        if punch.id not in used:
            yield _left(punch, Use.UNUSED)
    for punch in sitting.others:
        yield _left(punch, Use.OTHER_TERMINAL)
    for punch in sitting.void:
        rulings = " ".join(map(book.name_of, book.rulings_about(punch.id)))
        yield _left(punch, Use.VOID, rulings)


def _chain(chain: Chain, use: Use) -> Iterator[Placed]:
    """Yield a chain: an IN counts by its first punch, an OUT by its last."""
    sign = chain.punches[0 if use is Use.IN else -1]
    for one in chain.punches:
        if not isinstance(one, Punched):
            yield Placed(one.id, one.moment, "", use, made_up=True)
        elif one is sign:
            yield _left(one, use)
        else:
            yield _left(one, Use.REPEAT, sign.id)


def _left(punch: Punched, use: Use, about: str = "") -> Placed:
    return Placed(punch.id, punch.moment, punch.terminal, use, about)


def _order(one: Placed) -> tuple[int, str]:
    return one.at, one.punch
