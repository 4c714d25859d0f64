"""The daemon's alarm outlets: log lines, reasons in `state`, the Prometheus textfile.

Risks come from what is known anyway; looking costs no counting of rows. A textfile
that cannot be written is said in the log and holds nothing up.
"""

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, Protocol

from gateway import textfile
from gateway.clock import Now
from gateway.health import Risk, RiskId, risks
from gateway.log import loud
from gateway.settings import Loaded
from sync.certificates import Notices

log = logging.getLogger("punchgate.daemon")

_TEXTFILE_SECONDS = 15.0


class View(Protocol):
    """What the daemon knows, and how it says that the risks are others."""

    @property
    def loaded(self) -> Loaded:
        """Settings in force."""
        ...

    def overview(self) -> dict[str, Any]:
        """Return `status --json` from what is known without counting."""
        ...

    def announce(self) -> None:
        """Publish the gateway's state again."""
        ...


class Alarms:
    """Looks now and then, and says what is new."""

    def __init__(self, view: View, now: Now, version: str) -> None:
        self._view = view
        self._now = now
        self._version = version
        self._seen: set[str] = set()
        self._risks: dict[str, Risk] = {}
        self._write_at = 0.0
        self._failures = 0
        self._notices = Notices()

    @property
    def keys(self) -> list[str]:
        """Return what is at risk, as the state message has it."""
        return sorted(self._risks)

    async def look(self) -> None:
        """See what is at risk now; tell it where that changed.

        Told is what two looks in a row saw: a moment between two counts is no risk.
        """
        mqtt = self._view.loaded.settings.mqtt
        self._notices.look(mqtt.tls_ca, mqtt.tls_cert)
        status = self._view.overview()
        alarms = self._view.loaded.settings.alarms
        seen = {risk.key: risk for risk in risks(status, alarms, self._now())}
        found = {key: risk for key, risk in seen.items() if key in self._seen}
        self._seen = set(seen)
        changed = found.keys() != self._risks.keys()
        self._log(found)
        self._risks = found
        if changed:
            self._view.announce()
        if changed or time.monotonic() >= self._write_at:
            await self._write(status, list(found.values()), up=True)

    async def stop(self) -> None:
        """Leave a textfile that says that the daemon is not running."""
        down = Risk(RiskId.DAEMON_DOWN, None, "the daemon is not running")
        gateway = self._view.loaded.settings.gateway
        ids = {"gateway": gateway.id, "site": gateway.site}
        await self._write(ids, [down], up=False)

    def _log(self, found: dict[str, Risk]) -> None:
        for key, risk in found.items():
            if key not in self._risks:
                values = {"id": risk.id.value, "terminal": risk.terminal}
                log.warning("risk", {**values, "words": risk.words})
        for key, risk in self._risks.items():
            if key not in found:
                log.info("risk over", {"id": risk.id.value, "terminal": risk.terminal})

    async def _write(self, status: dict[str, Any], at: list[Risk], *, up: bool) -> None:
        path = self._view.loaded.settings.alarms.textfile
        if not path:
            return
        self._write_at = time.monotonic() + _TEXTFILE_SECONDS
        text = textfile.render(status, at, self._version, self._now(), up=up)
        try:
            await asyncio.to_thread(textfile.write, Path(path), text)
        except OSError as error:
            self._failures += 1
            if loud(self._failures):
                values = {"path": path, "error": error.strerror or str(error)}
                log.warning("textfile failed", {**values, "count": self._failures})
        else:
            self._failures = 0
