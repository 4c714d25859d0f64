"""What the uplink says in the log: changes, not repetitions."""

import logging
from collections.abc import Sequence

from sync.holes import Span
from sync.retry import loud
from sync.uplink_flow import Flow
from sync.uplink_values import Gate

log = logging.getLogger("punchgate.sync")

_ACK_SECONDS = 1.0


class UplinkLog:
    """Remembers what was said last."""

    def __init__(self) -> None:
        self.gate = Gate.OPEN
        self._up = False
        self._refused = 0
        self._ack_at = 0.0
        self._holes = 0
        self._reason = ""

    def up(self, where: str, protocol: str | None, backlog: int) -> None:
        """Say that a broker let us in, once for each time we said it did not."""
        if self._up:
            return
        self._up = True
        self._reason = ""
        values = {"broker": where, "protocol": protocol}
        log.info("uplink up", {**values, "backlog": backlog})

    def down(self, after: int, reason: str, pause: float) -> None:
        """Say that a connection ended or did not come to be.

        At 1, 10, 100 in a row, and whenever it is for another reason than before.
        """
        if loud(after) or reason != self._reason:
            self._up = False
            self._reason = reason
            values = {"after": after, "error": reason}
            log.warning("uplink down", {**values, "next": f"{pause:.1f}s"})

    def refused(self, reason: str, code: int) -> None:
        """Say that the broker refused something: at 1, 10, 100 in a row."""
        self._refused += 1
        if loud(self._refused):
            values = {"reason": reason, "code": code, "count": self._refused}
            log.error("uplink refused", values)

    def taken(self) -> None:
        """Note that the broker takes batches again."""
        self._refused = 0

    def held(self, gate: Gate, backlog: int) -> None:
        """Say that sending is held back, or goes on."""
        self.gate = gate
        if gate is Gate.OPEN:
            log.info("uplink open", {"backlog": backlog})
        else:
            log.warning("uplink held", {"reason": gate.value, "backlog": backlog})

    def holes(self, spans: Sequence[Span]) -> None:
        """Say that entries are sent again because they never came: at 1, 10, 100."""
        for first, last in spans:
            self._holes += 1
            if loud(self._holes):
                values = {"first": first, "last": last, "count": self._holes}
                log.warning("uplink hole", values)

    def ack(self, flow: Flow, lag: float | None, now: float) -> None:
        """Say what is confirmed: each ack when live, one a second from a backlog."""
        if flow.acked >= flow.sent or now - self._ack_at >= _ACK_SECONDS:
            self._ack_at = now
            shown = None if lag is None else f"{lag:.2f}s"
            log.info("uplink ack", {"upto": flow.acked, "lag": shown})
