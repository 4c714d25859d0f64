"""E78 to E90: leave, its papers, overstay and return."""

from datetime import date

import pytest

from gateway.core.moments import read
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    DAY,
    GOOD,
    calendar,
    judge,
    leave,
    policy,
    roster,
    rows,
)
from tests.gateway.core.judge.papers import LONG, at

AFTERNOON = ("14:20", "17:35")
RETURNED = f"returned_at = {DAY}T12:00:00"


def test_e78_late_after_the_leave_ended() -> None:
    """Late by a minute of owed time, and the finding names the leave."""
    found = judge(
        ("10:31", "12:05", *AFTERNOON), leave(at("08:30"), at("10:30"), RETURNED)
    )
    late, notice = found.findings
    assert (late.kind, late.seconds, late.rows) == ("late", 60, ("L1",))
    assert (notice.kind, notice.session, notice.clause) == (
        "leave_overstay",
        None,
        "S0-T19-9",
    )
    assert found.fen == [50000]


def test_in_time_after_leave() -> None:
    """Nothing is owed before its end."""
    found = judge(
        ("10:30", "12:05", *AFTERNOON), leave(at("08:30"), at("10:30"), RETURNED)
    )
    assert not found.findings


@pytest.mark.parametrize(
    "start, end, needs",
    [
        pytest.param("11:00", "15:00", False, id="E79"),
        pytest.param("11:00", "15:01", True, id="E80"),
        pytest.param("08:00", "12:00", False, id="owed-only"),
        pytest.param("12:00", "17:30", False, id="lunch-first"),
    ],
)
def test_e79_e80_a_letter_above_four_hours(
    start: str, end: str, *, needs: bool
) -> None:
    """By the clock from the first owed second covered to the last, lunch counted."""
    found = judge(GOOD, leave(at(start), at(end), RETURNED))
    assert [one.kind for one in found.findings] == ["leave_no_letter"] * needs
    assert found.fen == []


def test_e79_by_duty_is_a_setting() -> None:
    """Then 11:00 to 16:31 is 3 h 01 of duty and needs none."""
    rule = policy("client-contract", ('length = "clock"', 'length = "duty"'))
    found = judge(GOOD, leave(at("11:00"), at("16:31"), RETURNED), forced=rule)
    assert not found.findings


def test_e82_leaves_without_owed_time_between_are_joined() -> None:
    """Morning and afternoon of one day; not the mornings of two."""
    second = leave(at("14:30"), at("17:30"), RETURNED).replace("L1", "L2")
    first = leave(at("08:30"), at("12:00"), RETURNED)
    both = judge((), first, second)
    assert [one.kind for one in both.findings] == ["leave_no_letter"]
    assert both.findings[0].rows == ("L1", "L2")
    assert both.states == ["excused", "excused"]
    tomorrow = leave(at("08:30", "2026-11-03"), at("12:00", "2026-11-03"), RETURNED)
    apart = judge(AFTERNOON, first, tomorrow.replace("L1", "L2"))
    assert not apart.findings


def test_e81_nights_and_free_days_are_left_out() -> None:
    """Friday afternoon to Monday morning is two sessions, by the clock 6 h 30."""
    found = judge(
        (),
        leave("2026-11-06T14:30:00", "2026-11-09T12:00:00", RETURNED),
        day="2026-11-06",
        last="2026-11-09",
    )
    (letter,) = [one for one in found.findings if one.kind == "leave_no_letter"]
    assert "6 h 30 min" in letter.en


def test_e83_applied_after_the_fact() -> None:
    """As if there were no leave, and a notice that says so."""
    late = leave(at("08:30"), at("12:00"), RETURNED, applied=at("08:30"))
    found = judge(AFTERNOON, late)
    assert {one.kind.value for one in found.findings} == {"absence", "leave_unnotified"}
    assert found.fen == [200000]
    before = leave(at("08:30"), at("12:00"), RETURNED, applied=f"{DAY}T08:29:59")
    assert not judge(AFTERNOON, before).findings


@pytest.mark.parametrize(
    "explained, counts",
    [
        pytest.param(None, False, id="never"),
        pytest.param("2026-11-03T23:59:59", True, id="in-time"),
        pytest.param("2026-11-04T00:00:00", False, id="too-late"),
    ],
)
def test_e83_explained_by_the_next_working_day_is_a_setting(
    explained: str | None, *, counts: bool
) -> None:
    """Then an emergency may be explained until the end of the day after the return."""
    rule = policy("client-contract", ('applied = "before"', 'applied = "next_workday"'))
    more = [f"explanation_at = {explained}"] if explained else []
    off = leave(at("08:30"), at("12:00"), RETURNED, *more, applied=at("13:00"))
    found = judge(AFTERNOON, off, forced=rule)
    wanted = set() if counts else {"absence", "leave_unnotified"}
    assert {one.kind.value for one in found.findings} == wanted
    assert judge(AFTERNOON, off).findings


def test_e83_a_deadline_in_a_year_nobody_knows_is_not_missed() -> None:
    """Doubt favours the worker."""
    rule = policy("client-contract", ('applied = "before"', 'applied = "next_workday"'))
    off = leave(
        "2026-12-31T08:30:00",
        "2026-12-31T12:00:00",
        "returned_at = 2026-12-31T14:00:00",
        "explanation_at = 2027-03-01T09:00:00",
        applied="2026-12-31T13:00:00",
    )
    found = judge(AFTERNOON, off, day="2026-12-31", forced=rule, contract=LONG)
    assert bool(found.findings) == (calendar().day(date(2027, 1, 1)) is not None)


def test_e83_a_later_approval_is_good() -> None:
    """Only the application must be before."""
    found = judge(
        AFTERNOON,
        leave(at("08:30"), at("12:00"), RETURNED, "approved_at = 2026-11-09T09:00:00"),
    )
    assert not found.findings


@pytest.mark.parametrize(
    "came, until, found",
    [
        pytest.param("2026-11-03T18:00:00", None, [], id="next-working-day"),
        pytest.param("2026-11-04T09:00:00", None, ["leave_no_letter"], id="later"),
        pytest.param(None, "2026-11-03T23:00:00", [], id="not-yet"),
        pytest.param(None, "2026-11-04T23:00:00", ["leave_no_letter"], id="never"),
    ],
)
def test_e84_the_letter_may_come_until_the_next_working_day(
    came: str | None, until: str | None, found: list[str]
) -> None:
    """The leave stands either way."""
    more = [f"letter_at = {came}"] if came else []
    judged = judge(
        (),
        leave(at("08:30"), at("17:30"), RETURNED, *more),
        watermark=Whole(read(until)) if until else None,
    )
    assert [one.kind for one in judged.findings] == found
    assert judged.states == ["excused", "excused"]


def test_e84_letter_as_condition_is_a_setting() -> None:
    """Without it the leave lapses."""
    rule = policy("client-contract", ('letter = "notice"', 'letter = "condition"'))
    found = judge((), leave(at("08:30"), at("17:30"), RETURNED), forced=rule)
    assert {one.kind.value for one in found.findings} == {"absence", "leave_no_letter"}


APPROVERS = rows("approvers", 'name = "leader1"', 'may = ["leave"]') + rows(
    "approvers", 'name = "clerk1"', 'may = ["correction"]'
)


def test_e85_approved_by_somebody_not_entitled() -> None:
    """No effect where there is a table of approvers; without one all are entitled."""
    by_clerk = leave(at("08:30"), at("12:00"), RETURNED).replace(
        '"leader1"', '"clerk1"'
    )
    assert not judge(AFTERNOON, by_clerk).findings
    found = judge(AFTERNOON, by_clerk, APPROVERS)
    assert [one.kind for one in found.findings] == ["absence"]
    assert any("not entitled" in said for said in found.warnings)
    assert not judge(
        AFTERNOON, leave(at("08:30"), at("12:00"), RETURNED), APPROVERS
    ).findings


def test_leave_nobody_approved_has_no_effect() -> None:
    """It is said, and judged from the punches."""
    open_ = leave(at("08:30"), at("12:00")).replace('approved_by = "leader1"', "")
    found = judge(AFTERNOON, open_)
    assert [one.kind for one in found.findings] == ["absence"]
    assert any("not approved" in said for said in found.warnings)


def test_e86_an_early_return_shortens_nothing() -> None:
    """A punch inside leave changes nothing; `ended_at` does."""
    found = judge(
        ("09:30", "12:05", *AFTERNOON), leave(at("08:30"), at("10:30"), RETURNED)
    )
    assert not found.findings
    ended = leave(
        at("08:30"), at("10:30"), f"ended_at = {at('09:00')}", 'entered_by = "leader1"'
    )
    late = judge(("09:30", "12:05", *AFTERNOON), ended)
    assert ("late", 1, 1800) in late.kinds


def test_e87_a_return_nobody_confirmed() -> None:
    """A notice without an amount, once he punched."""
    found = judge(("10:29", "12:05", *AFTERNOON), leave(at("08:30"), at("10:30")))
    assert [(one.kind, one.rows) for one in found.findings] == [
        ("return_unconfirmed", ("L1",))
    ]
    assert (found.fen, found.states) == ([], ["ok", "ok"])


def test_e87_a_return_nobody_confirmed_may_be_a_breach() -> None:
    """A rule that says so says what it costs; whoever confirmed pays nothing."""
    rule = policy(
        "client-contract",
        ('return_unconfirmed = "notice"', 'return_unconfirmed = "breach"'),
        (
            """[notices.return_unconfirmed]
clause = "S0-T19-9"
zh = "条款未规定金额"
en = "the clause names no amount"
""",
            "",
        ),
        (
            '[clauses."S0-T19-9"]\n',
            '[clauses."S0-T19-9"]\nreturn_unconfirmed_fen = 10000\n',
        ),
    )
    times = ("10:29", "12:05", *AFTERNOON)
    found = judge(times, leave(at("08:30"), at("10:30")), forced=rule)
    assert [one.clause for one in found.findings] == ["S0-T19-9"]
    assert found.fen == [10_000]
    confirmed = leave(at("08:30"), at("10:30"), f"returned_at = {at('10:29')}")
    assert judge(times, confirmed, forced=rule).fen == []


@pytest.mark.parametrize(
    "times, kind",
    [
        pytest.param(("08:40", "12:05"), "late", id="10-minutes"),
        pytest.param(("11:31:01", "12:05"), "off_post", id="3h01"),
        pytest.param((), "absence", id="never"),
    ],
)
def test_e88_overstay_is_judged_by_its_length(
    times: tuple[str, ...], kind: str
) -> None:
    """Also when it ended the day before and no duty lay between."""
    off = leave("2026-10-30T14:30:00", at("08:30"), RETURNED)
    found = judge((*times, *AFTERNOON), off)
    assert found.findings[0].kind == kind
    assert found.findings[0].rows == ("L1",)
    assert "leave_overstay" in {one.kind.value for one in found.findings}


def test_e89_leave_over_a_border_is_cut_for_each_session() -> None:
    """11:00 to 15:00: the morning ends at 11, the afternoon begins at 15."""
    off = leave(at("11:00"), at("15:00"), RETURNED)
    assert not judge(("08:20", "11:00", "15:00", "17:35"), off).findings
    found = judge(("08:20", "10:59", "15:01", "17:35"), off)
    assert found.kinds[:2] == [("early_leave", 1, 60), ("late", 2, 60)]


def test_e90_leave_over_lunch_only() -> None:
    """No effect, whoever approved what."""
    for applied in (at("15:00"), "2026-10-30T09:00:00"):
        off = leave(at("12:00"), at("14:30"), applied=applied)
        assert judge(GOOD, off).ok()
        late = judge(("08:20", "12:05", "14:31", "17:35"), off)
        assert [(one.kind, one.rows) for one in late.findings] == [("late", ())]


def test_who_returns_on_monday_from_leave_until_sunday_confirms_it() -> None:
    """It covered Friday: the weekend at its end is no leave without effect."""
    off = leave(
        "2026-10-30T14:30:00", "2026-11-01T23:00:00", applied=at("10:00", "2026-10-01")
    )
    assert [one.kind for one in judge(GOOD, off).findings] == ["return_unconfirmed"]
    late = judge(("08:31", "12:05", *AFTERNOON), off)
    assert late.findings[0].rows == ("L1",)


def test_signs_are_owed_by_the_schedule_also_on_leave() -> None:
    """Leave moves no slots: the IN at 10:29 is nearer the end, and yet the IN."""
    off = leave(at("08:30"), at("10:30"), RETURNED)
    found = judge(("10:29", "14:20", "17:35"), off)
    assert found.marks() == (None, "10:29:00")
    assert found.kinds[0] == ("absence", 1, 5400)


def test_a_session_without_owed_time_has_no_window() -> None:
    """Leave all morning: a punch at 12:50 is the afternoon's."""
    found = judge(("12:50", "17:35"), leave(at("08:30"), at("12:00"), RETURNED))
    assert not found.findings
    assert found.marks(1) == ("12:50:00", "17:35:00")
    assert found.sessions[0].state == "excused"


@pytest.mark.parametrize("kind", ["trip", "field", "remote"])
def test_permits_count_as_attendance_elsewhere(kind: str) -> None:
    """Owed time is cut, without letter or substitute."""
    permit = rows(
        "permits",
        'id = "P1"',
        'person = "p1"',
        f'kind = "{kind}"',
        f"from = {at('08:30')}",
        f"to = {at('17:30')}",
        "applied_at = 2026-10-30T09:00:00",
        'approved_by = "leader1"',
    )
    found = judge((), permit)
    assert (found.findings, found.states) == ([], ["excused", "excused"])
    late = judge((), permit.replace("2026-10-30T09", "2026-11-02T09"))
    assert [one.kind for one in late.findings] == ["absence", "absence"]
    emergency = judge(
        (), permit.replace("2026-10-30T09", "2026-11-02T09") + "emergency = true\n"
    )
    assert not emergency.findings


def test_official_leave_needs_no_letter() -> None:
    """It is attendance elsewhere."""
    off = leave(at("08:30"), at("17:30")).replace("personal", "official")
    assert judge((), off).findings == []


def test_a_long_leave_across_months_is_measured_as_a_whole() -> None:
    """Whichever period is judged, the letter is missed once, on its first day."""
    off = leave(
        "2026-10-26T08:30:00",
        "2026-11-04T12:00:00",
        RETURNED,
        applied="2026-10-20T09:00:00",
    )
    first = judge((), off, day="2026-10-01", last="2026-10-31")
    second = judge((), off, day="2026-11-01", last="2026-11-30")
    assert [
        str(one.date) for one in first.findings if one.kind == "leave_no_letter"
    ] == ["2026-10-26"]
    assert not [one for one in second.findings if one.kind == "leave_no_letter"]


def test_roster_of_another_shift() -> None:
    """A break is neither owed nor leave."""
    off = leave(at("12:00"), at("13:00"), applied=at("15:00"))
    assert judge(("08:50", "18:05"), off, roster("nine")).ok()
