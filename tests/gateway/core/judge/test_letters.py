"""The letter of a long leave: how long it is, what is joined, when it is due."""

import pytest

from gateway.core.moments import read
from gateway.core.watermark import Whole
from tests.book_rows import contract
from tests.gateway.core.judge.days import (
    CLIENT,
    DAY,
    REST,
    judge,
    kinds,
    leave,
    policy,
    rows,
)
from tests.gateway.core.judge.papers import RETURNED, at, named


def test_leave_that_is_not_joined_is_measured_by_itself() -> None:
    """A setting: morning and afternoon, each below four hours."""
    rule = policy(CLIENT, ("joined = true", "joined = false"))
    off = leave(at("08:30"), at("12:00"), RETURNED)
    more = named(leave(at("14:30"), at("17:30"), RETURNED), "L2")
    assert kinds(judge((), off, more)) == ["leave_no_letter"]
    assert kinds(judge((), off, more, forced=rule)) == []


def test_a_rule_without_letters_asks_for_none() -> None:
    """The single session knows no such step."""
    single = policy("single-session")
    off = leave(at("08:30"), at("17:30"), RETURNED)
    found = judge((), off, forced=single)
    assert (kinds(found), found.states) == ([], ["excused", "excused"])


def test_the_letter_of_a_leave_is_good_for_what_follows_it() -> None:
    """Friday's leave with a letter, Monday's without: joined over the weekend."""
    first = leave(
        "2026-10-26T08:30:00",
        "2026-10-30T17:30:00",
        "letter_at = 2026-10-23T09:00:00",
        applied="2026-10-20T09:00:00",
    )
    second = named(leave(at("08:30"), at("17:30", "2026-11-05"), RETURNED), "L2")
    assert kinds(judge((), first, second, last="2026-11-05")) == []
    assert kinds(judge((), second, last="2026-11-05")) == ["leave_no_letter"]


def test_a_notice_names_its_leaves_its_setting_and_its_first_day() -> None:
    """Two joined leaves: Monday to Thursday noon, and Thursday's afternoon."""
    first = leave(at("08:30"), at("12:00", "2026-11-05"), RETURNED)
    second = named(
        leave(at("14:30", "2026-11-05"), at("17:30", "2026-11-05"), RETURNED), "L2"
    )
    (notice,) = judge((), first, second, last="2026-11-05").findings
    assert (notice.rows, str(notice.date)) == (("L1", "L2"), DAY)
    assert notice.setting == "leave_letter_above_minutes = 240"
    assert "36 h" in notice.en


def test_a_leave_within_a_leave_adds_nothing() -> None:
    """The length is that of both together, up to the later end."""
    outer = leave(at("14:30"), at("12:00", "2026-11-03"), RETURNED)
    inner = named(leave(at("15:00"), at("16:00"), RETURNED), "L2")
    (notice,) = [
        one
        for one in judge(("08:20", "12:05"), outer, inner, last="2026-11-03").findings
        if one.kind == "leave_no_letter"
    ]
    assert "6 h 30 min" in notice.en


def test_a_leave_within_a_leave_parts_nothing() -> None:
    """The whole morning, an hour of it again, and the afternoon: one long leave."""
    morning = leave(at("08:30"), at("12:00"), RETURNED)
    hour = named(leave(at("09:00"), at("10:00"), RETURNED), "L2")
    afternoon = named(leave(at("14:30"), at("17:30"), RETURNED), "L3")
    (notice,) = judge((), morning, hour, afternoon).findings
    assert (notice.kind.value, notice.rows) == ("leave_no_letter", ("L1", "L2", "L3"))


@pytest.mark.parametrize(
    "letter, found",
    [("2026-11-04T09:00:00", []), ("2026-11-05T09:00:00", ["leave_no_letter"])],
)
def test_the_letter_is_due_after_the_last_of_joined_leaves(
    letter: str, found: list[str]
) -> None:
    """One working day behind Tuesday, also where Monday's leave brings it."""
    first = leave(at("08:30"), at("17:30"), RETURNED, f"letter_at = {letter}")
    second = named(
        leave(at("08:30", "2026-11-03"), at("17:30", "2026-11-03"), RETURNED), "L2"
    )
    assert kinds(judge((), first, second, last="2026-11-03")) == found


def test_leave_without_effect_needs_no_letter() -> None:
    """It is judged from its punches; a letter would not help it."""
    off = leave(at("08:30"), at("17:30"), RETURNED, applied=at("09:00"))
    assert "leave_no_letter" not in kinds(judge((), off))


def test_attendance_elsewhere_is_no_part_of_a_leave() -> None:
    """Official in the morning and private in the afternoon: three hours of leave."""
    official = leave(at("08:30"), at("12:00"), RETURNED).replace("personal", "official")
    private = named(leave(at("14:30"), at("17:30"), RETURNED), "L2")
    found = judge((), official, private)
    assert (kinds(found), found.states) == ([], ["excused", "excused"])


def test_a_lapsed_leave_is_told_once() -> None:
    """The notice says it; no warning beside it."""
    rule = policy(CLIENT, ('letter = "notice"', 'letter = "condition"'))
    found = judge((), leave(at("08:30"), at("17:30"), RETURNED), forced=rule)
    assert found.warnings == []
    assert found.states == ["found", "found"]
    short = judge(REST, leave(at("08:30"), at("12:00"), RETURNED), forced=rule)
    assert short.states == ["excused", "ok"]


def test_a_letter_whose_deadline_nobody_knows_is_in_time() -> None:
    """Doubt favours the worker; without any letter nothing is said before."""
    off = leave(
        "2027-12-30T08:30:00",
        "2027-12-31T17:30:00",
        "returned_at = 2027-12-31T18:00:00",
        "letter_at = 2028-03-01T09:00:00",
        applied="2027-12-01T09:00:00",
    )
    long = contract("2026-01-01", "2039-12-31")
    order = rows(
        "days",
        "date = 2027-12-31",
        'kind = "work"',
        'by = "leader1"',
    ) + rows("days", "date = 2027-12-30", 'kind = "work"', 'by = "leader1"')
    day = "2027-12-31"
    assert kinds(judge((), off, order, day=day, contract=long)) == []
    none = off.replace("letter_at = 2028-03-01T09:00:00\n", "")
    mark = Whole(read("2028-06-01T09:00:00"))
    found = judge((), none, order, day=day, contract=long, watermark=mark)
    assert kinds(found) == []
