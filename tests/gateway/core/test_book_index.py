"""A book asked: by person, place and day."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.book import changes, digest
from gateway.core.book.cells import to_json
from gateway.core.book.lookup import Lookup
from gateway.core.book.standing import Act
from gateway.core.book.timeline import timeline
from tests.gateway.core.books import EXAMPLE, read
from tests.gateway.core.small_books import BASE, leave, line

DAY = date(2026, 11, 2)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a local time of November 2026."""
    return datetime(2026, 11, day, hour, minute)  # noqa: DTZ001 - local, as the book is


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=12),
    st.integers(0, 20),
    st.integers(1, 8),
)
def test_rows_that_touch_a_span(
    rows: list[tuple[int, int]], start: int, length: int
) -> None:
    """The timeline finds what a plain search finds, in the order of starts."""
    found = timeline(rows, lambda row: (row[0], sum(row)))
    expected = [r for r in rows if r[0] < start + length and start < sum(r)]
    assert sorted(found.touching(start, start + length)) == sorted(expected)
    starts = [row[0] for row in found.touching(start, start + length)]
    assert starts == sorted(starts)


def test_the_example_answers_for_one_person() -> None:
    """What a clerk would look up by hand, for a person and a day."""
    book = read(EXAMPLE)
    assert [one.shift.id for one in book.assignments("p01", DAY)] == ["day"]
    assert [one.shift.id for one in book.assignments("p02", DAY)] == ["noc-day"]
    post = book.assignments("p02", DAY)[0].post
    assert post is not None
    assert (post.id, post.covers(DAY), post.covers(date(2026, 11, 4))) == (
        "noc",
        True,
        False,
    )
    assert book.assignments("p02", date(2026, 11, 4)) == ()
    assert book.assignments("p01", date(2027, 1, 1)) == ()
    assert [row.badge for row in book.enrolled("p04", DAY)] == ["8"]
    assert book.enrolled("nobody", DAY) == ()
    contract = book.contract_of("p01", DAY)
    assert contract is not None
    assert (contract.id, contract.policy) == ("acme-2026", "client-contract")
    assert book.contract_of("p05", DAY) is None  # from December on
    assert book.contract_of("nobody", DAY) is None
    assert book.contract("nix", DAY) is None
    vendor, shift = book.vendor("acme"), book.shift("day")
    assert vendor is not None
    assert shift is not None
    assert (vendor.name, shift.name) == ("甲运维服务公司", "白班")
    assert book.travel_minutes("branch", "hq") == 25
    assert book.travel_minutes("hq", "moon") is None


def test_the_example_answers_for_times() -> None:
    """Rows are found when they have something of the span that is asked."""
    book = read(EXAMPLE)
    assert [row.id for row in book.leave("p01", at(5, 10), at(5, 11))] == ["L1"]
    assert book.leave("p01", at(5, 10, 30), at(5, 11)) == ()
    assert book.leave("p02", at(1), at(30)) == ()
    assert [row.id for row in book.permits("p01", at(6), at(7))] == ["P1"]
    assert [row.id for row in book.substitutions("p01", at(5), at(6))] == ["S1"]
    assert [row.id for row in book.standing_in("p04", at(5), at(6))] == ["S1"]
    assert [row.id for row in book.corrections("p01", at(6, 8, 25), at(7))] == ["C1"]
    second = timedelta(seconds=1)
    assert book.corrections("p01", at(6, 8, 25) + second, at(7)) == ()
    assert len(book.roll("p01", at(6), at(7))) == 1
    assert [row.id for row in book.incidents("p01", at(10), at(11))] == ["I1"]
    assert len(book.reports("p01", at(6), at(7))) == 1
    assert len(book.outages("lobby", at(6, 9), at(6, 10))) == 1
    assert [row.id for row in book.handovers("noc", at(2), at(3))] == ["H1"]
    assert [row.id for row in book.handovers("", at(5), at(6))] == ["H2"]
    assert [row.result for row in book.sightings("noc", at(2), at(3))] == ["present"]
    assert [row.id for row in book.rulings_on("case-or-finding-id")] == ["R1"]
    assert [row.id for row in book.objections_on("finding-id")] == ["O1"]
    assert book.objections_on("other") == ()
    assert len(book.day_orders(date(2026, 11, 14))) == 1
    assert book.day_orders(DAY) == ()
    assert book.consented(date(2026, 10, 1))
    assert not book.consented(DAY)


def test_first_and_last_day_of_a_person() -> None:
    """Both days count, and nothing outside them."""
    person = read(EXAMPLE).person("p01")
    assert person is not None
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [person.present(day) for day in days] == [False, True, True, False]


def test_who_may_approve() -> None:
    """With a table only who stands there; without one everybody who is named."""
    book, free = read(EXAMPLE), read(BASE)
    assert book.entitled("leader1", Act.PERMIT, DAY)
    assert not book.entitled("leader1", Act.PERMIT, date(2025, 12, 31))
    assert not book.entitled("clerk1", Act.PERMIT, DAY)
    assert not book.entitled("stranger", Act.LEAVE, DAY)
    assert free.entitled("stranger", Act.LEAVE, DAY)
    assert not free.entitled(" ", Act.LEAVE, DAY)


def test_only_confirming_rulings_void_punches() -> None:
    """A dismissed case leaves its punches alone."""
    row = {
        "on": "c-1",
        "by": ["a", "b"],
        "at": "2026-11-12T10:00:00",
        "reason": "x",
        "punches": ["q1", "q2"],
    }
    entries = line("rulings", id="R2", decision="confirm", **row)
    entries += line("rulings", id="R1", decision="dismiss", **row)
    entries += line("rulings", id="R3", decision="confirm", **row)
    book = read(BASE, entries)
    assert [one.id for one in book.rulings_about("q2")] == ["R2", "R3"]
    assert book.rulings_about("q3") == ()
    assert [one.id for one in book.rulings_on("c-1")] == ["R2", "R1", "R3"]


def test_several_ways_and_open_ends() -> None:
    """The shortest way counts; rows without an end go on for ever."""
    way = '[[travel]]\na = "{}"\nb = "{}"\nminutes = {}\n'
    book = read(
        BASE
        + way.format("hq", "b", 9)
        + way.format("b", "hq", 7)
        + way.format("hq", "b", 8)
        + '[[roster]]\nperson = "p1"\nshift = "day"\nfrom = 2026-01-01\n'
        '[[roster]]\nperson = "p1"\nshift = "early"\ndates = [2026-01-01, 2026-01-01]\n'
    )
    assert book.travel_minutes("b", "hq") == 7
    shifts = [one.shift.id for one in book.assignments("p1", date(2026, 1, 1))]
    assert shifts == ["day", "early"]
    assert [one.shift.id for one in book.assignments("p1", date(2199, 12, 31))] == [
        "day"
    ]
    assert book.post("") is None
    roster = book.rows.roster
    assert [book.name_of(row) for row in roster] == ["roster[1]", "roster[2]"]
    covered = [[row.covers(date(2026, 1, d)) for d in (1, 2)] for row in roster]
    assert covered == [[True, True], [True, False]]


def test_what_is_meant_where_nothing_is_said() -> None:
    """Keys that are left out have the value that the example documents."""
    text = (
        '[[contracts]]\nid = "c"\nvendor = "acme"\npolicy = "client-contract"\n'
        "from = 2026-01-01\nto = 2026-12-31\n"
        '[[posts]]\nid = "door"\nfrom = 2026-01-01\n'
        '[[enrolments]]\nperson = "p1"\nbadge = "7"\n'
    )
    book = read(BASE + text)
    contract = book.contract("acme", DAY)
    assert contract is not None
    assert (contract.objection_days, contract.also, contract.phase) == (10, (), None)
    post = book.post("door")
    assert post is not None
    assert (post.headcount, post.kind, post.to) == (1, "normal", None)
    assert book.enrolments[0].terminal == "*"
    assert (book.site.timezone, book.site.calendar) == ("Asia/Shanghai", "CN")


def test_a_terminal_of_its_own_zone() -> None:
    """Zone and rows of terminals, as before."""
    book = read(BASE)
    assert book.zone("lobby") == "Asia/Shanghai"
    assert [row.id for row in book.terminals] == ["lobby"]
    assert isinstance(book._lookup, Lookup)


def test_the_digest_is_of_what_is_said() -> None:
    """Comments and the order of rows do not change it; any value does."""
    book = read(BASE + leave() + leave(name="L2", start="2026-11-05T09:00:00"))
    other = read(
        "# hello\n" + BASE + leave(name="L2", start="2026-11-05T09:00:00") + leave()
    )
    assert digest(book) == digest(other)
    assert changes(book, other) == []
    assert digest(read(BASE)) != digest(read(BASE.replace("甲一", "甲壹")))
    assert len(digest(book)) == 64


def test_what_changed_in_words() -> None:
    """Ids where they are few, counts where they are many or rows have none."""
    before = read('version = "1"\n' + BASE + leave())
    people = "".join(line("people", id=f"q{n}", name="x") for n in range(6))
    entries = people + line("enrolments", person="p1", badge="7")
    entries += line("vendors", id="neu", name="x")
    entries += line("roster", person="p1", shift="day", dates=["2026-11-02"]) + line(
        "roster", person="p1", shift="day", dates=["2026-11-03"]
    )
    after = read(
        'version = "2"\n'
        + BASE.replace('id = "hq"', 'id = "hq"\nname = "x"').replace("08:30", "08:00"),
        entries,
    )
    assert changes(before, after) == [
        "version: 1 to 2",
        "site: changed",
        "vendors: neu added",
        "people: 6 rows added",
        "enrolments: 1 row added",
        "shifts: day early changed",
        "roster: 2 rows added",
        "leave: L1 removed",
    ]
    assert "roster: 2 rows removed" in changes(after, before)
    assert changes(read(BASE), before)[0] == "version: - to 1"


def test_five_ids_are_named_and_six_are_counted() -> None:
    """A line stays short."""
    for count, words in ((5, "people: q0 q1 q2 q3 q4 added"), (6, "6 rows added")):
        rows = [line("people", id=f"q{n}", name="x") for n in range(count)]
        (found,) = changes(read(BASE), read(BASE, "".join(rows)))
        assert found.endswith(words)


def test_what_changed_names_nobody() -> None:
    """Log lines hold ids, never names or reasons."""
    before = read(EXAMPLE)
    after = read(EXAMPLE.replace("甲一", "乙一").replace("办事", "看病"))
    assert changes(before, after) == ["people: p01 changed", "leave: L1 changed"]


@pytest.mark.parametrize("days", [0, 1, 36500])
def test_asking_far_away_is_cheap_and_empty(days: int) -> None:
    """Any day may be asked."""
    book = read(EXAMPLE)
    day = date(2050, 1, 1) + timedelta(days=days)
    assert book.assignments("p01", day) == ()
    assert to_json(book.person("p01"))["id"] == "p01"
