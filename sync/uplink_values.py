"""The settings of an uplink, and the words its decisions are made of."""

from dataclasses import dataclass
from enum import StrEnum


class Confirm(StrEnum):
    """Whose word makes an entry delivered."""

    CENTRAL = "central"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Ids:
    """Who we are."""

    prefix: str
    site: str
    gateway: str


@dataclass(frozen=True, slots=True)
class UplinkOptions:
    """How to send.

    `window`: messages without the broker's answer; the broker may allow fewer.
    `ahead`: batches sent and not confirmed by the centre, so that a slow centre is not
    buried in the broker's queue. `hello_seconds`: how long a new connection waits for
    the centre's answer to our birth, which says where it stands. `reorder_seconds`: how
    long a hole that the centre names may stand before its entries are sent again.
    `stuck_seconds`: no answer from the broker for so long means a dead connection;
    `deaf_after` steps back without a word of the centre, one that does not reach us.
    """

    confirm: Confirm = Confirm.CENTRAL
    window: int = 20
    batch: int = 100
    ahead: int = 60
    reorder_seconds: float = 1.0
    go_back_seconds: float = 2.0
    go_back_max_seconds: float = 60.0
    no_subscriber_seconds: float = 5.0
    refused_seconds: float = 30.0
    hello_seconds: float = 2.0
    stuck_seconds: float = 30.0
    deaf_after: int = 4
    connect_seconds: float = 15.0
    reconnect_seconds: float = 0.25
    reconnect_max_seconds: float = 60.0


class Gate(StrEnum):
    """Whether batches may go out, and if not, why only single probes do."""

    OPEN = "open"
    NO_SUBSCRIBER = "no_subscriber"
    CENTRE_OFFLINE = "centre_offline"
    REFUSED = "refused"


class Answer(StrEnum):
    """What a broker's answer meant."""

    NOTHING = "nothing"
    TAKEN = "taken"
    NO_SUBSCRIBER = "no_subscriber"
    REFUSED = "refused"


class Verdict(StrEnum):
    """What became of an acknowledgement."""

    IGNORED = "ignored"
    KNOWN = "known"
    MOVED = "moved"
    FORK = "fork"


@dataclass(frozen=True, slots=True)
class Acked:
    """An acknowledgement weighed.

    `lag`: seconds from sending the newest batch it confirms; None when it confirms none
    of this connection. `reason` is why a fork is needed, `common` the last entry that
    centre and gateway surely have alike.
    """

    verdict: Verdict
    lag: float | None = None
    reason: str = ""
    common: int = 0


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What is to be written down: everything to `upto` is delivered."""

    upto: int
    chain: str | None
    store: str | None
    generation: int
