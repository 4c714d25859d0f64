"""E70 to E76 and E97 to E104: calendars, complete data, outages, corrections."""

from datetime import date

import pytest

from gateway.core.calendar import Day, DayKind, Year, Years
from gateway.core.judge import Judge
from gateway.core.moments import read
from gateway.core.verdicts import Flag
from gateway.core.watermark import Terminals, Whole
from tests.gateway.core.judge.days import (
    GOOD,
    book,
    calendar,
    judge,
    policy,
    roster,
    rows,
)

D = "2026-11-02"
REST = ("14:20", "17:35")


@pytest.mark.parametrize(
    "day, owed",
    [
        pytest.param("2026-02-14", 2, id="E70-exchanged-saturday"),
        pytest.param("2026-02-16", 0, id="E71-spring-festival-monday"),
        pytest.param("2026-11-07", 0, id="saturday"),
        pytest.param("2026-11-09", 2, id="monday"),
    ],
)
def test_the_calendar_says_which_days_are_worked(day: str, owed: int) -> None:
    """Exchanged working days and holidays of 2026."""
    assert len(judge((), day=day).sessions) == owed


def test_e72_a_year_nobody_knows_stays_pending() -> None:
    """No finding, no money, and the reason said."""
    contract = """
[[contracts]]
id = "c1"
vendor = "acme"
policy = "client-contract"
from = 2026-01-01
to = 2039-12-31
"""
    found = judge((), day="2038-03-01", contract=contract)
    assert (found.findings, found.states) == ([], ["pending", "pending"])
    assert found.sessions[0].flags == (Flag.WAITS_FOR_CALENDAR,)


def test_e74_a_half_day() -> None:
    """Only the morning is owed."""
    half = rows("days", f"date = {D}", 'kind = "half"', 'by = "leader1"')
    assert judge(("08:20", "12:05"), half).ok()


def test_e75_e76_an_order_for_one_day() -> None:
    """Other hours on that day, and only then."""
    order = rows(
        "days",
        f"date = {D}",
        'by = "leader1"',
        'sessions = [{ start = "07:00", end = "22:00" }]',
    )
    found = judge(("07:01", "22:00"), order)
    assert found.kinds == [("late", 1, 60)]
    assert judge(GOOD, order, day="2026-11-03").ok()


SEASONS = """
[[shifts]]
id = "summer"
sessions = [{ start = "08:30", end = "12:00" }, { start = "14:30", end = "17:30" }]
days = "workdays"

[[shifts]]
id = "winter"
sessions = [{ start = "08:30", end = "12:00" }, { start = "14:00", end = "17:30" }]
days = "workdays"
""" + "".join(
    rows("roster", 'person = "p1"', f'shift = "{name}"', *dates)
    for name, dates in (
        ("summer", ("from = 2026-05-01", "to = 2026-09-30")),
        ("winter", ("from = 2026-10-01",)),
    )
)


@pytest.mark.parametrize(
    "day, seconds",
    [
        pytest.param("2026-09-30", None, id="last-of-summer"),
        pytest.param("2026-10-08", 600, id="first-of-winter"),
    ],
)
def test_e75_the_hours_change_on_their_day(day: str, seconds: int | None) -> None:
    """14:10 is in time while the afternoon begins at 14:30, late once at 14:00."""
    found = judge(("08:20", "12:05", "14:10", "17:35"), SEASONS, day=day)
    late = [] if seconds is None else [("late", 2, seconds)]
    assert (found.kinds, len(found.sessions)) == (late, 2)


def test_e73_a_holiday_added_afterwards_takes_back_what_was_found() -> None:
    """The same punches by the new calendar: nothing is owed, the day is free."""
    free = Day(DayKind.REST, name="临时放假")
    day = date.fromisoformat(D)
    found = []
    for days in ({}, {day: free}):
        made = Judge(
            book(roster()),
            Years({2026: Year(2026, "test", days)}),
            {"client-contract": policy()},
            Whole(),
        )
        found.append(made.person("p1", [], day, day))
    before, after = found
    assert [one.kind.value for one in before.findings] == ["absence", "absence"]
    assert (after.sessions, after.findings, after.deductions) == ([], [], [])


def dead(start: str, end: str, *more: str, terminal: str = "lobby") -> str:
    """Return an outage."""
    return rows(
        "outages",
        f'terminal = "{terminal}"',
        f"from = {D}T{start}:00",
        f"to = {D}T{end}:00",
        *more,
    )


EXCUSED = ('decision = "excused"', 'decided_by = "leader1"')
LOBBY_ONLY = rows(
    "roster",
    'person = "p1"',
    'shift = "day"',
    "from = 2026-01-01",
    'terminals = ["lobby"]',
)


def test_e97_a_dead_terminal_excuses_a_missing_in() -> None:
    """Down for the last ten minutes and more of the half hour before it was due."""
    found = judge(("12:05", *REST), LOBBY_ONLY, dead("08:00", "09:30", *EXCUSED))
    assert (found.findings, found.states) == ([], ["excused", "ok"])


@pytest.mark.parametrize(
    "start, end, excused",
    [
        ("08:00", "08:09", False),
        ("08:00", "08:10", True),
        ("08:25", "09:30", False),
        ("08:20", "09:30", True),
        ("08:31", "11:00", False),
    ],
)
def test_e97_ten_minutes_within_the_half_hour(
    start: str, end: str, *, excused: bool
) -> None:
    """Less does not excuse, nor what lies behind the time it was due."""
    found = judge(("12:05", *REST), LOBBY_ONLY, dead(start, end, *EXCUSED))
    assert (not found.findings) == excused


def test_e97_an_out_is_excused_by_what_lies_behind_the_end() -> None:
    """12:00 to 12:30."""
    found = judge(("08:20", *REST), LOBBY_ONLY, dead("12:00", "12:10", *EXCUSED))
    assert not found.findings
    early = judge(("08:20", *REST), LOBBY_ONLY, dead("11:00", "12:05", *EXCUSED))
    assert early.findings


def test_e97_a_second_terminal_that_worked_excuses_nothing() -> None:
    """All that count must have been down at once."""
    one = judge(("12:05", *REST), dead("08:00", "09:30", *EXCUSED))
    assert [found.kind for found in one.findings] == ["absence"]
    both = judge(
        ("12:05", *REST),
        dead("08:00", "09:30", *EXCUSED),
        dead("08:10", "09:30", *EXCUSED, terminal="annex"),
    )
    assert not both.findings
    by_turns = judge(
        ("12:05", *REST),
        dead("08:00", "08:12", *EXCUSED),
        dead("08:12", "08:30", *EXCUSED, terminal="annex"),
    )
    assert by_turns.findings


def test_e97_a_proven_lateness_stays() -> None:
    """An outage removes a missing sign, nothing else."""
    found = judge(
        ("08:40", "12:05", *REST), LOBBY_ONLY, dead("08:00", "08:35", *EXCUSED)
    )
    assert found.kinds == [("late", 1, 600)]


@pytest.mark.parametrize(
    "now, state",
    [
        ("2026-11-03T12:00:00", "pending"),
        ("2026-11-16T23:59:59", "pending"),
        ("2026-11-17T00:00:00", "excused"),
    ],
)
def test_an_outage_nobody_ruled_on_is_excused_in_the_end(now: str, state: str) -> None:
    """After ten working days; until then the session is open."""
    found = judge(
        ("12:05", *REST), LOBBY_ONLY, dead("08:00", "09:30"), watermark=Whole(read(now))
    )
    assert (found.findings, found.states[0]) == ([], state)


def test_e98_incomplete_data_never_makes_an_absence() -> None:
    """Late may be shown, not final and without money; the reason is said."""
    found = judge(("08:31",), watermark=Whole(read(f"{D}T10:00:00")))
    assert found.kinds == [("late", 1, 60)]
    assert (found.findings[0].final, found.fen) == (False, [])
    assert found.states == ["pending", "pending"]
    assert found.sessions[0].waits is not None


def test_early_leave_is_not_shown_before_the_end() -> None:
    """Who punched at ten may still come back."""
    found = judge(("08:20", "10:00"), watermark=Whole(read(f"{D}T11:00:00")))
    assert found.findings == []
    later = judge(("08:20", "10:00"), watermark=Whole(read(f"{D}T12:30:00")))
    assert later.kinds == [("early_leave", 1, 7200)]
    assert not later.findings[0].final


@pytest.mark.parametrize("until, final", [("13:14:59", False), ("13:15:00", True)])
def test_a_session_is_complete_when_its_window_is_past(
    until: str, *, final: bool
) -> None:
    """Not a second before."""
    found = judge(("08:31", "12:05"), watermark=Whole(read(f"{D}T{until}")))
    (late,) = [one for one in found.findings if one.session == 1]
    assert late.final == final


def test_e98_each_terminal_that_counts_must_have_been_read() -> None:
    """The one that is behind is named."""
    everything = read(f"{D}T23:00:00")
    behind = Terminals(
        now=everything,
        read={"lobby": everything, "annex": read(f"{D}T07:58:00"), "far": 0},
        all_terminals=("lobby", "annex"),
        unknown={},
    )
    found = judge((), watermark=behind)
    assert (found.findings, found.states) == ([], ["pending", "pending"])
    waits = found.sessions[0].waits
    assert waits is not None
    assert waits.en == "waits for terminal annex, silent since 11-02 07:58"
    lobby = judge((), LOBBY_ONLY, watermark=behind)
    assert lobby.states == ["found", "pending"]  # the afternoon's window is not past


def test_a_terminal_never_read_is_waited_for() -> None:
    """And named as such."""
    never = Terminals(read(f"{D}T23:00:00"), {}, ("lobby",), {})
    waits = judge((), watermark=never).sessions[0].waits
    assert waits is not None
    assert waits.en == "waits for terminal lobby, never read"


def test_e38_an_unknown_badge_keeps_an_absence_pending() -> None:
    """It could be the person's; a lateness it could not be."""
    parked = Whole(None, {"lobby": (read(f"{D}T08:20:00"),)})
    found = judge(("12:05", *REST), watermark=parked)
    assert (found.findings, found.states) == ([], ["pending", "ok"])
    assert Flag.WAITS_FOR_BADGE in found.sessions[0].flags
    late = judge(("08:40", "12:05", *REST), watermark=parked)
    assert late.kinds == [("late", 1, 600)]
    other = Whole(None, {"lobby": (read(f"{D}T13:15:00"),)})
    assert judge(("12:05", *REST), watermark=other).kinds == [("absence", 1, 12600)]


def correction(at: str, slot: str, *more: str, approved: str = "leader1") -> str:
    """Return a make-up punch."""
    return rows(
        "corrections",
        f'id = "C{at.replace(":", "")}"',
        'person = "p1"',
        f"at = {D}T{at}:00",
        f'slot = "{slot}"',
        'reason = "考勤机故障"',
        f"requested_at = {D}T18:00:00",
        f'approved_by = "{approved}"',
        *more,
    )


def test_e104_a_correction_needs_a_fault_or_two_approvers() -> None:
    """The text knows no 补卡."""
    alone = judge(("12:05", *REST), correction("08:25", "in"))
    assert [one.kind for one in alone.findings] == ["absence"]
    assert any("neither evidence" in said for said in alone.warnings)
    two = judge(("12:05", *REST), correction("08:25", "in", 'second_by = "clerk1"'))
    assert not two.findings
    assert Flag.CORRECTED in two.sessions[0].flags
    fault = judge(("12:05", *REST), correction("08:25", "in"), dead("08:20", "08:26"))
    assert not fault.findings
    same = judge(("12:05", *REST), correction("08:25", "in", 'second_by = "leader1"'))
    assert same.findings


def test_e104_a_correction_fills_only_its_own_slot() -> None:
    """And never makes a sign worse."""
    out = judge(("08:20", *REST), correction("12:01", "out", 'second_by = "clerk1"'))
    assert out.marks() == ("08:20:00", "12:01:00")
    worse = judge(
        ("08:20", "12:05", *REST), correction("08:40", "in", 'second_by = "clerk1"')
    )
    assert worse.marks() == ("08:20:00", "12:05:00")
    assert worse.ok()


def test_e104_quota_and_deadline_of_other_rules() -> None:
    """Three refusals, each with its reason."""
    rule = policy(
        "client-contract",
        ('evidence = "fault_or_two"', 'evidence = "none"'),
        ("per_month = 0", "per_month = 1"),
        ("within_workdays = 0", "within_workdays = 3"),
    )
    both = judge(
        ("12:05", "17:35"),
        correction("08:25", "in"),
        correction("14:25", "in"),
        forced=rule,
    )
    assert both.kinds == [("absence", 2, 10800)]
    assert any("quota" in said for said in both.warnings)
    late = judge(
        ("12:05", *REST),
        correction("08:25", "in").replace(
            f"requested_at = {D}", "requested_at = 2026-11-06"
        ),
        forced=rule,
    )
    assert any("too late" in said for said in late.warnings)
    nobody = judge(
        ("12:05", *REST), correction("08:25", "in", approved=""), forced=rule
    )
    assert any("entitled" in said for said in nobody.warnings)


def test_a_punch_a_ruling_holds_void_leaves_the_session_ruled() -> None:
    """E113: neither absence nor lateness of its own."""
    void = rows(
        "rulings",
        'id = "R1"',
        'on = "case-1"',
        'decision = "confirm"',
        f'punches = ["{D}T08:20:00@lobby"]',
        'by = ["clerk1", "leader1"]',
        "at = 2026-11-12T10:00:00",
        'reason = "监控录像"',
    )
    found = judge(GOOD, void)
    assert (found.findings, found.states) == ([], ["ruled", "ok"])


def test_a_finding_that_is_waived_has_no_line() -> None:
    """It stays, names the ruling, and the session is ruled."""
    late = judge(("08:31", "12:05", *REST))
    waive = rows(
        "rulings",
        'id = "R1"',
        f'on = "{late.findings[0].id}"',
        'decision = "waive"',
        'by = ["leader1"]',
        "at = 2026-11-12T10:00:00",
        'reason = "当日封路"',
    )
    found = judge(("08:31", "12:05", *REST), waive)
    assert found.findings[0].ruled_by == "R1"
    assert (found.fen, found.states) == ([], ["ruled", "ok"])
    table = rows("approvers", 'name = "leader1"', 'may = ["leave"]')
    assert judge(("08:31", "12:05", *REST), waive, table).fen == [50000]


def test_elsewhere_is_told_and_does_not_count() -> None:
    """A terminal the duty does not name, or one of another site."""
    found = judge(("08:20@annex", "12:05", *REST), LOBBY_ONLY)
    assert {one.kind.value for one in found.findings} == {"elsewhere", "absence"}
    assert judge(("08:20@annex", "12:05", *REST)).ok()
    far = judge(("08:20@far", "12:05", *REST))
    assert {one.kind.value for one in far.findings} == {"elsewhere", "absence"}


def test_who_is_enrolled_elsewhere_too_waits_for_the_centre() -> None:
    """2.0.11: a gateway judges people who are all its own."""
    made = Judge(
        book(roster()),
        calendar(),
        {"client-contract": policy()},
        Whole(),
        own_terminals=frozenset({"lobby", "annex"}),
    )
    found = made.person("p1", [], date(2026, 11, 2), date(2026, 11, 2))
    assert {one.state.value for one in found.sessions} == {"pending"}
    assert found.sessions[0].flags == (Flag.WAITS_FOR_CENTRE,)
