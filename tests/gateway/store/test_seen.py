"""Counting what came before: exactly a dictionary's answers, in less memory."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.seen import Seen, fingerprint

marks = st.integers(-(2**63), 2**63 - 1).filter(bool)
# Equal low bits: all of them want one slot.
crowded = st.integers(0, 5000).map(lambda n: (n << 20) | 1)


@given(st.lists(marks | crowded | st.sampled_from([1, -1, 1 << 20]), max_size=3000))
def test_it_counts_like_a_dictionary(came: list[int]) -> None:
    """Whatever comes, however often, and while the table grows."""
    seen, want = Seen(), Counter[int]()
    for mark in came:
        assert seen.add(mark) == want[mark]
        want[mark] += 1
    assert all(seen.count(mark) == times for mark, times in want.items())
    assert seen.count(7 << 40) == want[7 << 40]


def test_a_hundred_thousand_fingerprints() -> None:
    """A whole log's worth, each once, then each again."""
    marks_ = [fingerprint(str(number).encode()) for number in range(100_000)]
    seen = Seen()
    assert not any(seen.add(mark) for mark in marks_)
    assert all(seen.count(mark) == 1 for mark in marks_)
    assert all(seen.add(mark) == 1 for mark in marks_[:1000])
    assert seen.count(marks_[0]) == 2


def test_counts_from_elsewhere() -> None:
    """What is stored already stands before what comes now; nothing may be zero."""
    seen = Seen({5: 2})
    assert [seen.add(5), seen.add(5), seen.count(5)] == [2, 3, 4]
    seen.learn({6: 0})
    assert [seen.add(6), seen.add(6)] == [0, 1]
