"""From a book and events to cases: the whole engine, nightly or offline.

Recomputed on every call: clocks, queues, hard signals, e-BH, cases. Incremental: the
state of the pair process, if a state of an earlier night is given and every day in it
is still exactly as it was (`gateway.core.suspicion.state`). The result never depends on
which way was taken, nor on order or repetition of delivery.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.core.suspicion.cases import Case, document, in_order
from gateway.core.suspicion.clock import read_clocks
from gateway.core.suspicion.desk import Desk, open_desk
from gateway.core.suspicion.dossier import enrolment_cases, pair_cases
from gateway.core.suspicion.enrolment import companions, enrolments
from gateway.core.suspicion.events import Events
from gateway.core.suspicion.queues import Queues, Sheet, line_up, sheets
from gateway.core.suspicion.signals import SIGNALS
from gateway.core.suspicion.state import State, close, digest, newest_usable
from gateway.core.suspicion.values import (
    DAY,
    HOUR,
    Json,
    Options,
    SiteBook,
    day_number,
)

# A night shift of the last day ends the next morning.
_LAST_HOURS = 12 * HOUR
_DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Report:
    """The cases of today, and the state to keep for tomorrow."""

    cases: tuple[Case, ...]
    state: State

    def to_json(self) -> Json:
        """Return `{"cases": […]}`."""
        return document(self.cases)


def suspect(
    book: SiteBook,
    events: Events,
    options: Options = _DEFAULTS,
    states: Iterable[State] = (),
) -> Report:
    """Look for proxy punching in everything up to `options.through`.

    Args:
        book: who has which badge, who owes what, leave, sites.
        events: what terminals said, from `read_events` or `gather`.
        options: level, last day, lists.
        states: from earlier nights; the newest whose days are all unchanged is used
            (and moved on in place), none means everything is folded anew.
    """
    events = _until(events, options)
    clocks = read_clocks(events, book)
    queues = line_up(events.punches, book, clocks.dropped)
    days = _closed_days(sheets(queues), options)
    state = _fold(days, queues, book, options, states)
    found = enrolments(events.operations, queues, book)
    family = companions(found, queues, state, options.alpha)
    desk = open_desk(events, queues, clocks, book, state, family, options, days)
    return Report(in_order(_cases(desk)), state)


def _cases(desk: Desk) -> Iterable[Case]:
    yield from pair_cases(desk)
    yield from enrolment_cases(desk)
    for signal in SIGNALS:
        yield from signal(desk)


def _until(events: Events, options: Options) -> Events:
    """Leave out what belongs to days after the last one to look at."""
    if options.through is None:
        return events
    end = (day_number(options.through) + 1) * DAY + _LAST_HOURS
    return Events(
        tuple(one for one in events.punches if one.at < end),
        tuple(one for one in events.operations if one.at < end),
        tuple(one for one in events.counts if one.received < end),
        events.links,  # also those that explain why an old record came only now
    )


def _closed_days(found: list[Sheet], options: Options) -> list[Sheet]:
    if options.through is None:
        return found
    last = day_number(options.through)
    return [sheet for sheet in found if sheet.day <= last]


def _fold(
    days: list[Sheet],
    queues: Queues,
    book: SiteBook,
    options: Options,
    states: Iterable[State],
) -> State:
    """Return the state with every day closed, from the newest that still holds."""
    digests = [(sheet.day, digest(sheet, queues.roster, book)) for sheet in days]
    settings = (options.alpha, options.watch_ratio)
    same = [one for one in states if (one.alpha, one.watch_ratio) == settings]
    state = newest_usable(same, digests) or State(*settings)
    for sheet, (_, digested) in list(zip(days, digests, strict=True))[
        len(state.digests) :
    ]:
        close(state, sheet, digested, queues.roster, book)
        sheet.people.clear()  # nobody asks again, and it is much
    return state
