"""Follows the book of the centre: what comes is weighed, kept, then put in force.

Whatever is wrong with a message is said in one line, and the last good book stays. Of
several that come while one is weighed only the newest is looked at.
"""

import asyncio
import logging
from typing import Protocol

from gateway import central_book
from gateway.central_book import BookRefusedError, CentralBook
from gateway.clock import Now, text
from gateway.settings import Loaded

log = logging.getLogger("punchgate.daemon")


class View(Protocol):
    """What a new book changes."""

    @property
    def loaded(self) -> Loaded:
        """Settings and book in force."""
        ...

    async def adopt(self, received: CentralBook) -> None:
        """Put a book in force."""
        ...


class Following:
    """Takes the messages of topic `book`."""

    def __init__(self, view: View, now: Now) -> None:
        self._view = view
        self._now = now
        self._newest = b""
        self._came = asyncio.Event()

    def take(self, payload: bytes) -> None:
        """Take a message; it is looked at in its own time."""
        self._newest = payload
        self._came.set()

    async def run(self) -> None:
        """Look at what comes, for ever.

        Raises:
            StoreError: when the journal writes no more.
        """
        self._begin()
        while True:
            await self._came.wait()
            self._came.clear()
            payload, self._newest = self._newest, b""
            try:
                received = await asyncio.to_thread(self._weighed, payload)
            except BookRefusedError as error:
                values = {"reason": str(error), "bytes": len(payload)}
                log.warning("book refused", {**values, "version": error.version})
                continue
            if received is not None:
                await self._view.adopt(received)

    def _begin(self) -> None:
        """Say with which book of the centre we begin."""
        loaded = self._view.loaded
        if not loaded.follows_centre:
            return
        found = loaded.received
        if found is not None:
            values = {"version": found.book.version or None}
            log.info("book kept", {**values, "received": found.received_at})
            return
        unusable = (one.reason for one in loaded.concerns if one.path == "gateway.book")
        log.warning("book missing", {"reason": next(unusable, "none came yet")})

    def _weighed(self, payload: bytes) -> CentralBook | None:
        """Return a book that is good and new, on the disk; None for the one we have.

        Raises:
            BookRefusedError: it is not to be used.
        """
        loaded = self._view.loaded
        site, last = loaded.settings.gateway.site, loaded.received
        found = central_book.read(payload, site, text(self._now()))
        version = found.book.version
        if last and (last.digest, last.book.version) == (found.digest, version):
            return None
        if last and central_book.is_older(version, last.book.version):
            reason = f"version {last.book.version} is newer, and here already"
            raise BookRefusedError(reason, version)
        for index, words in central_book.contradicted(found.book, loaded.settings.pins):
            terminal = loaded.settings.terminals[index].id
            raise BookRefusedError(f"terminal {terminal}: the pinned {words}", version)
        try:
            central_book.keep(loaded.book_path, found)
        except OSError as error:
            log.warning("book not kept", {"error": str(error)})
        return found
