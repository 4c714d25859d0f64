"""The ledger against a plain set of numbers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.ledger import Ledger, Range

batches = st.lists(st.lists(st.integers(1, 40), max_size=12), max_size=12)


def hashed(seqs: list[int]) -> list[tuple[int, str | None]]:
    """Return entries whose hash is their number."""
    return [(seq, f"h{seq}") for seq in seqs]


@given(batches)
def test_ledger_is_a_set_of_numbers(lists: list[list[int]]) -> None:
    """Ranges, upto and holes are those of the set of everything added."""
    ledger, seen = Ledger(), set[int]()
    for seqs in lists:
        ledger.add(hashed(seqs))
        seen |= set(seqs)
    ranges = ledger.ranges
    assert {n for r in ranges for n in range(r.first, r.last + 1)} == seen
    assert all(a.last + 1 < b.first for a, b in pairwise(ranges))
    upto = next(n for n in range(42) if n + 1 not in seen)
    assert ledger.upto == upto
    top = max(seen, default=0)
    holes = {n for first, last in ledger.missing for n in range(first, last + 1)}
    assert holes == set(range(1, top + 1)) - seen
    assert all(item.head == f"h{item.last}" for item in ranges)
    assert ledger.chain == (f"h{upto}" if upto else None)


@given(batches)
def test_repeating_everything_changes_nothing(lists: list[list[int]]) -> None:
    """At-least-once delivery books exactly once."""
    ledger = Ledger()
    for seqs in lists:
        ledger.add(hashed(seqs))
    before = ledger.ranges
    for seqs in reversed(lists):
        ledger.add([(seq, "another story") for seq in seqs])
    assert ledger.ranges == before


@given(batches)
def test_a_ledger_can_be_stored_and_read(lists: list[list[int]]) -> None:
    """Ranges in any order give the same ledger again."""
    ledger = Ledger()
    for seqs in lists:
        ledger.add(hashed(seqs))
    again = Ledger(reversed(ledger.ranges))
    assert again.ranges == ledger.ranges
    assert again.missing == ledger.missing


def test_a_batch_is_booked_by_what_it_lists() -> None:
    """The numbers between first and last of a batch are not booked with it."""
    ledger = Ledger()
    ledger.add(hashed([1, 2, 5]))
    assert ledger.upto == 2
    assert ledger.missing == [(3, 4)]


def test_head_is_known_at_the_end_of_a_range_only() -> None:
    """A hash inside a range is not kept, and none is made up."""
    ledger = Ledger([Range(1, 3, "h3"), Range(7, 7)])
    assert ledger.head_at(3) == "h3"
    assert ledger.head_at(2) is None
    assert ledger.head_at(7) is None
    assert ledger.head_at(0) is None
    assert ledger.head_at(5) is None


def test_a_stream_begins_at_one() -> None:
    """A seq of 0 is a defect, not an entry."""
    with pytest.raises(ValueError, match="begins at 1"):
        Ledger().add([(0, None)])


closings = st.lists(
    st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 5)), max_size=20
)


@given(closings)
def test_closed_ranges_are_booked_and_have_no_hash(
    steps: list[tuple[bool, int, int]],
) -> None:
    """Received or closed, a seq is booked; a hash stands only where one was received.

    A range ends with the hash of its last seq if that was received, else with none.
    """
    ledger, received, booked = Ledger(), set[int](), set[int]()
    for close, first, more in steps:
        seqs = range(first, first + more + 1)
        if close:
            ledger.close(first, first + more)
        else:
            ledger.add(hashed(list(seqs)))
            received |= set(seqs)
        booked |= set(seqs)
    ranges = ledger.ranges
    assert {n for r in ranges for n in range(r.first, r.last + 1)} == booked
    assert all(a.last + 1 < b.first for a, b in pairwise(ranges))
    wanted = {r.last: f"h{r.last}" if r.last in received else None for r in ranges}
    assert {r.last: r.head for r in ranges} == wanted


def test_a_closed_end_has_no_hash_until_one_comes() -> None:
    """What was given up and comes after all brings its hash; a hash stays."""
    ledger = Ledger([Range(1, 3, "h3")])
    ledger.close(4, 6)
    assert (ledger.upto, ledger.chain, ledger.head_at(6)) == (6, None, None)
    ledger.add([(5, "h5"), (6, "h6")])
    assert (ledger.upto, ledger.chain) == (6, "h6")
    ledger.close(2, 6)
    assert ledger.chain == "h6"


@pytest.mark.parametrize("first, last", [(0, 3), (4, 3), (-1, -1)])
def test_what_is_no_range_cannot_be_closed(first: int, last: int) -> None:
    """A defect, not a hole."""
    with pytest.raises(ValueError, match="no range"):
        Ledger().close(first, last)
