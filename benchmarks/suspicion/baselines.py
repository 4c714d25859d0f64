"""What is usually done instead, on the same events: two rules that name pairs.

The usual product rule counts closeness; adjacency with Benjamini-Hochberg asks whether
two people stand together more often than strangers would. Both find acquaintance.
"""

from benchmarks.suspicion.plant import Plant
from gateway.core.suspicion.queues import Queues, Sheet
from gateway.core.suspicion.ties import ties

SLOTS = 8
LEVEL = 0.05

Pairs = set[frozenset[str]]


def product_rule(days: list[Sheet]) -> Pairs:
    """Name pairs within 12 s of each other on eight or more slots."""
    slots: dict[frozenset[str], set[tuple[int, int | None]]] = {}
    for sheet in days:
        for stand, other in sheet.beside:
            pair = frozenset((stand.person, other))
            slots.setdefault(pair, set()).add((sheet.day, stand.slot))
    return {pair for pair, seen in slots.items() if len(seen) >= SLOTS}


def adjacency(queues: Queues, days: list[Sheet]) -> Pairs:
    """Name pairs whose adjacency tail survives Benjamini-Hochberg at 5 %."""
    met = {
        (min(stand.person, other), max(stand.person, other))
        for sheet in days
        for stand, other in sheet.beside
    }
    tested = sorted((tie.tail, pair) for pair, tie in ties(queues, met).items())
    names = {name for pair in met for name in pair}
    family = len(names) * (len(names) - 1) // 2
    last = 0
    for rank, (tail, _) in enumerate(tested, 1):
        if tail <= LEVEL * rank / family:
            last = rank
    return {frozenset(pair) for _, pair in tested[:last]}


def right(named: Pairs, plants: list[Plant]) -> int:
    """Return how many named pairs are a cheat and the helper."""
    true = {
        frozenset((one, other))
        for plant in plants
        for one in plant.subjects
        for other in plant.neighbours
    }
    return len(named & true)
