"""Entries asked for again come in order, each once, whatever their kind and size."""

from sync.repairs import Repairs
from tests.sync.memory_outbox import MemoryOutbox


def filled(count: int) -> MemoryOutbox:
    """Return an outbox with punches, and an event among every 250."""
    outbox = MemoryOutbox("e")
    outbox.add_punches(range(count))
    return outbox


def everything(repairs: Repairs, outbox: MemoryOutbox, limit: int) -> list[list[int]]:
    """Take until nothing waits; return the seqs of each message."""
    taken = []
    while rows := repairs.take(outbox, limit)[1]:
        assert len({row.kind for row in rows}) == 1
        taken.append([row.seq for row in rows])
    return taken


def test_ranges_come_in_pieces_of_one_kind() -> None:
    """A range across topics is several messages; no entry is left out."""
    outbox, repairs = filled(300), Repairs()
    repairs.add("e", [(245, 255), (3, 3)])
    assert everything(repairs, outbox, 4) == [
        [245, 246, 247, 248],
        [249],
        [250],
        [251, 252, 253, 254],
        [255],
        [3],
    ]


def test_what_is_gone_holds_nothing_up() -> None:
    """Ranges of other epochs and beyond the end are passed over."""
    outbox, repairs = filled(10), Repairs()
    repairs.add("other", [(1, 5)])
    repairs.add("e", [(9, 40), (50, 60), (2, 2)])
    assert everything(repairs, outbox, 100) == [[9, 10], [2]]


def test_rows_that_did_not_fit_come_next() -> None:
    """A message may be too small for what was taken."""
    outbox, repairs = filled(10), Repairs()
    repairs.add("e", [(1, 6), (8, 8)])
    epoch, rows = repairs.take(outbox, 4)
    repairs.give_back(epoch, rows[1:])
    repairs.give_back(epoch, [])
    assert everything(repairs, outbox, 100) == [[2, 3, 4], [5, 6], [8]]


def test_asking_twice_sends_once_and_too_much_is_asked_again() -> None:
    """A centre that repeats itself does not fill the memory."""
    outbox, repairs = filled(10), Repairs()
    repairs.add("e", [(1, 2), (1, 2)])
    assert everything(repairs, outbox, 100) == [[1, 2]]
    repairs.add("e", ((n, n) for n in range(1, 3_000)))
    repairs.clear()
    assert everything(repairs, outbox, 100) == []
    repairs.add("e", ((n, n) for n in range(11, 3_000)))
    repairs.add("e", [(1, 1)])
    assert everything(repairs, outbox, 100) == []
