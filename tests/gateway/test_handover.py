"""Who goes and who comes: by the roster, else by the order of the cards, or unsaid."""

from datetime import datetime, timedelta

import pytest

from gateway.core.book import Book, read_book
from gateway.core.calendar import Weekdays
from gateway.handover import Doubt, Duties, Handed, Press, Side
from tests.gateway.desks import BOOK, ROSTER


def duties(roster: str = ROSTER) -> Duties:
    """Return the duties of the post by a book with this roster."""
    book, problems = read_book(BOOK + roster, "book.toml")
    assert isinstance(book, Book), problems
    return Duties(book, Weekdays(), "noc")


def press(person: str, at: str) -> Press:
    """Return a card presented on 2026-11-03."""
    return Press(person, datetime.fromisoformat(f"2026-11-03T{at}"))


@pytest.mark.parametrize(
    "person,at,sides",
    [
        ("p01", "08:00:00", {Side.INCOMING}),
        ("p01", "19:59:59", {Side.OUTGOING}),
        ("p01", "22:59:59", {Side.OUTGOING}),
        ("p01", "23:00:00", {Side.OUTGOING}),
        ("p01", "23:00:01", set()),
        ("p01", "16:59:59", set()),
        ("p02", "08:01:00", {Side.OUTGOING}),
        ("p02", "20:00:00", {Side.INCOMING}),
        ("p02", "05:00:00", {Side.OUTGOING}),
        ("p03", "08:00:00", set()),
    ],
)
def test_sides_by_the_roster(person: str, at: str, sides: set[Side]) -> None:
    """The near end of a turn says the side, up to three hours off, also at night."""
    assert duties().sides(press(person, at)) == sides


def test_the_roster_goes_before_the_order() -> None:
    """Whoever presents first: whose turn ends goes, whose turn begins comes."""
    for first, second in (("p01", "p02"), ("p02", "p01")):
        one, other = press(first, "20:01:00"), press(second, "20:03:00")
        found = duties().pair(one, other)
        assert isinstance(found, Handed)
        assert (found.outgoing.person, found.incoming.person) == ("p01", "p02")
    found = duties().pair(press("p01", "08:01:00"), press("p02", "08:02:00"))
    assert isinstance(found, Handed)
    assert found.incoming.person == "p01"


def test_the_order_decides_where_the_roster_is_silent() -> None:
    """Two people without a turn: the first card goes, the second comes."""
    one, other = press("p03", "12:00:00"), press("p04", "12:01:00")
    assert duties().pair(one, other) == Handed(one, other)
    assert duties("").pair(other, one) == Handed(other, one)


@pytest.mark.parametrize("at,out", [("20:00:00", "p01"), ("08:00:00", "p04")])
def test_one_side_of_the_roster_is_enough(at: str, out: str) -> None:
    """A stranger to the roster is on the other side of whom it has."""
    for first, second in (("p01", "p04"), ("p04", "p01")):
        found = duties().pair(press(first, at), press(second, at))
        assert isinstance(found, Handed)
        assert found.outgoing.person == out


def test_two_of_one_side() -> None:
    """Two whose turns begin together hand nothing over to each other."""
    same = duties(ROSTER.replace("noc-night", "noc-day"))
    found = same.pair(press("p01", "08:00:00"), press("p02", "08:00:00"))
    assert found is Doubt.SAME_SIDE


def test_two_turns_in_a_row_fit_either_way() -> None:
    """Who works both turns ends one and begins one: nobody guesses which is meant."""
    more = '[[roster]]\nperson = "p01"\nshift = "noc-night"\npost = "noc"\n'
    both = duties(f"{ROSTER}{more}dates = [2026-11-03]\n")
    one = press("p01", "20:00:00")
    assert both.sides(one) == {Side.INCOMING, Side.OUTGOING}
    stranger = press("p04", "20:00:00")
    assert both.pair(one, stranger) is Doubt.EITHER_WAY
    known = both.pair(one, press("p02", "20:00:00"))
    assert isinstance(known, Handed)
    assert known.incoming.person == "p02"


def test_other_posts_say_nothing() -> None:
    """A turn at another post makes nobody outgoing here."""
    other = BOOK.partition("[[posts]]")[2]
    moved = ROSTER.replace('post = "noc"', 'post = "gate"')
    found = duties(f"[[posts]]{other.replace('noc', 'gate')}{moved}")
    assert found.sides(press("p01", "08:00:00")) == set()


def test_a_whole_month_of_changes_has_one_answer() -> None:
    """Every change of duty of thirty days, from both sides, up to 90 minutes off."""
    asked = duties()
    start = datetime.fromisoformat("2026-11-03T08:00:00")
    for change in range(60):
        moment = start + change * timedelta(hours=12)
        out, in_ = ("p02", "p01") if change % 2 == 0 else ("p01", "p02")
        for minutes in (-90, -1, 0, 1, 90):
            at = moment + timedelta(minutes=minutes)
            found = asked.pair(Press(in_, at), Press(out, at))
            assert isinstance(found, Handed), at
            assert found.outgoing.person == out, at
