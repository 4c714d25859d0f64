"""Verdicts at their edges: what is said of a session, and of punches beside it."""

from dataclasses import replace

import pytest

from gateway.core.book import read_book
from gateway.core.judge import Judge
from gateway.core.verdicts import Judged, Why
from gateway.core.watermark import Whole
from tests.book_rows import contract
from tests.gateway.core.judge.days import (
    CLIENT,
    DAY,
    GOOD,
    MONDAY,
    REST,
    book,
    calendar,
    judge,
    policy,
    punches,
    roster,
    rows,
)
from tests.gateway.core.judge.papers import LOBBY


def test_a_finding_says_whose_it_is_and_what_decided() -> None:
    """Vendor, clause, setting, punches and duty; the line says the same."""
    found = judge(("08:31", "12:05", *REST))
    (late,) = found.findings
    assert (late.vendor, late.person, late.policy) == ("acme", "p1", CLIENT)
    assert (late.setting, late.punches) == (
        "signs.on_the_second = on_time",
        (f"{DAY}T08:31:00@lobby",),
    )
    assert (late.final, late.rows, late.session) == (True, (), 1)
    assert late.zh == "应在岗 08:30 至 12:00，签到 08:31，签退 12:05，迟到 1分"
    assert late.en == "owed 08:30 to 12:00, in 08:31, out 12:05: late 1 min"
    (line,) = found.lines
    assert (line.vendor, line.person, line.clause) == ("acme", "p1", "S0-T19-6(1)")
    assert (line.finding, line.date, line.policy) == (late.id, MONDAY, CLIENT)
    assert late.id.startswith("f1_")
    assert len(late.id) == 29


def test_what_decided_off_post_and_absence_is_said() -> None:
    """The limit in minutes; which sign is required."""
    off = judge(("11:31:07", "12:05", *REST)).findings[0]
    assert off.setting == "off_post_above_minutes = 180"
    assert off.en.endswith("in 11:31:07, out 12:05: off post 3 h 1 min 7 s")
    assert off.zh.endswith("脱岗 3小时1分7秒")
    absent = judge(REST).findings[0]
    assert absent.setting == "signs.sign_in = required"
    assert absent.en.startswith("owed 08:30 to 12:00, in —, out —")


def test_why_a_punch_serves_no_session_is_said() -> None:
    """On a day with duty it lies outside the windows, else there is none."""
    found = judge(("03:12",)).judged
    assert [one.why for one in found.unassigned] == [Why.OUTSIDE_WINDOWS]
    found = judge(("08:20",), day="2026-11-07").judged
    assert [one.why for one in found.unassigned] == [Why.NO_DUTY]


@pytest.mark.parametrize(
    "end, out, absent",
    [
        ("26:00", "04:00:00", True),
        ("26:00", "03:59:59", False),
        ("26:01", "04:00:00", False),
    ],
)
def test_a_day_ends_at_four_if_two_hours_are_past(
    end: str, out: str, *, absent: bool
) -> None:
    """Exactly two hours are enough; a minute less and it is the next four o'clock."""
    order = rows(
        "days",
        f"date = {DAY}",
        'by = "leader1"',
        'people = ["p1"]',
        f'sessions = [{{ start = "20:00", end = "{end}" }}]',
    )
    found = judge(("19:50", f"2026-11-03T{out}"), order, roster("day", DAY))
    assert [one.kind.value for one in found.findings] == ["absence"] * absent


def judged_twice(times: tuple[str, ...]) -> tuple[Judged, Judged]:
    """Judge with and without an account."""
    made = Judge(book(roster()), calendar(), {CLIENT: policy()}, Whole())
    found = punches(*times)
    return (
        made.person("p1", found, MONDAY, MONDAY),
        made.person("p1", found, MONDAY, MONDAY, accounts=True),
    )


def test_asking_why_changes_nothing() -> None:
    """The account stands beside the same verdicts."""
    plain, told = judged_twice(("08:31", "11:59", "14:20"))
    assert len(told.accounts) == 2
    told.accounts = []
    assert told == plain


def test_a_punch_without_a_terminal_is_good_anywhere() -> None:
    """A list of times from elsewhere, or a book that names no terminals."""
    times = [replace(one, terminal="") for one in punches(*GOOD)]
    assert judge((), LOBBY, extra=times).ok()
    text = (
        'version = "1"\n[site]\nid = "hq"\n'
        + rows("vendors", 'id = "acme"', 'name = "甲"')
        + rows("people", 'id = "p1"', 'name = "甲一"', 'vendor = "acme"')
        + contract("2026-01-01", "2026-12-31")
        + rows(
            "shifts",
            'id = "day"',
            'sessions = [{ start = "08:30", end = "12:00" }]',
            'days = "workdays"',
        )
        + roster()
    )
    world, problems = read_book(text, "book.toml")
    assert world is not None, problems
    made = Judge(world, calendar(), {CLIENT: policy()}, Whole())
    found = made.person("p1", punches("08:20", "12:05@annex"), MONDAY, MONDAY)
    assert [one.state.value for one in found.sessions] == ["ok"]


def test_elsewhere_is_told_and_does_not_count() -> None:
    """A terminal the duty does not name, or one of another site."""
    found = judge(("08:20@annex", "12:05", *REST), LOBBY)
    assert {one.kind.value for one in found.findings} == {"elsewhere", "absence"}
    assert judge(("08:20@annex", "12:05", *REST)).ok()
    far = judge(("08:20@far", "12:05", *REST))
    assert {one.kind.value for one in far.findings} == {"elsewhere", "absence"}
