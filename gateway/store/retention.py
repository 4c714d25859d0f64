"""What may go: entries the centre confirmed long ago, and old readings of clocks.

Age alone deletes nothing: an entry that is not confirmed stays for ever. Punches and
raw rows stay too; the count equation and judging need them, and punches whose entries
are gone can be queued anew.
"""

from sqlite_utils import Database

from gateway.store.schema import table

PIECE = 2_000
"""Rows deleted in one transaction, so that punches need not wait."""


def prune(db: Database, before: str) -> bool:
    """Delete one piece of what is older than `before`; return whether more waits.

    Args:
        db: the journal, for writing.
        before: ISO text as the journal writes it; older entries go if confirmed.
    """
    for epoch in list(table(db, "epochs").rows_where(order_by="id")):
        if _prune_epoch(db, epoch["id"], _deletable(db, epoch), before):
            return True
    return _prune_clocks(db, before)


def _deletable(db: Database, epoch: dict[str, int]) -> int:
    """Return the last entry that may go: confirmed, or queued again later."""
    later = table(db, "epochs").count_where("id > ?", [epoch["id"]])
    return epoch["head_seq"] if later else epoch["acked_seq"]


def _prune_epoch(db: Database, epoch: int, upto: int, before: str) -> bool:
    """Delete the oldest entries of an epoch, in their order: what stays has no gap."""
    rows = list(
        table(db, "outbox").rows_where(
            "epoch = ? AND seq <= ?",
            [epoch, upto],
            select="seq, created_at",
            order_by="seq",
            limit=PIECE,
        )
    )
    keep = next((i for i, row in enumerate(rows) if row["created_at"] >= before), None)
    old = rows[:keep]
    if not old:
        return False
    last = old[-1]["seq"]
    table(db, "outbox").delete_where("epoch = ? AND seq <= ?", [epoch, last])
    table(db, "epochs").update(epoch, {"pruned_seq": last})
    return keep is None and len(rows) == PIECE


def _prune_clocks(db: Database, before: str) -> bool:
    """Delete a piece of the history of the clocks."""
    clocks = table(db, "clocks")
    old = [
        row["id"]
        for row in clocks.rows_where(
            "measured_at < ?", [before], select="id", order_by="id", limit=PIECE
        )
    ]
    if old:
        clocks.delete_where("id <= ? AND measured_at < ?", [old[-1], before])
    return len(old) == PIECE
