"""The journal in a command of our own, where no daemon has it."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from gateway.cli.app import now_of_process
from gateway.clock import text
from gateway.errors import StoreError
from gateway.intake import Intake
from gateway.retained import VERSION
from gateway.settings import Loaded
from gateway.store import epochs
from gateway.store.journal import Journal


@asynccontextmanager
async def own_intake(loaded: Loaded) -> AsyncIterator[Intake]:
    """Have the journal ourselves, as a daemon would.

    Raises:
        StoreError: it is not to be had, or files of root would lock the daemon out.
    """
    owner = loaded.data_dir.stat().st_uid if loaded.data_dir.exists() else os.geteuid()
    if owner != os.geteuid() == 0:
        raise StoreError(
            f"no daemon works on {loaded.data_dir}, which belongs to user {owner}:"
            " start the daemon, or run this as that user"
        )
    journal = Journal(loaded.data_dir, VERSION)
    started = journal.open()
    now = now_of_process()
    try:
        with _said_by_the_command():
            intake = Intake(journal, now, lambda: None, loaded.book)
            await intake.ask(lambda db: epochs.current(db, text(now())))
            codes = {spec.id: spec.codes() for spec in loaded.settings.terminals}
            await intake.learn(loaded.book, codes, loaded.book_digest)
            yield intake
    finally:
        await asyncio.to_thread(journal.close, clean=not started.unclean)


@contextmanager
def _said_by_the_command() -> Iterator[None]:
    """Keep log lines of a daemon to ourselves: a command has words of its own."""
    log = logging.getLogger("punchgate.intake")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
