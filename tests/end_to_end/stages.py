"""How far a punch had come when its carrier died, read from disk alone."""

from tests.end_to_end.processes import Site, query

STAGES = (
    "start-up",
    "raw committed / cursor not",
    "outbox committed / unsent",
    "sent / unacked",
    "centre committed / ack unsent",
)
NOT_INTERPRETED = "not interpreted"
ACKNOWLEDGED = "acknowledged"


def cursor_moved(site: Site) -> bool:
    """Say whether the cursor stands behind every committed row."""
    raw = query(site.journal, "SELECT count(*) FROM raw")
    cursor = query(site.journal, "SELECT position FROM cursors")
    return not raw or raw[0][0] == (cursor[0][0] if cursor else 0)


def stage_at_death(site: Site, newest: str, *, arrived: bool) -> str:
    """Return where the newest punch is; `arrived`: the centre has committed it.

    Whether an acknowledgement had left the centre only the transport knows: one that is
    written down here is `ACKNOWLEDGED`, any other counts as unsent.
    """
    raw = query(site.journal, "SELECT count(*) FROM raw")
    if not raw or raw[0][0] < len(site.attlog.read_text("utf-8").splitlines()):
        return STAGES[0]
    if not cursor_moved(site):
        return STAGES[1]
    if not arrived:
        return STAGES[2] if newest in site.journal_ids() else NOT_INTERPRETED
    sql = "SELECT head_seq, acked_seq FROM epochs ORDER BY id DESC LIMIT 1"
    ((head, acked),) = query(site.journal, sql)
    return ACKNOWLEDGED if acked >= head else STAGES[4]
