"""2.0.3 Slots: which chain is the IN of a session, and which the OUT.

Always by the scheduled start and end. What fills no slot is kept, unused. The key that
somebody pressed (in or out) decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.rules.repeats import Chain


@dataclass(frozen=True, slots=True)
class Signs:
    """The two signs of a session; None where there is none."""

    arrival: Chain | None = None
    departure: Chain | None = None


def slots(chains: Sequence[Chain], start: int, end: int) -> Signs:
    """Return the signs of a session from the chains of its window, in their order."""
    if not chains:
        return Signs()
    if len(chains) == 1:
        return _single(chains[0], start, end)
    earliest = chains[0]
    # Chains of two sites may lie in each other; none is both signs.
    latest = max(chains[1:], key=lambda chain: chain.last)
    return Signs(
        arrival=earliest if earliest.first < end else None,
        departure=latest if latest.last > start else None,
    )


def _single(chain: Chain, start: int, end: int) -> Signs:
    """Let one chain fill the nearer end, the start where both are as near."""
    nearer_start = abs(chain.first - start) <= abs(end - chain.last)
    if chain.last <= start or (nearer_start and chain.first < end):
        return Signs(arrival=chain)
    return Signs(departure=chain)


def by_place(signs: Signs, start: int, end: int) -> bool:
    """Say whether a sign stands nearer to the other end than to its own."""
    arrival, departure = signs.arrival, signs.departure
    return (arrival is not None and 2 * arrival.first > start + end) or (
        departure is not None and 2 * departure.last < start + end
    )
