"""The book: the examples, every kind of problem, and who has which badge when."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.book import Enrolment, read_book
from tests.builders import BOOK, book

REPO = Path(__file__).parents[3]
SHARED = REPO / "../shared/examples/book.toml"
DAY = date(2026, 11, 2)


def problems(more: str, text: str = BOOK) -> list[str]:
    """Return what is wrong with the small book and `more` behind it."""
    found, wrong = read_book(text + more, "book.toml")
    assert (found is None) == bool(wrong)
    return [f"{problem.path}: {problem.reason}" for problem in wrong]


@pytest.mark.parametrize("path", [SHARED, REPO / "config/book.example.toml"])
def test_the_example_has_no_problem(path: Path) -> None:
    """Every table and key of the authoritative example is understood."""
    if not path.exists():
        pytest.skip("examples absent")
    found, wrong = read_book(path.read_text(encoding="utf-8"), "book.toml")
    assert [str(problem) for problem in wrong] == []
    assert found is not None
    assert found.version == "2026-11-01.1"
    assert found.person_of("lobby", "0042", DAY) == "p02"
    assert found.person_of("lobby", "42", DAY) is None
    assert found.person_of("lobby", "8", DAY) is None
    assert found.person_of("machine-room", "8", DAY) == "p04"


def test_zones_come_from_the_terminal_or_the_site() -> None:
    """A terminal without its own zone, or one nobody knows, has the site's."""
    found = book()
    assert found.zone("machine-room") == "Asia/Urumqi"
    assert found.zone("lobby") == "Asia/Shanghai"
    assert found.zone("nowhere") == "Asia/Shanghai"
    lobby = found.terminal("lobby")
    assert lobby is not None
    assert lobby.serial == "VT00000001"
    assert found.terminal("nowhere") is None


def test_one_number_on_two_terminals_is_two_people() -> None:
    """An enrolment on this very terminal goes before one for every terminal."""
    found = book(
        '[[enrolments]]\nperson = "p02"\nbadge = "1001"\nterminal = "machine-room"\n'
    )
    assert found.person_of("lobby", "1001", DAY) == "p01"
    assert found.person_of("machine-room", "1001", DAY) == "p02"


def test_first_and_last_day_count() -> None:
    """Dates of the book are inclusive; a badge goes on to the next person."""
    found = book(
        '[[enrolments]]\nperson = "p01"\nbadge = "5"\nto = 2026-11-02\n'
        '[[enrolments]]\nperson = "p02"\nbadge = "5"\n'
        "from = 2026-11-03\nto = 2026-11-04\n"
    )
    owners = [found.person_of("lobby", "5", date(2026, 11, d)) for d in (1, 2, 3, 4, 5)]
    assert owners == ["p01", "p01", "p02", "p02", None]


def test_a_terminals_own_enrolment_only_counts_on_its_days() -> None:
    """Outside its days the enrolment for every terminal stands."""
    found = book(
        '[[enrolments]]\nperson = "p02"\nbadge = "1001"\nterminal = "lobby"\n'
        "from = 2026-11-03\n"
    )
    assert found.person_of("lobby", "1001", DAY) == "p01"
    assert found.person_of("lobby", "1001", date(2026, 11, 3)) == "p02"


days = st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 9))


@given(days, days, days, days)
def test_overlap_is_a_day_that_both_cover(
    one_from: date | None,
    one_to: date | None,
    two_from: date | None,
    two_to: date | None,
) -> None:
    """Two enrolments overlap when, and only when, some day means both."""
    one = Enrolment("p01", "1", "*", one_from, one_to)
    two = Enrolment("p02", "1", "*", two_from, two_to)
    far = [date.min, date.max, *(date(2026, 1, d) for d in range(1, 10))]
    shared = any(one.covers(day) and two.covers(day) for day in far)
    assert one.overlaps(two) == two.overlaps(one)
    if one.overlaps(one) and two.overlaps(two):
        assert one.overlaps(two) == shared


@pytest.mark.parametrize(
    "more, expected",
    [
        (
            '[[enrolments]]\nperson = "p02"\nbadge = "1001"\n',
            (
                "enrolments[3].badge: badge '1001' on '*' already belongs to p01"
                " on some of these days; give one of them from/to dates"
            ),
        ),
        (
            '[[enrolments]]\nperson = "p09"\nbadge = "9"\n',
            "enrolments[3].person: nobody is called 'p09'",
        ),
        (
            '[[enrolments]]\nperson = "p01"\nbadge = "9"\nterminal = "roof"\n',
            "enrolments[3].terminal: no terminal is 'roof'",
        ),
        (
            '[[enrolments]]\nperson = "p01"\nbadge = ""\n',
            "enrolments[3].badge: must not be empty",
        ),
        (
            '[[enrolments]]\nperson = "p01"\nbadge = 9\n',
            "enrolments[3].badge: must be a text, not a whole number (9)",
        ),
        (
            '[[people]]\nid = "p01"\nname = "x"\n',
            "people[3].id: 'p01' stands already in people[1]",
        ),
        (
            '[[terminals]]\nid = "lobby"\nserial = "S3"\n',
            "terminals[3].id: 'lobby' stands already in terminals[1]",
        ),
        (
            '[[terminals]]\nid = "gate"\nserial = "VT00000002"\n',
            "terminals[3].serial: 'VT00000002' stands already in terminals[2]",
        ),
        (
            '[[terminals]]\nid = "gate"\nserial = "S3"\ntimezone = "Asia/Beijing"\n',
            (
                "terminals[3].timezone: unknown time zone 'Asia/Beijing';"
                " write it like Asia/Shanghai"
            ),
        ),
        (
            '[[terminals]]\nid = "a/b"\nserial = "S3"\n',
            "terminals[3].id: must be a short text without blanks, /, + or #",
        ),
        (
            '[[vendors]]\nid = "acme"\nname = "x"\nnme = "y"\n',
            "vendors[1].nme: unknown key; did you mean name?",
        ),
        ("leave = 3\n", "leave: must be rows: [[leave]]"),
        ("leave = [3]\n", "leave[1]: must be a table"),
        ("[[leaves]]\n", "leaves: unknown key; did you mean leave?"),
    ],
)
def test_each_kind_of_problem(more: str, expected: str) -> None:
    """A slip is named with its place and what is expected there."""
    found = problems("", more + BOOK) if more.startswith("leave") else problems(more)
    assert found == [expected]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a+b", "a#", "a\\n", "a\\u0000b"])
def test_an_id_is_one_short_word(name: str) -> None:
    """What stands in topics, files and logs cannot break them."""
    (found,) = problems(f'[[people]]\nid = "{name}"\nname = "x"\n')
    assert found == "people[3].id: must be a short text without blanks, /, + or #"


@pytest.mark.parametrize("table", ["enrolments", "people"])
def test_an_end_before_the_beginning_is_a_problem(table: str) -> None:
    """Dates the wrong way round would silently cover no day at all."""
    row = {
        "enrolments": 'person = "p01"\nbadge = "9"',
        "people": 'id = "p3"\nname = "x"',
    }
    found = problems(f"[[{table}]]\n{row[table]}\nfrom = 2026-02-02\nto = 2026-02-01\n")
    assert [line.split(":")[0] for line in found] == [f"{table}[3].to"]


def test_a_badge_with_blanks_around_it_is_a_problem() -> None:
    """No terminal's badge has blanks around it: such a row would never match."""
    found = problems('[[enrolments]]\nperson = "p01"\nbadge = " 9"\n')
    assert [line.split(":")[0] for line in found] == ["enrolments[3].badge"]


def test_all_problems_at_once_in_the_order_of_lines() -> None:
    """One run names everything; one bad person is not reported once per enrolment."""
    found, wrong = read_book(
        "version = 5\n"
        "[[terminals]]\n"
        'id = "lobby"\n'
        "[[people]]\n"
        'id = "p01"\n'
        "[[enrolments]]\n"
        'person = "p01"\n'
        'badge = "1"\n'
        'until = "x"\n',
        "b.toml",
    )
    assert found is None
    assert [str(problem) for problem in wrong] == [
        "b.toml:1: version: must be a text",
        "b.toml:1: site: the table [site] is missing",
        "b.toml:2: terminals[1].serial: is missing",
        "b.toml:4: people[1].name: is missing",
        "b.toml:9: enrolments[1].until: unknown key",
    ]


def test_what_is_no_toml_is_one_problem() -> None:
    """A text that is no TOML is refused with its line."""
    found, wrong = read_book('[site]\nid = "hq\n', "b.toml")
    assert found is None
    assert [(p.file, p.line, p.path) for p in wrong] == [("b.toml", 2, "")]
    assert wrong[0].reason.startswith("not TOML: ")
