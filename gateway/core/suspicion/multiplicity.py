"""Many pairs, few cases: weighted e-BH (proxy-detection.md 4.5).

Controls the false discovery rate under any dependence, which pairs that share people
and days have. Re-run every night it is not covered by the theorem; hence a case stays
open only while it is selected today, and money looks at one date a month.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

DAYS_THAT_COUNT = 6
_WEIGHTS = tuple(days**2 for days in range(DAYS_THAT_COUNT + 1))


def raw_weight(shared_days: int) -> int:
    """Return min(shared days, 6)², before the mean over the family is made 1.

    It uses the adjacency count alone, on which the e-process is conditional.
    """
    return _WEIGHTS[shared_days] if shared_days < DAYS_THAT_COUNT else _WEIGHTS[-1]


def e_bh(
    weighted: Iterable[tuple[Key, float]], family: int, alpha: float
) -> Mapping[Key, int]:
    """Select by e-BH: the largest k with E_(k) w_(k) ≥ m/(alpha k).

    Args:
        weighted: E·w by key; what lies below 1/alpha cannot be chosen and may
            be left out.
        family: m, everything ever tested, also what is left out.
        alpha: the nominal false discovery rate.

    Returns:
        The selected keys with their rank (1 = strongest); ties by key.
    """
    ranked = sorted(weighted, key=lambda item: (-item[1], item[0]))
    chosen = 0
    for rank, (_, strength) in enumerate(ranked, 1):
        if strength * alpha * rank >= family:
            chosen = rank
    return {key: rank for rank, (key, _) in enumerate(ranked[:chosen], 1)}
