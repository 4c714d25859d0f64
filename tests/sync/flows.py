"""An uplink's decisions on a connection of the test; time is a number."""

from collections.abc import Callable, Sequence

from sync.messages import Ack, origin
from sync.outbox import Position
from sync.uplink_flow import Flow
from sync.uplink_values import Acked, Gate, UplinkOptions

EPOCH = "e1"
OK = 0x00
FORBIDDEN = 0x87
OPTIONS = UplinkOptions(window=4, batch=10, ahead=8)


def h(seq: int) -> str:
    """Return our chain hash behind an entry."""
    return origin(f"{EPOCH}:{seq}")


def position(**changes: object) -> Position:
    """Return a stream at its beginning, known to store A, generation 1."""
    values = {
        "epoch": EPOCH,
        "acked": 0,
        "acked_hash": origin(EPOCH),
        "head": 1000,
        "head_hash": h(1000),
        "store": "A",
        "generation": 1,
    }
    return Position(**{**values, **changes})  # type: ignore[arg-type]


def flow(options: UplinkOptions = OPTIONS, **changes: object) -> Flow:
    """Return a flow on a fresh connection at time 0."""
    made = Flow(options, position(**changes))
    connect(made)
    return made


def connect(f: Flow, now: float = 0.0, receive_maximum: int = 65_535) -> None:
    """Connect, and let the centre answer our birth with what is known already."""
    f.connected(now, receive_maximum)
    ack(f, f.acked, now)


def gate(f: Flow) -> Gate:
    """Return the gate, as a value that changes."""
    return f.gate


def send(f: Flow, now: float = 0.0, size: int = 10) -> int:
    """Send the next batch; return its token."""
    last = f.sent + size
    return f.send(last, h(last), now)


def ack(  # noqa: PLR0913 - the words of an ack, each with its usual value
    f: Flow,
    upto: int,
    now: float = 0.0,
    *,
    retained: bool = False,
    missing: Sequence[tuple[int, int]] = (),
    store: str = "A",
    generation: int = 1,
    epoch: str = EPOCH,
    chain: str | None = "ours",
    head: int = 1000,
    hash_at: Callable[[int], str | None] = h,
) -> Acked:
    """Give an acknowledgement to the flow."""
    message = Ack(
        site="s",
        gateway="g",
        epoch=epoch,
        upto=upto,
        missing=list(missing),
        store=store,
        generation=generation,
        chain=h(upto) if chain == "ours" and upto else None if not upto else chain,
        sent="t",
    )
    return f.acknowledged(
        message, retained=retained, head=head, hash_at=hash_at, now=now
    )
