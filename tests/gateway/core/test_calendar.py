"""Calendars as tables and files: nothing is guessed, every day is said once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.calendar import (
    RESTDAY,
    WORKDAY,
    Day,
    DayKind,
    Half,
    Weekdays,
    Year,
    Years,
    differences,
    unknown_year,
)
from gateway.core.calendar_file import read_year, write_year

HEAD = 'calendar = "CN"\nyear = 2027\nsource = "x"\n'
NEW_YEAR = """
[[holidays]]
name = "元旦"
from = 2027-01-01
to = 2027-01-03
work = [2027-01-09]
"""


def problems(text: str) -> list[str]:
    """Return the problems of a file as `line: path: reason`."""
    year, wrong = read_year(text, "CN-2027.toml")
    assert (year is None) == bool(wrong)
    return [f"{one.line}: {one.path}: {one.reason}" for one in wrong]


def test_weekdays_need_no_year() -> None:
    """Monday to Friday in any year."""
    calendar = Weekdays()
    week = [calendar.day(date(2199, 1, 7) + timedelta(days=n)) for n in range(7)]
    assert week == [WORKDAY] * 5 + [RESTDAY] * 2
    assert calendar.digest == "weekdays"
    assert unknown_year(calendar, date(2026, 12, 31)) is None


def test_a_year_without_a_table_is_not_known() -> None:
    """Nothing is guessed by weekday for a year nobody published."""
    year, _ = read_year(HEAD + NEW_YEAR, "x")
    assert year is not None
    calendar = Years({2027: year})
    assert calendar.day(date(2026, 12, 31)) is None
    assert calendar.day(date(2027, 1, 1)) == Day(DayKind.REST, name="元旦")
    assert calendar.day(date(2027, 1, 4)) == WORKDAY
    assert calendar.day(date(2027, 1, 9)) == Day(DayKind.WORK, name="元旦")
    assert calendar.day(date(2027, 1, 10)) == RESTDAY


@pytest.mark.parametrize(
    "today, missing",
    [
        (date(2027, 10, 31), None),
        (date(2027, 11, 1), 2028),
        (date(2027, 12, 31), 2028),
        (date(2026, 10, 31), 2026),
        (date(2026, 11, 1), 2026),
        (date(2027, 10, 1), None),
    ],
)
def test_from_november_on_the_next_year_is_missed(
    today: date, missing: int | None
) -> None:
    """The current year is always missed, the next one from 1 November (E72)."""
    year, _ = read_year(HEAD, "x")
    assert year is not None
    assert unknown_year(Years({2027: year}), today) == missing


def test_the_digest_changes_with_every_day() -> None:
    """A holiday added afterwards is another calendar (E73); words are not."""
    one, _ = read_year(HEAD + NEW_YEAR, "x")
    same, _ = read_year(HEAD.replace('"x"', '"y"') + NEW_YEAR, "x")
    more, _ = read_year(HEAD + NEW_YEAR.replace("01-03", "01-04"), "x")
    assert one is not None
    assert same is not None
    assert more is not None
    digests = [Years({2027: year}).digest for year in (one, same, more)]
    assert digests[0] == digests[1] != digests[2]
    assert Years({}).digest != Years({2027: Year(2027, "", {})}).digest
    assert differences(one, same) == []
    assert differences(one, more) == [
        (date(2027, 1, 4), WORKDAY, Day(DayKind.REST, name="元旦"))
    ]


def test_a_year_of_which_only_its_first_day_is_asked() -> None:
    """The next year is known when there is a table of it."""
    first, after = Year(2027, "x", {}), Year(2028, "x", {})
    known = Years({2027: first, 2028: after})
    assert unknown_year(known, date(2027, 12, 31)) is None
    assert unknown_year(Years({2027: first, 2029: after}), date(2027, 12, 1)) == 2028


def test_a_file_is_written_as_a_notice_reads() -> None:
    """A holiday is one stretch from its first to its last day."""
    year, _ = read_year(HEAD + NEW_YEAR, "x")
    assert year is not None
    assert write_year(year, "CN") == HEAD + NEW_YEAR


def test_half_days() -> None:
    """The worked half is said; the morning unless it is."""
    row = '[[half_days]]\nname = "妇女节"\ndate = 2027-03-{}\n'
    text = HEAD + row.format("08") + row.format("09") + 'work = "afternoon"\n'
    year, wrong = read_year(text, "x")
    assert not wrong
    assert year is not None
    assert year.day(date(2027, 3, 8)) == Day(DayKind.HALF, Half.MORNING, "妇女节")
    assert year.day(date(2027, 3, 9)).half is Half.AFTERNOON
    assert read_year(write_year(year, "CN", date(2026, 11, 5)), "x")[0] == year


@pytest.mark.parametrize(
    "text, expected",
    [
        (HEAD + NEW_YEAR * 2, "13: holidays[2].from: 2027-01-01 stands already above"),
        (
            HEAD + NEW_YEAR.replace("01-09", "01-08"),
            "9: holidays[1].work: 2027-01-08 is no weekend day",
        ),
        (
            HEAD + NEW_YEAR.replace("2027-01-09", "2026-12-26"),
            (
                "9: holidays[1].work: 2026-12-26 is not in 2027;"
                " it belongs into that year's file"
            ),
        ),
        (
            HEAD + NEW_YEAR.replace("2027-01-03", "2026-12-31"),
            "8: holidays[1].to: must be 1 to 31 days from 2027-01-01",
        ),
        (
            HEAD + NEW_YEAR.replace("2027-01-03", "2027-02-01"),
            "8: holidays[1].to: must be 1 to 31 days from 2027-01-01",
        ),
        (HEAD + "[[holiday]]\n", "4: holiday: unknown key; did you mean holidays?"),
        (HEAD.replace("2027", "27"), "2: year: must be from 1900 to 2199"),
        ("year = ", "1: : not TOML: Invalid value (at end of document)"),
        ("year = " + "9" * 5000, "1: : not TOML: nested too deep or a number too long"),
    ],
)
def test_problems_of_a_file(text: str, expected: str) -> None:
    """Every slip is named with its line."""
    assert expected in problems(text)


year_days = st.dates(date(2027, 1, 1), date(2027, 12, 31))
holidays = st.dictionaries(
    year_days,
    st.tuples(st.sampled_from(["元旦", '"春\\节"', "a\x7f\n"]), st.integers(0, 2)),
    max_size=20,
)


@given(holidays, st.text(min_size=1).filter(str.strip))
def test_a_written_year_reads_back(
    said: dict[date, tuple[str, int]], source: str
) -> None:
    """Whatever a table says, its file says the same."""
    days: dict[date, Day] = {}
    for day, (name, kind) in said.items():
        if kind == 0:
            days[day] = Day(DayKind.REST, name=name)
        elif kind == 1:
            days[day] = Day(DayKind.HALF, Half.AFTERNOON, name)
    rest = {day.name for day in days.values() if day.kind is DayKind.REST}
    for day, (name, kind) in said.items():
        # Days are worked in exchange for a holiday that the year has.
        if kind == 2 and day.weekday() >= 5 and name in rest:
            days[day] = Day(DayKind.WORK, name=name)
    year = Year(2027, source.encode("utf-8", "replace").decode(), days)
    found, wrong = read_year(write_year(year, "CN"), "x")
    assert not wrong
    assert found == year
