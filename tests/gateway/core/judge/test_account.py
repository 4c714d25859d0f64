"""Accounts: how each session came to its verdict, only where somebody asks."""

from datetime import date

from gateway.core.account import Account, Use
from gateway.core.judge import Judge
from gateway.core.moments import local
from gateway.core.rules.leave import Failed
from gateway.core.verdicts import Judged
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    DAY,
    GOOD,
    book,
    calendar,
    leave,
    policy,
    punches,
    roster,
    rows,
)


def judged(
    times: tuple[str, ...], *more: str, day: str = DAY, accounts: bool = True
) -> Judged:
    """Judge p1 on a day with accounts."""
    told = more if any("[[roster]]" in row for row in more) else (roster(), *more)
    judge = Judge(book(*told), calendar(), {"client-contract": policy()}, Whole())
    on = date.fromisoformat(day)
    return judge.person("p1", punches(*times, day=day), on, on, accounts=accounts)


def uses(one: Account) -> list[tuple[str, str, str]]:
    """Return time, use and what it is about, of each punch."""
    return [
        (f"{local(each.at):%H:%M:%S}", each.use.value, each.about[11:])
        for each in one.punches
    ]


def clocks(one: Account) -> list[str]:
    """Return owed spans and the window as text."""
    spans = [*one.owed, *([one.window] if one.window else [])]
    return [f"{local(low):%H:%M}-{local(high):%H:%M}" for low, high in spans]


def test_nobody_asks_and_there_are_none() -> None:
    """Judging by itself makes no accounts."""
    assert judged(GOOD, accounts=False).accounts == []


def test_each_session_has_its_account_in_order() -> None:
    """Owed time, window, terminals, calendar, policy."""
    found = judged(GOOD)
    first, second = found.accounts
    keys = [(one.shift, one.session) for one in found.sessions]
    assert [(one.shift, one.session) for one in found.accounts] == keys
    assert clocks(first) == ["08:30-12:00", "06:30-13:15"]
    assert clocks(second) == ["14:30-17:30", "13:15-04:00"]
    assert first.terminals == ("lobby", "annex")
    assert (first.by_calendar, first.policy) == (True, "client-contract")
    assert first.day is not None


def test_every_punch_of_a_window_is_accounted_for() -> None:
    """Signs, repeats of them, punches nobody needs, and other terminals."""
    found = judged(
        ("08:20", "08:20:30", "09:00", "10:00@far", "12:05:00", "12:05:40", *GOOD[2:])
    )
    assert uses(found.accounts[0]) == [
        ("08:20:00", "in", ""),
        ("08:20:30", "repeat", "08:20:00@lobby"),
        ("09:00:00", "unused", ""),
        ("10:00:00", "other_terminal", ""),
        ("12:05:00", "repeat", "12:05:40@lobby"),
        ("12:05:40", "out", ""),
    ]


def test_a_void_punch_names_the_ruling() -> None:
    """It stays visible with who says that it does not count."""
    ruling = rows(
        "rulings",
        'id = "R1"',
        'on = "c-1"',
        'decision = "confirm"',
        'persons = ["p1"]',
        f'punches = ["{DAY}T08:20:00@lobby"]',
        'by = ["leader1", "clerk1"]',
        "at = 2026-11-05T10:00:00",
        'reason = "seen"',
    )
    (void, *_) = judged(GOOD, ruling).accounts[0].punches
    assert (void.use, void.about) == (Use.VOID, "R1")


def test_a_correction_stands_where_it_stands() -> None:
    """Its row is named, and it is marked as made up."""
    correction = rows(
        "corrections",
        'id = "K1"',
        'person = "p1"',
        f"at = {DAY}T17:35:00",
        'slot = "out"',
        'reason = "forgot"',
        "requested_at = 2026-11-03T09:00:00",
        'approved_by = "leader1"',
        'second_by = "clerk1"',
    )
    *_, last = judged(GOOD[:3], correction).accounts[1].punches
    assert (last.punch, last.use, last.made_up) == ("K1", Use.OUT, True)


def test_leave_says_what_it_takes_off_or_why_nothing() -> None:
    """Owed time is cut by what counts; what fails is there with its reason."""
    found = judged(GOOD, leave(f"{DAY}T08:30:00", f"{DAY}T10:30:00"))
    (effect,) = found.accounts[0].absences
    assert (effect.row, effect.seconds, effect.failed) == ("L1", 7200, None)
    assert clocks(found.accounts[0])[0] == "10:30-12:00"
    assert found.accounts[1].absences == ()
    after = leave(f"{DAY}T08:30:00", f"{DAY}T10:30:00", applied=f"{DAY}T09:00:00")
    (failed,) = judged(GOOD, after).accounts[0].absences
    assert (failed.kind, failed.failed) == ("leave personal", Failed.UNNOTIFIED)


def test_a_session_on_leave_has_no_window() -> None:
    """And no outage is looked for where nothing was owed."""
    long = leave(f"{DAY}T08:00:00", f"{DAY}T13:00:00")
    (first, _) = judged(GOOD[2:], long).accounts
    assert (first.owed, first.window, first.punches, first.outages) == (
        (),
        None,
        (),
        (),
    )


def test_orders_and_outages_are_named() -> None:
    """Who reads it finds the rows of the book."""
    order = rows("days", f"date = {DAY}", 'kind = "work"', 'by = "leader1"')
    outage = rows(
        "outages",
        'terminal = "lobby"',
        f"from = {DAY}T09:00:00",
        f"to = {DAY}T09:10:00",
    )
    first, second = judged(GOOD, order, outage).accounts
    assert len(first.orders) == len(first.outages) == 1
    assert (len(second.orders), second.outages) == (1, ())


def test_a_continuous_stay_shows_the_common_punch_in_both() -> None:
    """The only punch that serves two sessions."""
    dates = roster("round", DAY, "2026-11-03")
    judge = Judge(book(dates), calendar(), {"client-contract": policy()}, Whole())
    made = punches("07:55", "2026-11-03T08:03", "2026-11-04T08:01")
    on = date.fromisoformat(DAY)
    both = judge.person("p1", made, on, date(2026, 11, 3), accounts=True).accounts
    assert [uses(one) for one in both] == [
        [("07:55:00", "in", ""), ("08:03:00", "out", "")],
        [("08:03:00", "in", ""), ("08:01:00", "out", "")],
    ]
    assert (both[0].stays_out, both[1].stays_in) == (True, True)
    assert both[0].by_calendar is False


def test_two_shifts_of_a_day_have_their_own_reasons() -> None:
    """The day shift asks the calendar, the night shift of the same date does not."""
    order = rows(
        "days", f"date = {DAY}", 'kind = "work"', 'shifts = ["day"]', 'by = "leader1"'
    )
    found = judged(GOOD, roster(), roster("night", DAY), order).accounts
    told = [(one.shift, one.by_calendar, len(one.orders)) for one in found]
    assert told == [("day", True, 1), ("day", True, 1), ("night", False, 0)]
