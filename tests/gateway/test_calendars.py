"""The calendar of China against a second library, and files that go before it."""

from datetime import date, timedelta
from pathlib import Path

import holidays
import pytest

from gateway import calendars
from gateway.calendars import find, library_years
from gateway.core.book.standing import CalendarName
from gateway.core.calendar import DayKind, Weekdays
from gateway.core.calendar_file import read_year, write_year

CN = CalendarName.CN
FILE = """
calendar = "CN"
year = {year}
source = "通知"
[[holidays]]
name = "元旦"
from = {year}-01-01
to = {year}-01-04
"""


@pytest.mark.parametrize("number", [2024, 2025, 2026])
def test_every_day_as_two_libraries_have_it(number: int) -> None:
    """Each day of three years is worked or free as a second library says."""
    calendar = find(CN, []).calendar
    other = holidays.country_holidays("CN", years=number)
    day, days = date(number, 1, 1), 0
    while day.year == number:
        found = calendar.day(day)
        assert found is not None
        assert (found.kind is DayKind.WORK) == other.is_working_day(day), day
        assert found.half is None
        day, days = day + timedelta(days=1), days + 1
    assert days >= 365


def test_exchanged_days_are_named() -> None:
    """A worked Saturday and a free Friday say what they belong to (E70, E71)."""
    calendar = find(CN, []).calendar
    saturday, friday = calendar.day(date(2026, 2, 14)), calendar.day(date(2026, 1, 2))
    assert saturday is not None
    assert friday is not None
    assert (saturday.kind, saturday.name) == (DayKind.WORK, "春节")
    assert (friday.kind, friday.name) == (DayKind.REST, "元旦")


def test_january_2027_with_and_without_a_file(tmp_path: Path) -> None:
    """Unknown without; as the file says with it; the rest of the year by weekday."""
    days = [date(2027, 1, day) for day in (1, 4, 5, 9)]
    assert [find(CN, [tmp_path]).calendar.day(day) for day in days] == [None] * 4
    (tmp_path / "CN-2027.toml").write_text(FILE.format(year=2027), "utf-8")
    found = find(CN, [tmp_path])
    assert found.problems == []
    said = [found.calendar.day(day) for day in days]
    assert [day and day.kind for day in said] == ["rest", "rest", "work", "rest"]
    assert found.files == {2027: tmp_path / "CN-2027.toml"}


def test_a_file_tells_its_whole_year(tmp_path: Path) -> None:
    """Where there is a file, the library is not asked; the first folder counts."""
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    for folder, last in ((own, 2), (shipped, 3)):
        folder.mkdir()
        text = FILE.format(year=2026).replace("01-04", f"01-0{last}")
        (folder / "CN-2026.toml").write_text(text, "utf-8")
    (own / "CN-26.toml").write_text("not a year", "utf-8")
    calendar = find(CN, [own, shipped, tmp_path / "absent"]).calendar
    said = [calendar.day(date(2026, 1, day)) for day in (2, 3, 5)]
    assert [day and day.kind for day in said] == ["rest", "rest", "work"]
    national_day = calendar.day(date(2026, 10, 1))
    assert national_day is not None
    assert national_day.kind is DayKind.WORK
    assert calendar.day(date(2025, 10, 1)) != national_day


@pytest.mark.parametrize(
    "text, reason",
    [
        (FILE.format(year=2025), "must be 2026, as the file's name says"),
        ("year = 2026\n", "is missing"),
        ("\udc80", "is not UTF-8"),
    ],
)
def test_a_bad_file_leaves_its_year_unknown(
    tmp_path: Path, text: str, reason: str
) -> None:
    """Nobody guesses past a broken file, not even with the library's year."""
    path = tmp_path / "CN-2026.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    found = find(CN, [tmp_path])
    assert any(reason in problem.reason for problem in found.problems)
    assert {problem.file for problem in found.problems} == {str(path)}
    assert found.calendar.day(date(2026, 1, 5)) is None


def test_weekdays_ask_no_file() -> None:
    """A site without public holidays needs no calendar."""
    found = find(CalendarName.WEEKDAYS, [])
    assert isinstance(found.calendar, Weekdays)
    assert found.files == {}


def test_the_library_as_files() -> None:
    """Every year of the library can be written as a file that says the same."""
    years = library_years()
    assert {2004, 2024, 2025, 2026} <= set(years)
    for year in years.values():
        found, wrong = read_year(write_year(year, CN), "x")
        assert not wrong
        assert found == year


def test_the_warning_says_what_to_do() -> None:
    """A year that is missing is named with the file to write."""
    assert "CN-2027.toml" in calendars.words_of(2027)
