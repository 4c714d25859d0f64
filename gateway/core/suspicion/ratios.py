"""The arithmetic of evidence: likelihood ratios, rates and running products.

Source: proxy-detection.md 4.2-4.4. Everything here is numbers in, number out. No
function returns a probability of guilt; there is none to be had from punches.
"""

import math
from collections.abc import Iterable, MutableSequence, Sequence

# What a fake day would look like (proxy-detection.md 4.3): the chance of each sign if
# the day were fake. They decide power, never validity: a wrong one costs recall only.
CONTRAST_IF_FAKE = 0.90
GAP_IF_FAKE = 0.50
TWICE_IF_FAKE = 0.45
# The unknown share of shared days that are fake, tried side by side.
FAKE_SHARES = (0.08, 0.3, 0.8)
CREDENTIAL_PART = 0.75
# A person's weak rate is never taken to be lower (S1), however long the record.
CONTRAST_FLOOR = 0.015
# Products stop here on both sides: beyond, nothing is decided and floats would end.
HIGHEST = 1e280
_LOWEST = 1e-280


def likelihood_ratio(seen: bool, if_fake: float, if_honest: float) -> float:  # noqa: FBT001 - the outcome itself
    """Return LR(y; a, p) = a/p if y else (1 - a)/(1 - p); 1 when p ≥ a.

    Its mean over an honest y is 1 at the true p and at most 1 for every larger p
    (proxy-detection.md 4.3): overestimating a rate never accuses anybody.
    """
    if if_honest >= if_fake:
        return 1.0
    if seen:
        return if_fake / if_honest
    return (1.0 - if_fake) / (1.0 - if_honest)


def laplace(hits: float, tries: float) -> float:
    """Return (w + 1)/(n + 2): a half before anything was seen (4.3)."""
    return (hits + 1.0) / (tries + 2.0)


def contrast_rate(
    weak: float, known: float, recent_weak: float, recent_known: float
) -> float:
    """Return p̂: the larger of the long-run and the recent weak rate (S1).

    The recent counts halve every five days; with few of them the rate leans on the
    long-run one, so a quiet week is not read as a change of habit.
    """
    long_run = laplace(weak, known)
    recent = (recent_weak + 2.0 * long_run) / (recent_known + 2.0)
    return max(long_run, recent, CONTRAST_FLOOR)


def gap_rate(gaps: float, days: float) -> float:
    """Return q̂: the own rate plus one standard error of it (4.3, detail 4)."""
    rate = laplace(gaps, days)
    return min(1.0, rate + math.sqrt(rate * (1.0 - rate) / (days + 2.0)))


def shrunk(hits: float, tries: float, pool: float, weight: float) -> float:
    """Return r̂: a pair's own rate, drawn to the pool while it has few days (S4)."""
    return (hits + weight * pool) / (tries + weight)


def mean(values: Sequence[float]) -> float:
    """Return the average: slots of one day are dependent, so they never multiply."""
    return values[0] if len(values) == 1 else math.fsum(values) / len(values)


def grow(products: MutableSequence[float], ratio: float, blind: float) -> None:
    """Grow the six running products by a day, with and without the credential."""
    first, second = ratio - 1.0, blind - 1.0
    for index, share in enumerate(FAKE_SHARES):
        other = index + len(FAKE_SHARES)
        products[index] *= 1.0 + share * first
        products[other] *= 1.0 + share * second
    if max(products) > HIGHEST or min(products) < _LOWEST:
        for index, product in enumerate(products):
            products[index] = min(HIGHEST, max(_LOWEST, product))


def e_value(products: Sequence[float]) -> float:
    """Return E from its six running products (4.3): .75 · mean + .25 · mean."""
    shares = len(FAKE_SHARES)
    first, second = sum(products[:shares]), sum(products[shares:])
    return (CREDENTIAL_PART * first + (1.0 - CREDENTIAL_PART) * second) / shares


def poisson_binomial_tail(chances: Iterable[float], least: int) -> float:
    """Return P(N ≥ least) for independent trials of unequal chance, exactly (4.2).

    By convolution, keeping only counts below `least`: O(trials · least).
    """
    if least <= 0:
        return 1.0
    below = [1.0] + [0.0] * (least - 1)
    reached = 0.0
    for chance in chances:
        reached += below[-1] * chance
        for count in range(least - 1, 0, -1):
            below[count] += chance * (below[count - 1] - below[count])
        below[0] *= 1.0 - chance
    return min(1.0, reached)
