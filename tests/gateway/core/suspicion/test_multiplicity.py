"""e-BH against the definition, word by word."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.suspicion.multiplicity import e_bh, raw_weight


def naive(strengths: list[float], family: int, alpha: float) -> set[int]:
    """Return the largest set of k with k strengths of at least m/(alpha k)."""
    best: set[int] = set()
    for size in range(1, len(strengths) + 1):
        enough = {n for n, e in enumerate(strengths) if e * alpha * size >= family}
        if len(enough) >= size:
            ranked = sorted(range(len(strengths)), key=lambda n: (-strengths[n], n))
            best = set(ranked[:size])
    return best


@given(
    st.lists(st.floats(0, 1e4), max_size=12),
    st.integers(0, 40),
    st.sampled_from([0.01, 0.05, 0.2]),
)
def test_the_selection_is_the_definition(
    strengths: list[float], more: int, alpha: float
) -> None:
    """Sorted search and definition choose the same, ranks from the strongest."""
    family = len(strengths) + more
    chosen = e_bh(list(enumerate(strengths)), family, alpha)
    assert set(chosen) == naive(strengths, family, alpha)
    assert sorted(chosen.values()) == list(range(1, len(chosen) + 1))
    by_rank = [strengths[key] for key in sorted(chosen, key=chosen.__getitem__)]
    assert by_rank == sorted(by_rank, reverse=True)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=12))
def test_what_lies_below_the_least_changes_nothing(strengths: list[float]) -> None:
    """Leaving out what cannot be chosen (below 1/alpha) leaves the selection."""
    rows = list(enumerate(strengths))
    short = [(n, e) for n, e in rows if e >= 20]
    assert e_bh(rows, len(rows), 0.05) == e_bh(short, len(rows), 0.05)


def test_the_bar_rises_with_the_family() -> None:
    """One strong pair among many tests is no discovery."""
    assert e_bh([("a", 1_000.0)], 50, 0.05) == {"a": 1}
    assert e_bh([("a", 1_000.0)], 51, 0.05) == {}
    assert e_bh([("a", 600.0), ("b", 600.0)], 60, 0.05) == {"a": 1, "b": 2}


def test_weights_look_at_shared_days_alone() -> None:
    """min(days, 6) squared: one shared day weighs a thirty-sixth of six."""
    assert [raw_weight(days) for days in (1, 2, 6, 40)] == [1, 4, 36, 36]
