"""Stretches of time against sets of seconds; working days against a plain count."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.calendar import Day, DayKind, Weekdays, Year, Years
from gateway.core.moments import Span
from gateway.core.rules import spans
from gateway.core.workdays import workday_after

moments = st.integers(0, 24)
anything = st.lists(st.tuples(moments, moments), max_size=5)
# In order and disjoint, as owed time is; some of them touch.
ordered = st.lists(moments, max_size=8, unique=True).map(
    lambda found: tuple(
        zip(sorted(found)[: len(found) // 2 * 2 : 2], sorted(found)[1::2], strict=True)
    )
)


def seconds(found: Iterable[Span]) -> set[int]:
    """Return every second that lies in a span; a span the wrong way round has none."""
    return {second for low, high in found for second in range(low, high)}


def tidy(found: Iterable[Span]) -> bool:
    """Say whether spans are in order, not empty and apart."""
    flat = [moment for span in found for moment in span]
    return all(low < high for low, high in found) and flat == sorted(flat)


@given(ordered, anything)
def test_cutting(found: tuple[Span, ...], holes: list[Span]) -> None:
    """What is left is what lies in no hole."""
    left = spans.cut(found, holes)
    assert seconds(left) == seconds(found) - seconds(holes)
    assert tidy(left)


@given(ordered, moments, moments)
def test_clipping(found: tuple[Span, ...], low: int, high: int) -> None:
    """What is left lies within, and no empty span with it."""
    left = spans.clip(found, low, high)
    assert seconds(left) == seconds(found) & set(range(low, high))
    assert tidy(left)


@given(ordered, moments)
def test_counting(found: tuple[Span, ...], moment: int) -> None:
    """Each second is before a moment, or at it and behind."""
    whole = seconds(found)
    assert spans.total(found) == len(whole)
    assert spans.before(found, moment) == len({one for one in whole if one < moment})
    assert spans.after(found, moment) == len({one for one in whole if one >= moment})


@given(anything)
def test_merging(found: list[Span]) -> None:
    """The same seconds in order, with a gap between any two spans."""
    merged = spans.merged(found)
    assert seconds(merged) == seconds(found)
    assert tidy(merged)
    assert all(one[1] < two[0] for one, two in pairwise(merged))


@given(st.lists(anything, max_size=3))
def test_what_is_common(groups: list[list[Span]]) -> None:
    """A second in a span of every group; of no groups none."""
    wanted = set.intersection(*map(seconds, groups)) if groups else set[int]()
    found = spans.common(groups)
    assert seconds(found) == wanted
    assert tidy(found)


def test_spans_that_only_touch_have_nothing_in_common() -> None:
    """Not even an empty span."""
    assert spans.common([[(1, 2)], [(2, 3)]]) == ()
    assert spans.common([[(1, 3)], [(2, 3)]]) == ((2, 3),)


FRIDAY = date(2026, 11, 6)
MONDAY = date(2026, 11, 9)


@pytest.mark.parametrize(
    "count, until",
    [(0, FRIDAY), (1, MONDAY), (2, date(2026, 11, 10)), (6, date(2026, 11, 16))],
)
def test_working_days_are_counted_behind_a_day(count: int, until: date) -> None:
    """The day itself does not count, nor do weekends."""
    assert workday_after(Weekdays(), FRIDAY, count) == until


def test_a_half_day_is_a_working_day() -> None:
    """Papers can be handed in on it."""
    half = {MONDAY: Day(DayKind.HALF)}
    found = Years({2026: Year(2026, "test", half)})
    assert workday_after(found, FRIDAY, 1) == MONDAY


def test_a_holiday_is_none() -> None:
    """Nor does an exchanged Saturday stay free."""
    days = {MONDAY: Day(DayKind.REST), date(2026, 11, 7): Day(DayKind.WORK)}
    found = Years({2026: Year(2026, "test", days)})
    assert workday_after(found, FRIDAY, 1) == date(2026, 11, 7)
    assert workday_after(found, FRIDAY, 2) == date(2026, 11, 10)


def test_nobody_knows_a_deadline_in_a_year_without_a_calendar() -> None:
    """Not guessed by weekday; the last day that is known still is."""
    found = Years({2026: Year(2026, "test", {})})
    assert workday_after(found, date(2026, 12, 30), 1) == date(2026, 12, 31)
    assert workday_after(found, date(2026, 12, 31), 1) is None
    assert workday_after(found, date(2026, 12, 31), 0) == date(2026, 12, 31)


@pytest.mark.parametrize("free, count, known", [(60, 1, True), (62, 1, False)])
def test_nobody_looks_for_a_working_day_for_ever(
    free: int, count: int, *, known: bool
) -> None:
    """Behind sixty free days there is one, behind two months nobody believes it."""
    days = {FRIDAY + timedelta(days=n): Day(DayKind.REST) for n in range(1, free + 1)}
    days[FRIDAY + timedelta(days=free + 1)] = Day(DayKind.WORK)
    found = Years({year: Year(year, "test", days) for year in (2026, 2027)})
    until = FRIDAY + timedelta(days=free + 1)
    assert workday_after(found, FRIDAY, count) == (until if known else None)
