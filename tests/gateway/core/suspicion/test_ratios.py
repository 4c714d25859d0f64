"""The arithmetic of evidence, against enumeration and brute force."""

import math
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.suspicion.pairs import Outcome, Pair, Pool, Rates, add_day, day_ratios
from gateway.core.suspicion.people import PersonDay
from gateway.core.suspicion.ratios import (
    CONTRAST_FLOOR,
    FAKE_SHARES,
    contrast_rate,
    e_value,
    gap_rate,
    grow,
    laplace,
    likelihood_ratio,
    mean,
    poisson_binomial_tail,
    shrunk,
)

DAY = PersonDay(1, (), 0, 0, frozenset(), (), (), True, ())
share = st.floats(0.001, 0.999)


@given(share, share)
def test_a_likelihood_ratio_has_mean_one(fake: float, honest: float) -> None:
    """At the true rate an honest sign is worth exactly nothing on average."""
    seen = likelihood_ratio(True, fake, honest)
    not_seen = likelihood_ratio(False, fake, honest)
    assert honest * seen + (1 - honest) * not_seen == pytest.approx(1)


@given(share, share, share)
def test_an_overestimated_rate_never_accuses(
    fake: float, true: float, more: float
) -> None:
    """With a null rate at or above the true one the mean is at most one."""
    null = true + (1 - true) * more
    seen, not_seen = (likelihood_ratio(y, fake, null) for y in (True, False))
    assert true * seen + (1 - true) * not_seen <= 1 + 1e-9


def test_a_ratio_is_one_where_the_null_is_as_likely() -> None:
    """A habitual card user cannot be told by a card."""
    assert likelihood_ratio(True, 0.9, 0.9) == 1
    assert likelihood_ratio(False, 0.9, 0.95) == 1
    assert likelihood_ratio(True, 0.9, 0.015) == pytest.approx(60)
    assert likelihood_ratio(False, 0.9, 0.5) == pytest.approx(0.2)


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("days", [1, 2, 3])
@pytest.mark.parametrize("slack", [1.0, 1.7])
def test_e_is_a_supermartingale(days: int, slots: int, slack: float) -> None:
    """Over every honest course, enumerated, the mean of E is at most one.

    Slots of a day are made as dependent as can be: all weak or all strong together.
    """
    true = Rates(0.1, 0.12, 0.2)
    null = Rates(*(rate * slack for rate in true))
    total = 0.0
    for course in product(product((True, False), repeat=3), repeat=days):
        chance = 1.0
        pair = Pair()
        for weak, gap, twice in course:
            for rate, seen in zip(true, (weak, gap, twice), strict=True):
                chance *= rate if seen else 1 - rate
            outcome = Outcome((weak,) * slots, gap, twice)
            add_day(pair, DAY, (), outcome, null, Pool())
        total += chance * pair.e
    assert total <= 1 + 1e-9
    if slack == 1.0:
        assert total == pytest.approx(1)


def test_multiplied_slots_would_accuse() -> None:
    """Why slots are averaged: multiplied, dependent slots have a mean far above one."""
    rate = 0.1
    product_mean = rate * (0.9 / rate) ** 2 + (1 - rate) * (0.1 / 0.9) ** 2
    averaged = rate * mean([0.9 / rate] * 2) + (1 - rate) * mean([0.1 / 0.9] * 2)
    assert product_mean > 8
    assert averaged == pytest.approx(1)


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=4),
            st.sampled_from([None, 0, 1, 8]),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_running_products_are_the_formula(
    days: list[tuple[list[bool | None], int | None, bool]],
) -> None:
    """The state after any course equals the formula written down in one piece."""
    rates = Rates(0.03, 0.1, 0.2)
    pair = Pair()
    ratios = []
    for contrasts, gap, twice in days:
        outcome = Outcome(tuple(contrasts), gap, twice)
        add_day(pair, DAY, (), outcome, rates, Pool())
        blind = 0.45 / 0.2 if twice else 0.55 / 0.8
        blind *= 1 if gap is None else (0.5 / 0.1 if gap else 0.5 / 0.9)
        slots = [{True: 30.0, False: 0.1 / 0.97, None: 1.0}[one] for one in contrasts]
        ratios.append((sum(slots) / len(slots) * blind, blind))
        assert day_ratios(outcome, rates) == pytest.approx(ratios[-1])
    parts = [
        sum(math.prod(1 - e + e * one[k] for one in ratios) for e in FAKE_SHARES) / 3
        for k in (0, 1)
    ]
    assert pair.e == pytest.approx(0.75 * parts[0] + 0.25 * parts[1])


def test_products_never_leave_the_range_of_numbers() -> None:
    """Years of one kind of day end at a wall, not in infinity or zero."""
    products = [1.0] * 6
    for _ in range(2_000):
        grow(products, 1e4, 0.0)
    assert products == [1e280] * 3 + [pytest.approx(1e-280)] * 3
    assert e_value([1.0, 2.0, 3.0, 4.0, 4.0, 4.0]) == pytest.approx(2.5)
    assert FAKE_SHARES == (0.08, 0.3, 0.8)


@given(st.integers(0, 60), st.integers(0, 60))
def test_rates_lean_to_innocence(hits: int, more: int) -> None:
    """Few days make a high rate, many a lower one, none below the floor."""
    tries = hits + more
    assert 0 < laplace(hits, tries) < 1
    assert gap_rate(hits, tries) >= laplace(hits, tries)
    assert gap_rate(hits, tries) <= 1
    assert contrast_rate(hits, tries, 0, 0) >= max(laplace(hits, tries), CONTRAST_FLOOR)


def test_a_cut_finger_raises_the_rate_at_once() -> None:
    """The recent rate protects: six weak of eight lately beat a clean year."""
    calm = contrast_rate(2, 800, 0, 20)
    hurt = contrast_rate(8, 808, 6, 8)
    assert calm == CONTRAST_FLOOR
    assert hurt > 0.5
    assert contrast_rate(0, 0, 0, 0) == 0.5
    assert shrunk(0, 0, 0.2, 4) == pytest.approx(0.2)
    assert shrunk(8, 8, 0.2, 4) == pytest.approx(8.8 / 12)


@given(st.lists(st.floats(0, 1), max_size=9), st.integers(0, 10))
def test_the_tail_is_exact(chances: list[float], least: int) -> None:
    """Poisson-binomial by convolution equals the sum over all outcomes."""
    expected = 0.0
    for hits in product((0, 1), repeat=len(chances)):
        if sum(hits) >= least:
            expected += math.prod(
                p if hit else 1 - p for p, hit in zip(chances, hits, strict=True)
            )
    assert poisson_binomial_tail(chances, least) == pytest.approx(expected, abs=1e-12)
    tails = [poisson_binomial_tail(chances, k) for k in range(4)]
    assert all(one >= other - 1e-12 for one, other in pairwise(tails))
