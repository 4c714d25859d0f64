"""What is wrong inside a row of the book, whatever stands beside it."""

import pytest

from gateway.core.book import read_book
from gateway.core.book.duty import Session
from gateway.core.book.fields import DAY_SECONDS, seconds_of_day, time_of_day
from tests.gateway.core.books import FILE, read
from tests.gateway.core.small_books import BASE, CONTRACT, leave, line, reasons, roster


@pytest.mark.parametrize(
    "text", ["08:30", "8:30", "00:00", "32:00", "48:00", "8:30:01"]
)
def test_times_of_day(text: str) -> None:
    """Hours go on past midnight, to the end of the next day."""
    assert time_of_day(text) is None
    hours, minutes = text.split(":")[:2]
    assert seconds_of_day(text) // 60 == int(hours) * 60 + int(minutes)


@pytest.mark.parametrize(
    "text", ["", "24", "8.30", "08:60", "48:01", "-1:00", "08:30 "]
)
def test_what_is_no_time_of_day(text: str) -> None:
    """Everything else is named, with an example."""
    assert "must be a time of day" in (time_of_day(text) or "")


ROW_PROBLEMS = [
    (leave(end="2026-11-05T08:30:00"), "leave[1].to: must be after from"),
    (leave(start="2026-11-05T08:30:00+08:00"), "leave[1].from: must be the local time"),
    (leave(start="2026-11-05T08:30:00.5"), "leave[1].from: must be of whole seconds"),
    (leave(start="0001-01-01T00:00:00"), "leave[1].from: the year must be from 1900"),
    (leave(end="9999-12-31T23:59:59"), "leave[1].to: the year must be from 1900"),
    (
        leave(more="ended_at = 2026-11-05T10:30:01"),
        "leave[1].ended_at: must not be after to",
    ),
    (leave(more='kind2 = "x"'), "leave[1].kind2: unknown key; did you mean kind?"),
    (
        (
            '[[substitutions]]\nid = "S1"\nperson = "p1"\nsubstitute = "p1"\n'
            "from = 2026-11-05T08:30:00\nto = 2026-11-05T10:30:00\n"
        ),
        "substitutions[1].substitute: nobody stands in for themselves",
    ),
    (
        '[[travel]]\na = "hq"\nb = "hq"\nminutes = 1\n',
        "travel[1].b: must be another site than a (hq)",
    ),
    (
        (
            '[[assessments]]\nperiod = "Q"\nvendor = "acme"\nitem = "x"\nscore = 2\n'
            'max = 1\nby = "a"\nat = 2026-01-01\n'
        ),
        "assessments[1].score: must not be above max (1)",
    ),
    (
        (
            '[[rulings]]\nid = "R1"\non = "c"\ndecision = "waive"\nby = []\n'
            'at = 2026-11-12T10:00:00\nreason = "x"\n'
        ),
        "rulings[1].by: must name somebody",
    ),
    (roster("day", ""), "roster[1].from: is missing; or give dates"),
    (
        roster("day", "from = 2026-01-01\ndates = [2026-01-01]"),
        "roster[1].dates: either dates or from and to, not both",
    ),
    (
        '[[days]]\ndate = 2026-11-14\nkind = "work"\nwhich = "morning"\nby = "l"\n',
        'days[1].which: only goes with kind = "half"',
    ),
    (
        (
            '[[days]]\ndate = 2026-11-14\nkind = "rest"\nby = "l"\n'
            'sessions = [ { start = "09:00", end = "12:00" } ]\n'
        ),
        "days[1].sessions: a day of rest has none",
    ),
    (
        (
            '[[contracts]]\nid = "c"\nvendor = "acme"\npolicy = "clientcontract"\n'
            "from = 2026-01-01\nto = 2026-12-31\n"
        ),
        "contracts[1].policy: there is no policy 'clientcontract'; there are:",
    ),
    (
        (
            '[[contracts]]\nid = "c"\nvendor = "acme"\npolicy = "client-contract"\n'
            "from = 2026-01-02\nto = 2026-01-01\n"
        ),
        "contracts[1].to: must not be before from (2026-01-02)",
    ),
]


@pytest.mark.parametrize("more, expected", ROW_PROBLEMS)
def test_a_row_against_itself(more: str, expected: str) -> None:
    """What a row says wrongly is one problem with its key."""
    (found,) = reasons(more)
    assert found.startswith(expected)


SHIFT = '[[shifts]]\nid = "x"\nsessions = [ {} ]\ndays = "every"\n'


@pytest.mark.parametrize(
    "sessions, expected",
    [
        ('{ start = "09:00", end = "09:00" }', "sessions[1] must end after its start"),
        (
            '{ start = "09:00", end = "12:00" }, { start = "11:59", end = "13:00" }',
            "sessions[2] begins before the one above it has ended",
        ),
        (
            (
                '{ start = "09:00", end = "12:00", breaks = '
                '[ { start = "08:00", end = "09:30" } ] }'
            ),
            "the breaks of sessions[1] must lie inside it",
        ),
        (
            (
                '{ start = "09:00", end = "12:00", breaks = '
                '[ { start = "10:00", end = "10:00" } ] }'
            ),
            "the breaks of sessions[1] must lie inside it",
        ),
        (
            (
                '{ start = "09:00", end = "12:00", breaks = '
                '[ { start = "09:00", end = "12:00" } ] }'
            ),
            "sessions[1] is all breaks",
        ),
        ('{ start = "24:00", end = "25:00" }', "the first session must begin before"),
        ('{ start = "08:00", end = "32:01" }', "from the first start to the last end"),
    ],
)
def test_sessions_without_sense(sessions: str, expected: str) -> None:
    """Sessions have length and order, breaks lie inside, a shift fits a day."""
    (found,) = reasons(SHIFT.replace("{}", sessions))
    assert found.startswith(f"shifts[4].sessions: {expected}")


def test_sessions_may_touch_and_last_a_day() -> None:
    """Two halves of a round-the-clock shift, breaks from edge to edge."""
    both = (
        '{ start = "08:00", end = "20:00" }, { start = "20:00", end = "32:00",'
        ' breaks = [ { start = "20:00", end = "21:00" },'
        ' { start = "21:00", end = "22:00" } ] }'
    )
    shift = read(BASE + SHIFT.replace("{}", both)).shift("x")
    assert shift is not None
    assert [one.owed_seconds for one in shift.sessions] == [12 * 3600, 10 * 3600]
    assert shift.sessions[1].span == (20 * 3600, DAY_SECONDS + 8 * 3600)
    assert Session("08:00", "09:00").pauses == ()


@pytest.mark.parametrize(
    "days, expected",
    [
        ("[]", 'must be "workdays", "every" or a list'),
        ('["mon", "every"]', 'must be "workdays", "every" or a list'),
        ('["monday"]', "must be one of workdays, every, mon"),
        ("3", "must be a list"),
    ],
)
def test_days_of_a_shift(days: str, expected: str) -> None:
    """A word for all days stands alone; weekdays stand in a list."""
    text = SHIFT.replace("{}", '{ start = "08:00", end = "09:00" }')
    (found,) = reasons(text.replace('"every"', days))
    assert found.split(": ")[1].startswith(expected)


@pytest.mark.parametrize(
    "row, expected",
    [
        ({"headcount": 0}, "must be from 1 to 1000"),
        ({"headcount": 1}, ""),
        ({"headcount": 1001}, "must be from 1 to 1000"),
    ],
)
def test_numbers_have_limits(row: dict[str, object], expected: str) -> None:
    """A post needs somebody, and not a town."""
    found, problems = read_book(
        BASE, FILE, line("posts", **{"id": "x", "from": "2026-01-01"}, **row)
    )
    assert (found is None) == bool(expected)
    assert [one.reason for one in problems] == [expected] * bool(expected)


@pytest.mark.parametrize("fen, good", [(0, True), (-1, False), (10**12, True)])
def test_amounts_are_whole_fen_and_not_negative(fen: int, good: bool) -> None:  # noqa: FBT001 - a column of the table
    """What is payable is an amount."""
    text = CONTRACT.format("c", "2026-01-01", "2026-12-31") + f"payable_fen = {fen}\n"
    assert (reasons(text) == []) == good
