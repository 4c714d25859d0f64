"""What each gateway last said of itself, kept for those who ask."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from central.store.store import CentralStore
from central.store.tables import gateways
from sync.messages import State


def keep_states(store: CentralStore, states: Iterable[State], at: str) -> None:
    """Keep the newest births and deaths; `at` is now, ISO with offset."""
    newest = {(state.site, state.gateway): state for state in states}
    if not newest:
        return
    with store.writing() as conn:
        rows = [_row(conn, state, at) for state in newest.values()]
        conn.execute(store.statements.gateways, rows)


def _row(conn: Connection, state: State, at: str) -> dict[str, Any]:
    where = (gateways.c.site == state.site, gateways.c.gateway == state.gateway)
    asked = select(gateways.c.since).where(*where, gateways.c.online == state.online)
    since = conn.execute(asked).scalar()
    return {
        "site": state.site,
        "gateway": state.gateway,
        "online": state.online,
        "since": since or at,
        "epoch": state.epoch,
        "backlog": state.backlog,
        "oldest_age_seconds": state.oldest_age_seconds,
        "version": state.version,
        "at": state.at,
        "heard_at": at,
    }
