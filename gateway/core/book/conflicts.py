"""Rows that contradict each other: two owners of a badge, two duties at one time.

What makes a verdict ambiguous is a problem; what is only odd, such as two leaves over
the same hours, is a warning.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from gateway.core.book.badges import number_there, zeros_ignored
from gateway.core.book.duty import DayOrder, Roster, Shift
from gateway.core.book.fields import DAY_SECONDS
from gateway.core.book.placed import Placed, of
from gateway.core.book.standing import ANY_TERMINAL, Contract, Enrolment
from gateway.core.book.timeline import grouped, timeline

_DAY = timedelta(days=1)
_WEEK_AND_NEIGHBOUR = 8
# Of these tables two rows with the same key should not touch in time.
_WARNED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "leave": ("leave of the same person", lambda row: row.person),
    "permits": ("permit of this kind", lambda row: (row.person, row.kind)),
    "substitutions": ("duty of the same substitute", lambda row: row.substitute),
    "outages": ("outage of the same terminal", lambda row: row.terminal),
}


def check(rows: list[Placed[Any]]) -> None:
    """Note rows that contradict each other, and warn of odd ones."""
    _one_person_per_badge(of(rows, "enrolments"))
    _one_person_per_number(of(rows, "enrolments"), of(rows, "terminals"))
    _one_contract_per_vendor(of(rows, "contracts"))
    _one_duty_at_a_time(of(rows, "roster"), of(rows, "shifts"))
    _one_order_per_day(of(rows, "days"))
    for table, (words, key) in _WARNED.items():
        _warn_of_overlaps(of(rows, table), words, key)


def _groups(
    rows: Iterable[Placed[Any]], key: Callable[[Any], Any]
) -> Iterator[tuple[Placed[Any], ...]]:
    yield from grouped(rows, lambda placed: key(placed.row)).values()


def _against_earlier(
    group: tuple[Placed[Any], ...], wrong: Callable[[Any, Any], bool]
) -> Iterator[tuple[Placed[Any], Placed[Any]]]:
    """Give each row that contradicts one above it, with the first such one."""
    for number, second in enumerate(group):
        for first in group[:number]:
            if wrong(first.row, second.row):
                yield first, second
                break


def _one_person_per_badge(rows: list[Placed[Any]]) -> None:
    def wrong(one: Enrolment, two: Enrolment) -> bool:
        return one.person != two.person and one.overlaps(two)

    for group in _groups(rows, lambda row: (row.terminal, row.badge)):
        for first, second in _against_earlier(group, wrong):
            one = first.row
            second.raw.problem(
                "badge",
                f"badge {one.badge!r} on {one.terminal!r} already belongs to"
                f" {one.person} on some of these days; give one of them from/to"
                " dates",
            )


def _one_person_per_number(
    rows: list[Placed[Any]], terminals: list[Placed[Any]]
) -> None:
    """Find badges that are one where leading zeros are ignored."""
    ignoring = sorted(zeros_ignored(placed.row for placed in terminals))

    def wrong(one: Enrolment, two: Enrolment) -> bool:
        apart = one.person != two.person and one.badge != two.badge
        return apart and one.overlaps(two)

    there = [one for one in rows if one.row.terminal in {*ignoring, ANY_TERMINAL}]
    for group in _groups(there if ignoring else [], number_there):
        for first, second in _against_earlier(group, wrong):
            one, two = first.row, second.row
            where = ignoring[0] if one.terminal == ANY_TERMINAL else one.terminal
            second.raw.problem(
                "badge",
                f"badge {two.badge!r} is {one.badge!r} of {one.person} on {where!r},"
                " where leading zeros are ignored; enrol each on its own terminals,"
                " or give one of them from/to dates",
            )


def _one_contract_per_vendor(rows: list[Placed[Any]]) -> None:
    def wrong(one: Contract, two: Contract) -> bool:
        return one.from_ <= two.to and two.from_ <= one.to

    for group in _groups(rows, lambda row: row.vendor):
        for first, second in _against_earlier(group, wrong):
            reason = f"{first.row.id} is in force on some of these days already"
            second.raw.problem("from", reason)


def _warn_of_overlaps(
    rows: list[Placed[Any]], words: str, key: Callable[[Any], Any]
) -> None:
    for group in _groups(rows, key):
        ordered = sorted(group, key=lambda placed: placed.row.from_)
        latest = ordered[0]
        for placed in ordered[1:]:
            if placed.row.from_ < latest.row.to:
                placed.raw.warn("from", f"overlaps a {words}, {latest.raw.label}")
            latest = max(latest, placed, key=lambda one: one.row.to)


def _one_order_per_day(rows: list[Placed[Any]]) -> None:
    def wrong(one: DayOrder, two: DayOrder) -> bool:
        return _same_scope(one, two) and _differ(one, two)

    for group in _groups(rows, lambda row: row.date):
        for first, second in _against_earlier(group, wrong):
            reason = f"{first.raw.label} orders otherwise for the same scope"
            second.raw.problem("date", reason)


def _same_scope(one: DayOrder, two: DayOrder) -> bool:
    if one.for_everybody and two.for_everybody:
        return True
    pairs = ((one.people, two.people), (one.shifts, two.shifts), (one.posts, two.posts))
    return any(set(mine) & set(yours) for mine, yours in pairs)


def _differ(one: DayOrder, two: DayOrder) -> bool:
    kinds = one.kind and two.kind and (one.kind, one.which) != (two.kind, two.which)
    return bool(kinds) or bool(
        one.sessions and two.sessions and one.sessions != two.sessions
    )


def _one_duty_at_a_time(rows: list[Placed[Any]], shifts: list[Placed[Any]]) -> None:
    """Find people with two shifts that overlap in time.

    The calendar is not asked: `workdays` counts as Monday to Friday here.
    """
    known = {placed.row.id: placed.row for placed in shifts}
    usable = [placed for placed in rows if _has_days(placed.row, known)]
    for group in _groups(usable, lambda row: row.person):
        around = timeline(group, lambda placed: _bounds(placed.row))
        for second in group:
            near = around.touching(*_bounds(second.row))
            earlier = (placed for placed in near if placed.order < second.order)
            clash = next(_clashes(earlier, second, known), None)
            if clash:
                first, day = clash
                reason = f"{first.raw.label} is duty of the same hours on {day}"
                second.raw.problem("shift", reason)


def _bounds(row: Roster) -> tuple[date, date]:
    """Return the days a row may reach, with the night before and the one after."""
    first = min(row.dates) if row.dates else row.from_ or date.min + _DAY
    last = max(row.dates) if row.dates else row.to or date.max - 2 * _DAY
    return first - _DAY, last + 2 * _DAY


def _has_days(row: Roster, shifts: dict[str, Shift]) -> bool:
    """Say whether a row can be compared; others have a problem of their own."""
    return row.shift in shifts and bool(row.dates or row.from_)


def _clashes(
    earlier: Iterable[Placed[Any]], second: Placed[Any], shifts: dict[str, Shift]
) -> Iterator[tuple[Placed[Any], date]]:
    for first in earlier:
        for day in _common_days(first.row, second.row):
            if _clash_on(day, first.row, second.row, shifts):
                yield first, day


def _common_days(one: Roster, two: Roster) -> Iterator[date]:
    """Give the days worth comparing: weeks repeat, the first common one is enough."""
    if two.dates:
        yield from sorted(two.dates)
        return
    if one.dates:
        yield from (
            day + step * _DAY for day in sorted(one.dates) for step in (-1, 0, 1)
        )
        return
    first = max(one.from_ or date.min, two.from_ or date.min)
    yield from (first + step * _DAY for step in range(-1, _WEEK_AND_NEIGHBOUR))


def _clash_on(day: date, one: Roster, two: Roster, shifts: dict[str, Shift]) -> bool:
    """Compare the second row's duty of a day with the first's around it."""
    if not _worked(two, shifts[two.shift], day):
        return False
    mine = _spans(shifts[two.shift], 0)
    return any(
        start < last and first < end
        for step in (-1, 0, 1)
        if _worked(one, shifts[one.shift], day + step * _DAY)
        for start, end in _spans(shifts[one.shift], step)
        for first, last in mine
    )


def _worked(row: Roster, shift: Shift, day: date) -> bool:
    if not row.covers(day):
        return False
    if row.dates:
        return True
    weekday = day.weekday() < 5  # noqa: PLR2004 - Monday to Friday
    return weekday if shift.follows_calendar else shift.on_weekday(day)


def _spans(shift: Shift, days: int) -> list[tuple[int, int]]:
    offset = days * DAY_SECONDS
    spans = [session.span for session in shift.sessions]
    return [(start + offset, end + offset) for start, end in spans]
