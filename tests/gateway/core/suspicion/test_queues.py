"""Queues: repeats, slots, nights, direct neighbours."""

from gateway.core.suspicion.events import gather
from gateway.core.suspicion.queues import Queues, line_up, sheets
from gateway.core.suspicion.site import Turn
from gateway.core.suspicion.values import Credential
from tests.gateway.core.suspicion.makers import FIRST, book, punch, wall


def queued(*punches: object, **how: object) -> Queues:
    """Return the queues of some punches."""
    return line_up(gather(punches).punches, book(**how))  # type: ignore[arg-type]  # makers


def test_repeats_within_a_minute_are_one_stand() -> None:
    """A second card, then the finger: one stand, and the finger proves presence."""
    queues = queued(
        punch("A", 0, "08:20:00", "card"),
        punch("A", 0, "08:20:50", "finger"),
        punch("A", 0, "08:21:51", "card"),
    )
    first, second = queues.by_terminal["lobby"]
    assert (first.first, first.last) == (wall(0, "08:20:00"), wall(0, "08:20:50"))
    assert (first.credential, second.credential) == (2, 1)


def test_only_direct_neighbours_within_twelve_seconds() -> None:
    """Twelve seconds count, thirteen do not, and nobody reaches over another."""
    queues = queued(
        punch("A", 0, "08:20:00"),
        punch("B", 0, "08:20:12"),
        punch("C", 0, "08:20:20"),
        punch("D", 0, "08:20:33"),
    )
    a, b, c, d = queues.by_terminal["lobby"]
    assert queues.beside(a) == [b]
    assert queues.beside(b) == [c, a]
    assert queues.beside(d) == []
    assert (queues.before(a), queues.after(d), queues.before(c)) == (None, None, b)
    (sheet,) = sheets(queues)
    assert {(one.stand.person, one.neighbour) for one in sheet.beside} == {
        ("A", "B"),
        ("B", "A"),
        ("B", "C"),
        ("C", "B"),
    }


def test_an_unknown_badge_parts_neighbours() -> None:
    """Somebody nobody knows stood between: the two were not side by side."""
    queues = queued(
        punch("A", 0, "08:20:00"), punch("?", 0, "08:20:03"), punch("B", 0, "08:20:06")
    )
    (sheet,) = sheets(queues)
    assert sheet.beside == []
    assert set(sheet.people) == {"A", "B"}


def test_slots_come_from_the_roster() -> None:
    """The nearest start or end within four hours; otherwise none."""
    day = queued(
        punch("A", 0, "08:25:00"),
        punch("A", 0, "12:01:00"),
        punch("A", 0, "14:20:00"),
        punch("A", 0, "17:35:00"),
        punch("A", 0, "22:00:00"),
        punch("A", 5, "09:00:00"),
        punch("A", 5, "02:00:00"),
    ).by_terminal["lobby"]
    assert [(one.day - FIRST, one.slot) for one in day] == [
        (0, 0),
        (0, 1),
        (0, 2),
        (0, 3),
        (0, None),
        (4, None),
        (5, None),
    ]


def test_a_night_belongs_to_the_day_it_began() -> None:
    """A shift from 20:00 to 08:00 is one work day, also at its end."""
    night = {"A": [Turn(((72_000, 115_200),))]}
    queues = queued(punch("A", 0, "19:55:00"), punch("A", 1, "08:03:00"), turns=night)
    assert [(one.day - FIRST, one.slot) for one in queues.by_terminal["lobby"]] == [
        (0, 0),
        (0, 1),
    ]


def test_without_a_roster_a_day_is_ordinary() -> None:
    """Nobody wrote a roster: a stay still has a start and an end."""
    site = book(["A"])
    site.turns.pop("A")  # type: ignore[attr-defined]  # a dict here
    punches = gather([punch("A", 0, "08:25:00"), punch("A", 0, "17:35:00")]).punches
    queue = line_up(punches, site).by_terminal["lobby"]
    assert [one.slot for one in queue] == [0, 3]


def test_dropped_punches_stand_nowhere() -> None:
    """A time out of a moved clock makes no neighbours."""
    one, other = punch("A", 0, "08:20:00"), punch("B", 0, "08:20:02")
    queues = line_up((one, other), book(), frozenset({other.id}))
    assert [stand.person for stand in queues.by_terminal["lobby"]] == ["A"]
    assert queues.by_terminal["lobby"][0].credential is Credential.STRONG
