"""What to ask for when, against the plain rules."""

from hypothesis import given
from hypothesis import strategies as st

from central.holes import Ask, Holes
from central.values import Stream
from sync.ledger import Ledger

ONE = Stream("s1", "g1", "e1")
OLD = Stream("s1", "g1", "e0")
OTHER = Stream("s1", "g2", "e1")


def test_a_hole_that_stands_is_asked_for_ever_more_rarely() -> None:
    """After 10 s, then 30 s, 60 s … and never more rarely than every ten minutes."""
    holes = Holes()
    holes.seen(ONE, [(5, 9)], 100.0)
    asked = []
    for tenth in range(100_0, 4_000_0):
        now = tenth / 10
        holes.seen(ONE, [(5, 9)], now)
        asked += [now - 100.0 for _ in holes.due(now)]
    gaps = [10, 30, 60, 120, 240, 480, 600, 600, 600, 600]
    assert asked == [sum(gaps[: n + 1]) for n in range(len(gaps))]


def test_what_arrives_in_time_is_never_asked_for() -> None:
    """A hole that closes by itself costs no command."""
    holes = Holes()
    holes.seen(ONE, [(5, 9)], 0.0)
    holes.seen(ONE, [], 9.9)
    assert holes.due(1000.0) == []


def test_what_is_left_of_a_hole_keeps_its_time() -> None:
    """Parts that come do not put off the rest; a new hole has a time of its own."""
    holes = Holes()
    holes.seen(ONE, [(5, 9)], 0.0)
    holes.seen(ONE, [(5, 6), (8, 9), (20, 30)], 8.0)
    assert holes.due(10.0) == [Ask(ONE, ((5, 6), (8, 9)), 0)]
    assert holes.due(18.0) == [Ask(ONE, ((20, 30),), 0)]
    assert holes.due(40.0) == [Ask(ONE, ((5, 6), (8, 9)), 1)]


def test_at_most_a_hundred_ranges_at_a_time() -> None:
    """More are asked for with the next command, at once."""
    holes = Holes()
    missing = [(n, n) for n in range(1, 501, 2)]
    holes.seen(ONE, missing, 0.0)
    asked = [ask for _ in range(4) for ask in holes.due(10.0)]
    assert [len(ask.spans) for ask in asked] == [100, 100, 50]
    assert [span for ask in asked for span in ask.spans] == missing


def test_a_gateway_that_is_not_there_is_asked_when_it_is_born() -> None:
    """Nothing while it is gone; anew 10 s after its birth, in every epoch of it."""
    holes = Holes()
    for stream in (OLD, ONE, OTHER):
        holes.seen(stream, [(1, 1)], 0.0)
    holes.gone("s1", "g1")
    assert holes.due(20.0) == [Ask(OTHER, ((1, 1),), 0)]
    holes.born("s1", "g1", 100.0)
    assert holes.due(100.0) == [
        Ask(OLD, ((1, 1),), 0),
        Ask(ONE, ((1, 1),), 0),
        Ask(OTHER, ((1, 1),), 1),
    ]
    holes.born("s1", "g1", 101.0)
    assert holes.due(110.9) == []
    assert [ask.stream for ask in holes.due(111.0)] == [OLD, ONE]


def test_who_sends_is_there() -> None:
    """A will that came late does not silence a gateway that goes on sending."""
    holes = Holes()
    holes.gone("s1", "g1")
    holes.seen(ONE, [(1, 1)], 0.0)
    assert len(holes.due(10.0)) == 1


def spoil(holes: Holes, times: int, start: float = 10.0) -> float:
    """Answer so many questions with something unreadable; return when the next is due.

    Repetitions of the gateway's own between two questions count once.
    """
    now = start
    for _ in range(times):
        while not holes.due(now):
            now += 1.0
        for _ in "12":
            holes.spoilt("s1", "g1")
    return now


def test_what_comes_unreadable_is_asked_for_one_by_one() -> None:
    """After two such answers; at most a hundred at a time, from the first on."""
    holes = Holes()
    holes.spoilt("s1", "g1")  # before any question: nobody's answer
    holes.seen(ONE, [(5, 7), (100, 300)], 0.0)
    holes.spoilt("s1", "g2")
    assert holes.due(10.0) == [Ask(ONE, ((5, 7), (100, 300)), 0)]
    holes.spoilt("s1", "g1")
    assert holes.due(40.0) == [Ask(ONE, ((5, 7), (100, 300)), 1)]
    holes.spoilt("s1", "g1")
    (ask,) = holes.due(100.0)
    assert ask.spans[:4] == ((5, 5), (6, 6), (7, 7), (100, 100))
    assert len(ask.spans) == 100
    holes.seen(ONE, [(6, 6)], 101.0)
    assert holes.due(220.0) == [Ask(ONE, ((6, 6),), 3)]


def test_one_entry_that_stays_unreadable_is_hopeless() -> None:
    """After six such answers, when its time comes; a birth between changes nothing."""
    holes = Holes()
    holes.seen(ONE, [(5, 6)], 0.0)
    spoil(holes, 5)
    holes.born("s1", "g1", 1000.0)
    now = spoil(holes, 1, 1000.0)
    assert holes.hopeless(now + 1000.0) == []  # two entries: one of them may be good
    holes.seen(ONE, [(6, 6)], now)
    assert holes.hopeless(now) == []
    assert holes.hopeless(now + 600.0) == [(ONE, (6, 6))]
    holes.seen(ONE, [], now)
    assert holes.hopeless(now + 600.0) == []


def test_what_is_only_not_answered_is_never_hopeless() -> None:
    """A line that loses everything is no reason to give anything up."""
    holes = Holes()
    holes.seen(ONE, [(5, 5)], 0.0)
    holes.spoilt("s1", "g1")
    asked = [holes.due(float(now)) for now in range(0, 100_000, 10)]
    assert sum(map(len, asked)) > 100
    assert holes.hopeless(1e6) == []


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40, unique=True))
def test_every_hole_is_asked_for_when_it_is_old_and_only_then(order: list[int]) -> None:
    """Seqs in any order, one a second: a missing seq is due 10 s after it was missed.

    The moment at which a seq was first missed is that of the first higher one.
    """
    holes, ledger = Holes(), Ledger()
    missed: dict[int, float] = {}
    for second, seq in enumerate(order):
        now = float(second)
        ledger.add([(seq, None)])
        for lower in range(1, seq):
            if lower not in order[:second]:
                missed.setdefault(lower, now)
        holes.seen(ONE, ledger.missing, now)
        missed.pop(seq, None)
        asked = {
            n
            for ask in holes.due(now)
            for first, last in ask.spans
            for n in range(first, last + 1)
        }
        assert asked == {n for n, since in missed.items() if now == since + 10}
