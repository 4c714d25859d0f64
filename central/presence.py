"""Telling every further site that the centre is there, and that it died.

MQTT gives one will to a connection, and the collector's own speaks for its first site.
Each other site gets a connection of its own that does nothing but say birth and death:
a centre that is killed is told to every site by the broker.
"""

import logging
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sync.link import (
    Broker,
    Connected,
    Disconnected,
    LinkEvent,
    Published,
    Refused,
    Will,
)
from sync.mqtt import MqttLink
from sync.retry import Retry, loud

log = logging.getLogger("punchgate.central")

_RETRY_BASE_SECONDS = 0.25
_ANSWER_SECONDS = 15.0
_STEADY_SECONDS = 10.0
_BIRTH, _DEATH = 1, 2

Words = Callable[[str, bool], Will]
"""What to say for a site when the centre is there (True) or not, and on which topic."""


@dataclass(slots=True, eq=False)
class _Site:
    """One site's connection; `due` is when it is given up, or tried again."""

    id: str
    link: MqttLink
    retry: Retry
    trying: bool = False
    born_at: float | None = None
    due: float = 0.0


class Presence:
    """The connections of all sites but the collector's own.

    Args:
        broker: the collector's broker; the site's id is added to the client id.
        sites: for whom.
        words: what to say, asked for at each attempt.
        wake: called from other threads when `tend` has something to do.
        reconnect_max_seconds: the longest pause between attempts.
    """

    def __init__(
        self,
        broker: Broker,
        sites: Sequence[str],
        words: Words,
        wake: Callable[[], None],
        reconnect_max_seconds: float,
    ) -> None:
        self._words = words
        self._wake = wake
        self._events: queue.SimpleQueue[tuple[str, LinkEvent]] = queue.SimpleQueue()
        self._sites = {
            site: _Site(
                site,
                MqttLink(
                    replace(broker, client_id=f"{broker.client_id}-{site}"),
                    self._sink(site),
                ),
                Retry(_RETRY_BASE_SECONDS, reconnect_max_seconds),
            )
            for site in sites
        }

    def tend(self, now: float) -> None:
        """Do what is due: open, say that we are there, try again. Never waits."""
        while not self._events.empty():
            site, event = self._events.get()
            self._take(self._sites[site], event, now)
        for item in self._sites.values():
            if not item.trying and now >= item.due:
                item.trying, item.due = True, now + _ANSWER_SECONDS
                item.link.open(self._words(item.id, False))
            elif item.trying and item.born_at is None and now >= item.due:
                self._failed(item, f"no answer within {_ANSWER_SECONDS:g} s", now)

    def lost(self) -> None:
        """Let the sites know, through the broker, that we cannot collect now."""
        for item in self._sites.values():
            item.link.drop()
            item.trying, item.born_at, item.due = False, None, 0.0

    def goodbye(self, until: float) -> None:
        """Say that we go, wait for the broker's word until then, close."""
        owed = {item.id for item in self._sites.values() if self._there(item)}
        for site in owed:
            self._say(self._sites[site], online=False)
        while owed and (wait := until - time.monotonic()) > 0:
            try:
                site, event = self._events.get(timeout=wait)
            except queue.Empty:
                break
            answered = isinstance(event, Published) and event.token == _DEATH
            if answered or isinstance(event, Disconnected):
                owed.discard(site)
        for item in self._sites.values():
            item.link.close()

    def _sink(self, site: str) -> Callable[[LinkEvent], None]:
        def heard(event: LinkEvent) -> None:
            self._events.put((site, event))
            self._wake()

        return heard

    def _there(self, item: _Site) -> bool:
        return item.born_at is not None and item.link.alive

    def _take(self, item: _Site, event: LinkEvent, now: float) -> None:
        if event.attempt != item.link.attempt:
            return
        if isinstance(event, Connected):
            item.born_at = now
            self._say(item, online=True)
        elif isinstance(event, Refused | Disconnected):
            self._failed(item, event.reason, now)

    def _say(self, item: _Site, *, online: bool) -> None:
        word = self._words(item.id, online)
        token = _BIRTH if online else _DEATH
        item.link.publish(word.topic, word.payload, qos=1, retain=True, token=token)

    def _failed(self, item: _Site, reason: str, now: float) -> None:
        item.link.drop()
        if item.born_at is not None and now - item.born_at >= _STEADY_SECONDS:
            item.retry.succeeded()
        seconds = item.retry.failed()
        item.trying, item.born_at, item.due = False, None, now + seconds
        if loud(item.retry.failures):
            values = {"site": item.id, "after": item.retry.failures, "error": reason}
            log.warning("central site down", {**values, "next": f"{seconds:.1f}s"})
