"""What is wrong inside rows, between rows, and with rows that replace others."""

import json
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.book import read_book
from gateway.core.book.duty import Session
from gateway.core.book.fields import DAY_SECONDS, seconds_of_day, time_of_day
from tests.gateway.core.books import FILE, read, wrong

BASE = """
[site]
id = "hq"
[[vendors]]
id = "acme"
name = "甲"
[[people]]
id = "p1"
name = "甲一"
vendor = "acme"
[[people]]
id = "p2"
name = "甲二"
[[terminals]]
id = "lobby"
serial = "S1"
[[shifts]]
id = "day"
sessions = [ { start = "08:30", end = "12:00" }, { start = "14:30", end = "17:30" } ]
days = "workdays"
[[shifts]]
id = "night"
sessions = [ { start = "20:00", end = "32:00" } ]
days = "every"
[[shifts]]
id = "early"
sessions = [ { start = "06:00", end = "08:30" } ]
days = ["sat", "sun"]
[[posts]]
id = "noc"
kind = "24x7"
from = 2026-01-01
"""
LEAVE = """
[[leave]]
id = "{id}"
person = "p1"
kind = "personal"
from = {start}
to = {end}
applied_at = 2026-11-01T08:00:00
{more}
"""


def leave(
    start: str = "2026-11-05T08:30:00",
    end: str = "2026-11-05T10:30:00",
    name: str = "L1",
    more: str = "",
) -> str:
    """Return a leave of p1."""
    return LEAVE.format(id=name, start=start, end=end, more=more)


def reasons(more: str, entries: str = "") -> list[str]:
    """Return `path: reason` of each problem of the base with more behind it."""
    return [one.split(": ", 1)[1] for one in wrong(BASE + more, entries)]


def roster(shift: str, days: str, person: str = "p1") -> str:
    """Return a row of the roster; `days` is TOML."""
    return f'[[roster]]\nperson = "{person}"\nshift = "{shift}"\n{days}\n'


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
    "more, expected",
    [
        (roster("late", "from = 2026-01-01"), "roster[1].shift: no shift is 'late'"),
        (
            roster("day", 'from = 2026-01-01\npost = "x"'),
            "roster[1].post: no post is 'x'",
        ),
        (
            roster("day", 'from = 2026-01-01\nterminals = ["lobby", "*"]'),
            "roster[1].terminals: no terminal is '*'",
        ),
        (
            '[[reserves]]\nvendor = "x"\nperson = "p1"\nfrom = 2026-01-01\n',
            "reserves[1].vendor: no vendor is 'x'",
        ),
        (
            '[[objections]]\nid = "O"\non = "f"\nby = "p9"\nat = 2026-12-03T10:00:00\n',
            "objections[1].by: neither a person nor a vendor is 'p9'",
        ),
        (
            (
                '[[substitutions]]\nid = "S1"\nperson = "p1"\nsubstitute = "p2"\n'
                'leave = "L9"\nhandover = ""\n'
                "from = 2026-11-05T08:30:00\nto = 2026-11-05T10:30:00\n"
            ),
            "substitutions[1].leave: no leave is 'L9'",
        ),
    ],
)
def test_references_that_dangle(more: str, expected: str) -> None:
    """A key that names a row names one that is there; empty names none."""
    assert reasons(more) == [expected]


def test_what_is_not_the_books_to_resolve() -> None:
    """Findings, cases, other sites and vendors as objectors are left alone."""
    found = read(
        BASE + '[[travel]]\na = "hq"\nb = "elsewhere"\nminutes = 5\n'
        '[[objections]]\nid = "O"\non = "f-1"\nby = "acme"\nat = 2026-12-03T10:00:00\n'
        '[[rulings]]\nid = "R"\non = "c-1"\ndecision = "dismiss"\nby = ["a"]\n'
        'at = 2026-11-12T10:00:00\nreason = "x"\n'
        '[[notices]]\nid = "N"\nvendor = "acme"\nperson = "p1"\nfinding = "f-1"\n'
        "sent_at = 2026-11-12\n"
    )
    assert found.warnings == ()


ALL = "from = 2026-01-01\nto = 2026-12-31"
CLASHES = [
    (roster("day", ALL), roster("day", "dates = [2026-11-02]"), True),
    (roster("day", ALL), roster("day", "dates = [2026-11-01]"), False),
    (roster("day", "dates = [2026-11-02]"), roster("day", ALL), True),
    (roster("day", "dates = [2026-11-01]"), roster("day", ALL), False),
    (roster("day", ALL), roster("day", ALL.replace("01-01", "06-01")), True),
    (roster("day", ALL), roster("day", "from = 2027-01-01"), False),
    (roster("day", ALL), roster("night", ALL), False),
    (roster("night", ALL), roster("early", ALL), True),
    (roster("early", ALL), roster("night", ALL), True),
    (roster("day", ALL), roster("early", ALL), False),
    (roster("day", ALL), roster("day", ALL, "p2"), False),
    (
        roster("night", "dates = [2026-11-06]"),
        roster("early", "dates = [2026-11-07]"),
        True,
    ),
    (
        roster("early", "dates = [2026-11-07]"),
        roster("night", "dates = [2026-11-06]"),
        True,
    ),
    (
        roster("night", "from = 2026-01-01\nto = 2026-11-06"),
        roster("early", "from = 2026-11-07"),
        True,
    ),
    (
        roster("early", "from = 2026-11-07"),
        roster("night", "from = 2026-01-01\nto = 2026-11-06"),
        True,
    ),
    (
        roster("night", "dates = [2026-11-05]"),
        roster("early", "dates = [2026-11-07]"),
        False,
    ),
    (
        roster("early", "dates = [2026-11-07]"),
        roster("night", "from = 2026-01-01\nto = 2026-11-06"),
        True,
    ),
    (
        roster("night", "dates = [2026-11-06]"),
        roster("early", "from = 2026-11-07"),
        True,
    ),
]


@pytest.mark.parametrize("one, two, clash", CLASHES)
def test_one_duty_at_a_time(one: str, two: str, clash: bool) -> None:  # noqa: FBT001 - a column of the table
    """Two duties of one person at the same hours contradict each other."""
    found, problems = read_book(BASE + one + two, FILE)
    assert [str(p).split(": ")[1] for p in problems] == ["roster[2].shift"] * clash
    assert (found is None) == clash
    if clash:
        assert "roster[1] is duty of the same hours on 2026-" in problems[0].reason


@pytest.mark.parametrize("days", ["dates = [2026-11-02]", ALL, ""])
@pytest.mark.parametrize("shift", ["nix", "day"])
def test_a_row_that_cannot_be_compared_is_named_for_itself(
    shift: str, days: str
) -> None:
    """Beside a row without a shift or days the others are compared all the same."""
    both = roster("day", ALL) + roster(shift, days) + roster("day", ALL + '\nid = "x"')
    found = reasons(both)
    assert "roster[3].shift: roster[1] is duty of the same hours on 2026-01-01" in found
    assert ("roster[2].shift: no shift is 'nix'" in found) == (shift == "nix")
    assert ("roster[2].from: is missing; or give dates" in found) == (not days)


days = st.dates(date(2026, 11, 1), date(2026, 11, 12))
spans = st.lists(days, min_size=1, max_size=3).map(sorted)


# A row of the roster: shift, dates, and whether it is the whole span of them.
Row = tuple[str, list[date], bool]
some_row = st.tuples(st.sampled_from(["day", "night", "early"]), spans, st.booleans())
LATE_OCTOBER = date(2026, 10, 30).toordinal()


def written(row: Row) -> str:
    """Return a row as TOML."""
    shift, dates, span = row
    several = ", ".join(map(str, dates))
    whole = f"from = {dates[0]}\nto = {dates[-1]}"
    return roster(shift, whole if span else f"dates = [{several}]")


def owed(row: Row) -> set[int]:
    """Return ten-minute marks of duty, counted day by day."""
    name, dates, span = row
    shift = read(BASE).shift(name)
    assert shift is not None
    marks: set[int] = set()
    for number in range(LATE_OCTOBER, LATE_OCTOBER + 20):
        day = date.fromordinal(number)
        week = name == "night" or (day.weekday() > 4) == (name == "early")
        if (dates[0] <= day <= dates[-1] and week) if span else day in dates:
            for session in shift.sessions:
                first, last = (second // 60 for second in session.span)
                start = number * 1440 + first
                marks |= set(range(start, start + last - first, 10))
    return marks


@given(some_row, some_row)
def test_clashes_are_those_that_a_count_finds(one: Row, two: Row) -> None:
    """Whatever the dates, a clash is found when some moment is owed twice."""
    text = BASE + written(one) + written(two) + 'id = "another"\n'
    book, problems = read_book(text, FILE)
    assert (book is None) == bool(owed(one) & owed(two)), problems


CONTRACT = """
[[contracts]]
id = "{}"
vendor = "acme"
policy = "client-contract"
from = {}
to = {}
"""


def test_a_vendor_has_one_contract_at_a_time() -> None:
    """Contracts follow each other; on a day with two nobody knows which rule counts."""
    first = CONTRACT.format("c1", "2026-01-01", "2026-11-14")
    after = CONTRACT.format("c2", "2026-11-15", "2026-12-31")
    found = read(BASE + first + after)
    days = [date(2026, 11, 14), date(2026, 11, 15), date(2027, 1, 1)]
    contracts = [found.contract_of("p1", day) for day in days]
    assert [one and one.id for one in contracts] == ["c1", "c2", None]
    again = CONTRACT.format("c2", "2026-11-14", "2026-12-31")
    assert reasons(first + again) == [
        "contracts[2].from: c1 is in force on some of these days already"
    ]


def order(more: str) -> str:
    """Return an order for one day."""
    return f'[[days]]\ndate = 2026-11-14\nby = "l"\n{more}\n'


WORK, REST = order('kind = "work"'), order('kind = "rest"')


@pytest.mark.parametrize(
    "one, two, contradict",
    [
        (WORK, REST, True),
        (WORK, order('kind = "work"\nnote = "again"'), False),
        (WORK, order('kind = "rest"\npeople = ["p1"]'), False),
        (
            order('kind = "work"\npeople = ["p1"]'),
            order('kind = "rest"\npeople = ["p2", "p1"]'),
            True,
        ),
        (
            order('kind = "work"\npeople = ["p1"]'),
            order('kind = "rest"\nshifts = ["day"]'),
            False,
        ),
        (
            order('kind = "half"\nposts = ["noc"]'),
            order('kind = "half"\nwhich = "afternoon"\nposts = ["noc"]'),
            True,
        ),
        (
            order('sessions = [ { start = "09:00", end = "12:00" } ]'),
            order('sessions = [ { start = "09:00", end = "12:01" } ]'),
            True,
        ),
        (WORK, order('sessions = [ { start = "09:00", end = "12:00" } ]'), False),
    ],
)
def test_orders_for_one_day(one: str, two: str, contradict: bool) -> None:  # noqa: FBT001 - a column of the table
    """Two orders of the same scope that say different things contradict each other."""
    expected = ["days[2].date: days[1] orders otherwise for the same scope"]
    assert reasons(one + two) == expected * contradict


def test_what_is_only_odd_is_a_warning() -> None:
    """Overlapping leave and policies that come later do not stop anything."""
    contract = CONTRACT.format("c1", "2026-01-01", "2026-11-14")
    found = read(
        BASE
        + contract.replace("client-contract", "supplier-staff")
        + 'also = ["grades", "mine/own", "own.toml", "single-session", "unheard-of"]\n'
        + leave()
        + leave("2026-11-05T10:29:59", "2026-11-05T12:00:00", "L2")
        + leave("2026-11-05T12:00:00", "2026-11-05T13:00:00", "L3")
    )
    assert [f"{one.path}: {one.reason}" for one in found.warnings] == [
        (
            "contracts[1].policy: the policy 'supplier-staff' is not built;"
            " nothing by it"
        ),
        "contracts[1].also: the policy 'grades' is not built; nothing by it",
        "contracts[1].also: the policy 'unheard-of' is not built; nothing by it",
        "leave[2].from: overlaps a leave of the same person, leave[1]",
    ]


def line(table: str, **row: object) -> str:
    """Return a line of entries."""
    return json.dumps({"table": table, **row}, ensure_ascii=False) + "\n"


def correction(name: str, older: str, **more: object) -> str:
    """Return a leave of p1 that replaces another one."""
    row = {
        "id": name,
        "person": "p1",
        "kind": "sick",
        "from": "2026-11-05T08:30",
        "to": "2026-11-05 11:30:00",
        "applied_at": "2026-11-01T08:00:00",
        "supersedes": older,
    }
    return line("leave", **row, **more)


DAY_OF_LEAVE = datetime(2026, 11, 5), datetime(2026, 11, 6)  # noqa: DTZ001 - local


def test_the_newest_row_counts_and_all_stay_visible() -> None:
    """A chain of three: the last one counts, by every id; the rows all stand there."""
    found = read(BASE + leave(), correction("L2", "L1") + correction("L3", "L2"))
    assert [row.id for row in found.leave("p1", *DAY_OF_LEAVE)] == ["L3"]
    assert [found.row("leave", name).id for name in ("L1", "L2", "L3")] == ["L3"] * 3
    assert [row.id for row in found.history("leave", "L2")] == ["L1", "L2", "L3"]
    assert found.history("leave", "L9") == ()
    assert found.row("leave", "L9") is None
    assert [row.id for row in found.written.leave] == ["L1", "L2", "L3"]
    assert found.warnings == ()


@pytest.mark.parametrize(
    "one, two, counts",
    [
        ({}, {}, "L3"),
        ({"entered_at": "2026-11-06T08:00:00"}, {}, "L2"),
        (
            {"entered_at": "2026-11-06T08:00:00"},
            {"entered_at": "2026-11-06T08:00:01"},
            "L3",
        ),
    ],
)
def test_two_edits_of_one_row(
    one: dict[str, object], two: dict[str, object], counts: str
) -> None:
    """Both are kept, the newest counts, and somebody is told (E121)."""
    entries = correction("L2", "L1", **one) + correction("L3", "L1", **two)
    found = read(BASE + leave(), entries)
    assert found.row("leave", "L1").id == counts
    assert len(found.history("leave", "L1")) == 3
    (warning,) = found.warnings
    other = {"L2": 2, "L3": 1}[counts]
    assert (warning.file, warning.line) == ("entries.jsonl", other)
    assert warning.reason.startswith("'L1' is replaced here and in entries.jsonl:")


def test_rows_that_replace_nothing_or_themselves() -> None:
    """An unknown id, and circles of one and two rows, are problems of each row."""
    found = wrong(
        BASE,
        correction("L1", "L9")
        + correction("L2", "L2")
        + correction("L3", "L4")
        + correction("L4", "L3")
        + correction("L5", "L3"),
    )
    circle = "leave.supersedes: goes round in a circle back to this row"
    assert found == [
        "1: leave.supersedes: no row of leave has the id 'L9'",
        f"2: {circle}",
        f"3: {circle}",
        f"4: {circle}",
    ]


def test_who_is_corrected_stays_who_they_are() -> None:
    """A new row for a person changes what is said of them, never who is meant."""
    entries = line("people", id="p1b", name="甲壹", supersedes="p1", vendor="acme")
    entries += line("enrolments", person="p1b", badge="7")
    entries += line("enrolments", person="p1", badge="8")
    found = read(BASE, entries)
    assert [row.id for row in found.people] == ["p1", "p2"]
    assert [row.name for row in found.people] == ["甲壹", "甲二"]
    badges = [found.person_of("lobby", badge, date(2026, 1, 1)) for badge in "78"]
    assert badges == ["p1", "p1"]
    person = found.person("p1b")
    assert person is not None
    assert person.id == "p1"


def test_a_row_without_an_id_can_replace_one() -> None:
    """Seldom named rows need an id only to be replaced."""
    entries = line("roster", id="r1", person="p1", shift="day", dates=["2026-11-02"])
    entries += line(
        "roster", person="p1", shift="night", dates=["2026-11-02"], supersedes="r1"
    )
    found = read(BASE, entries)
    (one,) = found.assignments("p1", date(2026, 11, 2))
    assert one.shift.id == "night"
    assert found.name_of(one.roster) == "entries.jsonl:2"
    assert found.row("roster", "r1") is one.roster


def test_a_list_within_a_key_keeps_its_own_ids() -> None:
    """Corrected people are meant also inside lists."""
    entries = line("people", id="p1b", name="甲壹", supersedes="p1")
    entries += line(
        "days", date="2026-11-14", kind="work", by="l", people=["p2", "p1b"]
    )
    found = read(BASE, entries)
    assert found.rows.days[0].people == ("p2", "p1")
    assert found.written.days[0].people == ("p2", "p1b")


def test_two_rows_of_one_id_or_one_serial() -> None:
    """An id stands once over both files; so does a serial."""
    entries = line("people", id="p1", name="x")
    entries += line("terminals", id="gate", serial="S1")
    entries += line("enrolments", person="p1", badge="7") * 2
    assert wrong(BASE, entries) == [
        "1: people.id: 'p1' stands already in people[1]",
        "2: terminals.serial: 'S1' stands already in terminals[1]",
        "4: enrolments: the same row stands already in entries.jsonl:3",
    ]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("{", "not JSON: "),
        ("[]", 'must be an object like {"table": '),
        ("{}", 'the key "table" is missing or no text'),
        ('{"table": 3}', 'the key "table" is missing or no text'),
        ('{"table": "leave", "id": "a", "id": "b"}', "not JSON: a key stands twice"),
        ('{"table": "leave", "id": NaN}', "not JSON: NaN is no JSON"),
        ('{"table": "leave", "id": "\\ud800"}', "not JSON: a text holds half"),
        ("[" * 100_000, "nested too deep"),
        ('{"table": "leaves"}', "unknown key; did you mean leave?"),
        ('{"table": "site", "id": "x"}', "unknown key"),
    ],
)
def test_lines_that_are_no_rows(text: str, expected: str) -> None:
    """Each bad line is a problem with its number; the others are read all the same."""
    entries = line("leave", id="L1") + "\n" + text + "\n"
    found = wrong(BASE, entries)
    assert found[0] == "1: leave.person: is missing"
    (last,) = [one for one in found if one.startswith("3: ")]
    assert expected in last


def test_a_text_that_looks_like_a_time_stays_a_text() -> None:
    """Only keys of dates are read as dates."""
    entries = correction("L1", "", reason="2026-11-05T08:30:00", statement="2026-11-05")
    assert wrong(BASE, entries) == ["1: leave.statement: unknown key"]
    entries = correction(
        "L1", "", reason="2026-11-05T08:30:00", certificate_level="2026-11-05"
    )
    (row,) = read(BASE, entries).rows.leave
    assert (row.reason, row.certificate_level) == ("2026-11-05T08:30:00", "2026-11-05")


def test_two_ways_to_write_a_line() -> None:
    """Keys beside `table`, or a row of its own; null and blank lines are nothing."""
    row = {"person": "p1", "badge": "7", "to": None}
    entries = (
        "\n \n"
        + line("enrolments", row=row)
        + line("enrolments", person="p2", badge="8")
    )
    assert [row.badge for row in read(BASE, entries).enrolments] == ["7", "8"]


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 20_000, "a = " + "9" * 5000, "x = 2026-02-30"]
)
def test_hostile_toml(text: str) -> None:
    """What the TOML reader chokes on is a problem, too."""
    (found,) = wrong(text)
    assert ": : not TOML: " in found


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


@pytest.mark.parametrize("text", ["2026-02-30", "2026-2-3", "20260203", "x"])
def test_texts_that_are_no_dates(text: str) -> None:
    """Entries hold dates as ISO texts; anything else is named as it was written."""
    row = {"person": "p1", "badge": "7", "from": text}
    (found,) = wrong(BASE, line("enrolments", **row))
    assert found == f"1: enrolments.from: must be a date, not a text ({text!r})"
