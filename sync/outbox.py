"""What delivery needs from whoever keeps the entries: the seam to the journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Position:
    """Where a gateway's stream stands; `store` and `generation` said `acked`."""

    epoch: str
    acked: int
    acked_hash: str
    head: int
    head_hash: str
    store: str | None
    generation: int


class OutboxRow(Protocol):
    """One entry of the outbox."""

    @property
    def seq(self) -> int:
        """Its number in the epoch, from 1."""

    @property
    def kind(self) -> str:
        """The durable topic it goes to: `punch`, `event` and so on."""

    @property
    def entry(self) -> bytes:
        """Its compact JSON; these bytes are sent and chained."""

    @property
    def prev(self) -> str:
        """The chain hash before it (hex)."""

    @property
    def hash(self) -> str:
        """The chain hash behind it (hex)."""


class Outbox(Protocol):
    """The entries to deliver. Called from the event loop's thread; must be quick.

    Whatever a method raises ends the uplink.
    """

    def position(self) -> Position:
        """Return where the stream stands."""

    def batch(self, after: int, limit: int) -> Sequence[OutboxRow]:
        """Return at most `limit` consecutive rows behind `after`, all of one kind."""

    def between(
        self, epoch: str, first: int, last: int, limit: int
    ) -> Sequence[OutboxRow]:
        """Return at most `limit` consecutive rows of one kind from `first` to `last`.

        Of any epoch, by its name. Rows that are gone are left out, whole runs too.
        """

    def hash_at(self, seq: int) -> str | None:
        """Return the chain hash behind an entry of this epoch.

        None for one that was never written, or is gone.
        """

    async def confirm(
        self, upto: int, chain: str | None, store: str | None, generation: int
    ) -> None:
        """Write down that everything to `upto` is delivered.

        `upto` is lower than before when another store or generation says so.
        """

    async def fork(self, reason: str, common: int) -> None:
        """Open a new epoch; queue everything after entry `common` again."""
