"""What to send when: window, go-back, probing and what an acknowledgement means.

Pure: no sockets, no clock, no log. Times are seconds of a monotonic clock and come in
as arguments; decisions go out as values. `sync.uplink` carries them out.

An entry is done when it is confirmed, never when it is sent: a broker's answer only
paces (except with `confirm = "broker"`), and silence, a refusal or a restarted centre
always lead back to the last confirmed entry.
"""

from collections import deque
from collections.abc import Callable

from sync.holes import Holes, Span
from sync.link import FAILED, NO_SUBSCRIBER
from sync.messages import Ack
from sync.outbox import Position
from sync.uplink_flight import Flight, contradiction
from sync.uplink_values import (
    Acked,
    Answer,
    Confirm,
    Confirmed,
    Gate,
    UplinkOptions,
    Verdict,
)

FORK_PAUSE_SECONDS = 60.0
_GROW_AFTER = 1_000
_SHRINK_AFTER = 2


class Flow:
    """The state of one gateway's sending."""

    def __init__(self, options: UplinkOptions, position: Position) -> None:
        self._options = options
        self.epoch = position.epoch
        self.acked = position.acked
        self.sent = position.acked
        self.gate = Gate.OPEN
        self.refusals = 0
        self.unheard = 0
        self.rows = options.batch
        self._holes = Holes(options.reorder_seconds, options.go_back_max_seconds)
        self._store = position.store
        self._generation = position.generation
        self._window = options.window
        self._patience = options.go_back_seconds
        self._progress_at = 0.0
        self._answered_at = 0.0
        self._probe_at = 0.0
        self._credit = 0
        self._centre_online: bool | None = None
        self._forked_at: float | None = None
        self._hello_until: float | None = None
        self._flights: dict[int, Flight] = {}
        self._order: deque[Flight] = deque()
        self._confirmed: Confirmed | None = None
        self._token = 0
        self._answers = 0
        self._fruitless = 0
        self._unheeded = 0
        self._grown = 0

    @property
    def in_flight(self) -> int:
        """Return how many messages the broker has not answered."""
        return len(self._flights)

    @property
    def centre_online(self) -> bool | None:
        """Return what the centre last said of itself on this connection."""
        return self._centre_online

    def connected(self, now: float, receive_maximum: int) -> None:
        """Begin on a new connection: everything unconfirmed waits to be sent.

        A refusal outlives the connection, because some brokers hang up to refuse.
        """
        self._flights.clear()
        self._window = min(self._options.window, receive_maximum)
        self._centre_online = None
        asks = self._options.confirm is Confirm.CENTRAL
        self._hello_until = now + self._options.hello_seconds if asks else None
        self._answers = 0
        self._unheeded = 0
        self._answered_at = now
        if self.gate is not Gate.REFUSED:
            self._open(now)
        self._rewind()

    def disconnected(self) -> None:
        """Note the end of a connection.

        Two in a row that ended without any answer to a batch halve the batches: some
        brokers hang up on a message that is too big for them, without saying so.
        """
        batches = any(flight.last for flight in self._flights.values())
        if self._answers:
            self._fruitless = 0
        elif batches:  # an attempt that never came so far says nothing
            self._fruitless += 1
        if self._fruitless >= _SHRINK_AFTER:
            self._fruitless = 0
            self._grown = 0
            self.rows = max(1, self.rows // 2)
        self._flights.clear()
        self._rewind()

    def reset(self, position: Position, now: float) -> None:
        """Go on with another epoch; what is in flight belongs to the old one."""
        self.epoch = position.epoch
        self.acked = position.acked
        self._confirmed = None
        self._forked_at = now
        self._rewind()

    def room(self) -> int:
        """Return how many messages may be sent now.

        None before the centre has answered our birth: were our journal an older copy,
        the centre could not tell what we send now from what it holds.
        """
        if self._hello_until is not None:
            return 0
        free = max(0, self._window - len(self._flights))
        if self.gate is not Gate.OPEN:
            return min(free, self._credit)
        if self._options.confirm is Confirm.CENTRAL:
            return min(free, max(0, self._options.ahead - len(self._order)))
        return free

    def control_room(self) -> int:
        """Return how many messages that move nothing may be sent now."""
        return max(0, self._window - len(self._flights))

    def send_control(self, now: float) -> int:
        """Note a message that moves nothing (a state, entries again); its token."""
        return self._fly(Flight(0, "", now))

    def send(self, last: int, head: str, now: float) -> int:
        """Note a batch up to entry `last` with chain `head`; return its token."""
        if self.gate is not Gate.OPEN:
            self._credit -= 1
        if not self._order:
            self._progress_at = now
        flight = Flight(last, head, now)
        self._order.append(flight)
        self.sent = last
        return self._fly(flight)

    def published(self, token: int, code: int, now: float) -> Answer:
        """Take in the broker's answer to a message."""
        flight = self._flights.pop(token, None)
        if flight is None:
            return Answer.NOTHING
        self._answered_at = now
        if code >= FAILED:
            self.refusals += 1
            if flight.last and not flight.stale:
                self._shut(Gate.REFUSED, now + self._options.refused_seconds)
            return Answer.REFUSED
        if not flight.last or flight.stale:
            return Answer.NOTHING
        self._answers += 1
        if code == NO_SUBSCRIBER:
            return self._unheard(now)
        return self._taken(flight, now)

    def acknowledged(
        self,
        ack: Ack,
        *,
        retained: bool,
        head: int,
        hash_at: Callable[[int], str | None],
        now: float,
    ) -> Acked:
        """Weigh an acknowledgement of the centre.

        `head` is our last entry, `hash_at` returns our chain hash behind an entry. What
        a broker had kept (`retained`) is only believed of the store we know: after a
        restore of the centre it may be older than the truth.
        """
        known = (ack.store, ack.generation) == (self._store, self._generation)
        if not retained:
            self._unheeded = 0
        if (
            self._options.confirm is Confirm.BROKER
            or ack.epoch != self.epoch
            or (retained and not known)
        ):
            return Acked(Verdict.IGNORED)
        if not retained:
            self._hello_until = None
        reason = contradiction(ack, head, hash_at)
        if reason:
            return self._fork(reason, ack.upto, now)
        if not retained and self.gate in (Gate.NO_SUBSCRIBER, Gate.CENTRE_OFFLINE):
            self._centre_online = True
            self._open(now)
        upto = max(self.acked, ack.upto) if known else ack.upto
        if known and upto == self.acked:
            self._hear_of_holes(ack, now, retained=retained)
            return Acked(Verdict.KNOWN)
        self._store, self._generation = ack.store, ack.generation
        lag = self._move(upto, now)
        self._hear_of_holes(ack, now, retained=retained)
        chain = ack.chain or hash_at(upto)
        self._confirmed = Confirmed(upto, chain, ack.store, ack.generation)
        return Acked(Verdict.MOVED, lag)

    def centre(self, *, online: bool, retained: bool, now: float) -> bool:
        """Take in the centre's liveness; return whether sending starts over."""
        self._centre_online = online
        if self._options.confirm is Confirm.BROKER or self.gate is Gate.REFUSED:
            return False
        if not online:
            if self.gate is not Gate.CENTRE_OFFLINE:
                self._patience = self._options.go_back_seconds
                self._shut(Gate.CENTRE_OFFLINE, now + self._patience)
            return False
        if retained and self.gate is Gate.OPEN:
            return False  # old news, and nothing is held back
        self._open(now)
        return self._rewind()

    def tick(self, now: float) -> bool:
        """Do what is due by time; return whether it rewound after silence."""
        if self._hello_until is not None and now >= self._hello_until:
            self._hello_until = None  # a centre that answers no births
        if self.gate is not Gate.OPEN:
            self._probe(now)
            return False
        due = self._silent_at()
        if due is None or now < due:
            return False
        self._progress_at = now
        self._unheeded += 1
        self._lose_patience()
        return self._rewind()

    def repairs(self, now: float) -> list[Span]:
        """Return the ranges the centre misses that are to be sent again now."""
        return self._holes.due(now) if self.gate is Gate.OPEN else []

    def next_at(self) -> float | None:
        """Return when `tick`, `repairs` or `stuck` has something to do.

        None: only on events.
        """
        times = [self._silent_at(), self._hello_until]
        if self.gate is Gate.OPEN:
            times.append(self._holes.next_at())
        if self._flights:
            times.append(self._answered_at + self._options.stuck_seconds)
        if self.gate is not Gate.OPEN and not self._credit:
            times.append(self._probe_at)
        return min((at for at in times if at is not None), default=None)

    def stuck(self, now: float) -> bool:
        """Say whether the broker has owed us an answer for too long."""
        waited = now - self._answered_at
        return bool(self._flights) and waited >= self._options.stuck_seconds

    def deaf(self) -> bool:
        """Say whether words of the centre seem to reach us no more.

        The broker answers, the centre is not said to be away, and yet we went back
        several times: a subscription may be lost, and a new connection has new ones.
        """
        return self._unheeded >= self._options.deaf_after

    def take_confirmed(self) -> Confirmed | None:
        """Return what is to be written down since the last call."""
        found, self._confirmed = self._confirmed, None
        return found

    def _fly(self, flight: Flight) -> int:
        if not self._flights:
            self._answered_at = flight.sent_at
        self._token += 1
        self._flights[self._token] = flight
        return self._token

    def _open(self, now: float) -> None:
        offline = (
            self._centre_online is False and self._options.confirm is Confirm.CENTRAL
        )
        if offline:
            self._shut(Gate.CENTRE_OFFLINE, now + self._patience)
            return
        self.gate = Gate.OPEN
        self._credit = 0
        self._patience = self._options.go_back_seconds

    def _shut(self, gate: Gate, probe_at: float) -> None:
        self.gate = gate
        self._probe_at = probe_at
        self._credit = 0
        self._rewind()

    def _probe(self, now: float) -> None:
        """Allow one batch, from the last confirmed entry on."""
        if self._credit or now < self._probe_at:
            return
        self._rewind()
        self._credit = 1
        if self.gate is Gate.CENTRE_OFFLINE:
            self._lose_patience()
        pauses = {
            Gate.NO_SUBSCRIBER: self._options.no_subscriber_seconds,
            Gate.REFUSED: self._options.refused_seconds,
        }
        self._probe_at = now + pauses.get(self.gate, self._patience)

    def _lose_patience(self) -> None:
        limit = self._options.go_back_max_seconds
        self._patience = min(self._patience * 2, limit)

    def _silent_at(self) -> float | None:
        """Return when silence of the centre means that we send again."""
        waits = self.gate is Gate.OPEN and self._order
        if not waits or self._options.confirm is Confirm.BROKER:
            return None
        return self._progress_at + self._patience

    def _rewind(self) -> bool:
        """Go back to the last confirmed entry; return whether that is a step back."""
        for flight in self._flights.values():
            flight.stale = True
        self._order.clear()
        self._holes.clear()
        moved = self.sent > self.acked
        self.sent = self.acked
        return moved

    def _unheard(self, now: float) -> Answer:
        self.unheard += 1
        if self.gate in (Gate.OPEN, Gate.REFUSED):
            pause = self._options.no_subscriber_seconds
            self._shut(Gate.NO_SUBSCRIBER, now + pause)
        return Answer.NO_SUBSCRIBER

    def _taken(self, flight: Flight, now: float) -> Answer:
        self._grow()
        broker = self._options.confirm is Confirm.BROKER
        if self.gate is Gate.REFUSED or (broker and self.gate is not Gate.OPEN):
            self._open(now)
        flight.taken = True
        while broker and self._order and self._order[0].taken:
            first = self._order.popleft()
            self.acked = first.last
            self._confirmed = Confirmed(first.last, first.head, None, 0)
        return Answer.TAKEN

    def _grow(self) -> None:
        """Double shrunken batches after a long while without trouble."""
        self._grown += 1
        if self.rows < self._options.batch and self._grown >= _GROW_AFTER:
            self._grown = 0
            self.rows = min(self._options.batch, self.rows * 2)

    def _hear_of_holes(self, ack: Ack, now: float, *, retained: bool) -> None:
        """Note what is missing of what was sent; whoever names holes is no silence."""
        if retained:
            return
        sent = self.sent
        spans = [(first, min(last, sent)) for first, last in ack.missing]
        self._holes.named([span for span in spans if span[0] <= span[1]], now)
        if ack.missing:
            self._progress_at = now

    def _fork(self, reason: str, upto: int, now: float) -> Acked:
        """Ask for a new epoch, but not again and again for a centre gone wrong.

        What was confirmed is common, unless the centre tells another story of that too.
        """
        if self._forked_at is not None and now < self._forked_at + FORK_PAUSE_SECONDS:
            return Acked(Verdict.IGNORED)
        common = self.acked if upto > self.acked else 0
        return Acked(Verdict.FORK, reason=reason, common=common)

    def _move(self, upto: int, now: float) -> float | None:
        """Set the confirmed entry, forwards or back; return the lag if any."""
        back = upto < self.acked
        self.acked = upto
        self._patience = self._options.go_back_seconds
        self._progress_at = now
        if back:
            self._rewind()
        self.sent = max(self.sent, upto)
        lag = None
        while self._order and self._order[0].last <= upto:
            lag = now - self._order.popleft().sent_at
        return lag
