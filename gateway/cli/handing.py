"""Has what somebody does to a terminal written down: by the daemon, else by ourselves.

What cannot be written down is not done.
"""

import asyncio
from collections.abc import Sequence

from gateway import control, handwork
from gateway.cli.own_journal import own_intake
from gateway.errors import StoreError
from gateway.handwork import Deed, Deeds
from gateway.settings import Loaded

_ANSWER_SECONDS = 60.0


class UntoldError(Exception):
    """A deed is in no journal; why is in the words."""


async def tell(loaded: Loaded, terminal: str, deeds: Sequence[Deed]) -> None:
    """Put deeds into the journal, in order.

    Raises:
        UntoldError: it is not to be had.
    """
    if not deeds:
        return
    done = Deeds(terminal, handwork.whoever(), tuple(deeds))
    try:
        try:
            await _by_daemon(loaded, done)
        except control.NoDaemonError:
            async with own_intake(loaded) as intake:
                await handwork.keep(intake, done, loaded.book_serial(terminal))
    except (StoreError, control.RefusedError) as error:
        raise UntoldError(f"this cannot be written down: {error}") from None


async def _by_daemon(loaded: Loaded, done: Deeds) -> None:
    for piece in handwork.in_pieces(done):
        await asyncio.to_thread(
            control.ask, loaded.data_dir, "handled", _ANSWER_SECONDS, **piece.to_json()
        )
