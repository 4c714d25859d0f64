"""What a centre asks of a gateway, what it is answered, and the book on its way down.

Beside the durable stream: none of this carries a punch. A command that is lost is asked
again; a command that comes twice does the same twice without harm.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sync.messages import Count, Hash, Name, Seq

Fate = Literal["sent", "pruned", "never_existed"]


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many punches of a terminal and local day somebody holds, and which.

    `digest` is SHA-256 over the punch ids in ascending order, each ended by a line
    feed: what `sort | sha256sum` says of them.
    """

    day: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    count: Count
    digest: Hash


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a centre asks of a gateway, on `cmd`.

    `id` comes back in the reply. Behind `expires` (ISO with offset, by the centre's own
    clock as its acks tell it) a gateway refuses. What an `op` needs:

    - `resend`: `epoch` and `ranges`, `[first, last]`: send these entries again.
    - `resync`: `terminal`: read its whole log again.
    - `counts`: `serial` and `days`: what the centre holds of the days that the event
      `id` counted otherwise; none when all are alike.
    """

    v: Literal[1] = 1
    site: Name
    gateway: Name
    id: Name
    op: Name
    sent: str
    expires: str
    epoch: Name | None = None
    ranges: list[tuple[Seq, Seq]] = []
    terminal: Name | None = None
    serial: Name | None = None
    days: list[DayCount] = []


class RangeFate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of entries `first` to `last` that were asked for.

    `sent`: they go out again. `pruned`: they were confirmed long ago and are gone; the
    punches among them go out under new seqs. `never_existed`: no such seq was given.
    """

    first: Seq
    last: Seq
    fate: Fate


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's answer to the command `id`, on `cmd/reply`.

    `result`: `done`, or why not, with the `reason` in words. `ranges` answers `resend`,
    in order and without a gap between the first and the last seq asked for.
    """

    v: Literal[1] = 1
    site: Name
    gateway: Name
    id: Name
    op: Name
    result: Literal["done", "refused", "expired", "unknown"]
    reason: str | None
    sent: str
    epoch: Name | None = None
    ranges: list[RangeFate] = []


class SiteBook(msgspec.Struct, frozen=True, kw_only=True):
    """The book of a site on its way to a gateway, on `book`, retained.

    `tables` are those of the book file without names, reasons, papers and notes.
    `digest` is SHA-256 over the text of `tables` as compact JSON with sorted keys.
    """

    v: Literal[1] = 1
    site: Name
    version: str
    digest: Hash
    tables: dict[str, Any]
    sent: str
