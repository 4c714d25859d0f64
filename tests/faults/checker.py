"""Says whether a site lost, doubled or invented a punch.

What the terminals recorded is read from their files and turned into ids here, by the
definition alone. What the gateways hold is read from their journals, what the centre
holds from its database, each by `sqlite3`. It shares no code with the product and asks
it nothing, so a defect there cannot hide itself.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from tests.faults.asking import Rows, ask
from tests.faults.kinds import Place, Said, differences, written

Spans = list[tuple[int, int]]
WRONG = ("lost", "doubled", "foreign", "misnamed", "unread", "streams", "records")


def identify(serial: str, badge: str, at: str) -> str:
    """Return the id of a punch: `p1_` and 130 bits of SHA-256 of its three facts."""
    text = json.dumps([serial, badge, at], ensure_ascii=False, separators=(",", ":"))
    letters = base64.b32encode(hashlib.sha256(text.encode("utf-8")).digest())
    return "p1_" + letters.decode("ascii").lower()[:26]


class Recorded:
    """What one terminal recorded: its file, read on where the last look ended."""

    def __init__(self, serial: str, file: Path) -> None:
        self.serial = serial
        self._file = file
        self._offset = 0
        self.ids: set[str] = set()

    def look(self) -> set[str]:
        """Return the ids of all whole lines with a date that exists."""
        with self._file.open("rb") as file:
            file.seek(self._offset)
            *lines, rest = file.read().split(b"\n")
            self._offset = file.tell() - len(rest)
        for line in lines:
            badge, at = line.decode("utf-8").split("\t")[:2]
            try:
                datetime.fromisoformat(at)
            except ValueError:
                continue
            one = identify(self.serial, badge.strip(), at.replace(" ", "T"))
            self.ids.add(one)
        return self.ids


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream a gateway writes now: its name, its last entry, what is confirmed."""

    epoch: str
    head: int
    confirmed: int


class Journal:
    """The journal of one gateway."""

    def __init__(self, gateway: str, path: Path) -> None:
        self.gateway = gateway
        self.path = path

    def punches(self) -> list[str]:
        """Return the id of each stored punch, computed from its facts."""
        return [
            identify(*row)
            for row in ask(self.path, "SELECT serial, badge, at FROM punches")
        ]

    def rows(self) -> int:
        """Return how many punches it can hold at most: a number that costs nothing."""
        found = ask(self.path, "SELECT coalesce(max(rowid), 0) FROM punches")
        return int(found[0][0]) if found else 0

    def stream(self) -> Stream:
        """Return the newest stream."""
        sql = "SELECT name, head_seq, acked_seq FROM epochs ORDER BY id DESC LIMIT 1"
        found = ask(self.path, sql)
        return Stream(*found[0]) if found else Stream("", 0, 0)

    def broken_links(self) -> list[str]:
        """Return the entries at which the hash chain of the outbox does not hold."""
        epochs: dict[int, str] = dict(ask(self.path, "SELECT id, name FROM epochs"))
        sql = "SELECT epoch, seq, entry, prev, hash FROM outbox ORDER BY epoch, seq"
        broken, heads = [], dict[int, tuple[int, str]]()
        for epoch, seq, entry, prev, head in ask(self.path, sql):
            origin = (0, hashlib.sha256(epochs[epoch].encode()).hexdigest())
            before = heads.get(epoch, origin if seq == 1 else (seq - 1, prev))
            found = hashlib.sha256(bytes.fromhex(prev) + entry).hexdigest()
            if before != (seq - 1, prev) or found != head:
                broken.append(f"{epochs[epoch]}:{seq}")
            heads[epoch] = (seq, head)
        return broken


class Centre(Protocol):
    """What a centre holds, read from its own database."""

    def count(self) -> int:
        """Return how many punches it counts."""

    def punches(self) -> Rows:
        """Return (serial, badge, at, id) of each punch it counts."""

    def received(self, gateway: str, epoch: str) -> Spans:
        """Return the seqs it has booked of a stream, as (first, last) in any order."""

    def records(self, gateway: str) -> dict[Place, Said]:
        """Return every entry of a gateway that is no punch."""


class Collected:
    """The database of `punchgate central`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def count(self) -> int:
        """Return how many punches it counts."""
        found = ask(self._path, "SELECT count(*) FROM punches")
        return int(found[0][0]) if found else 0

    def punches(self) -> Rows:
        """Return (serial, badge, at, id) of each row of its view."""
        return ask(self._path, "SELECT serial, badge, at, id FROM punches")

    def received(self, gateway: str, epoch: str) -> Spans:
        """Return what its ledger holds, and what it has booked as never to come."""
        return [
            (int(first), int(last))
            for name in ("ledger", "closed")
            for first, last in ask(
                self._path,
                f"SELECT first, last FROM {name} WHERE gateway = ? AND epoch = ?",
                gateway,
                epoch,
            )
        ]

    def records(self, gateway: str) -> dict[Place, Said]:
        """Return every entry of a gateway that is no punch."""
        sql = "SELECT epoch, seq, kind, body FROM records WHERE gateway = ?"
        sql += " ORDER BY rowid"
        return _said(ask(self._path, sql, gateway))


class Consumed:
    """The database of `docs/examples/consumer.py`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def count(self) -> int:
        """Return how many punches it counts."""
        found = ask(self._path, "SELECT count(*) FROM punches")
        return int(found[0][0]) if found else 0

    def punches(self) -> Rows:
        """Return (serial, badge, at, id) of each row of its view."""
        facts = (
            f"json_extract(body, '$.{name}')" for name in ("serial", "badge", "at")
        )
        return ask(self._path, f"SELECT {', '.join(facts)}, id FROM punches")

    def received(self, gateway: str, epoch: str) -> Spans:
        """Return each entry it stored, and each range it was told will never come."""
        sql = "SELECT seq, coalesce(last, seq) FROM entries"
        rows = ask(self._path, f"{sql} WHERE gateway = ? AND epoch = ?", gateway, epoch)
        return [(int(first), int(last)) for first, last in rows]

    def records(self, gateway: str) -> dict[Place, Said]:
        """Return every entry of a gateway that is no punch and came."""
        sql = "SELECT epoch, seq, kind, body FROM entries WHERE gateway = ?"
        came = " AND kind <> 'punch' AND body IS NOT NULL ORDER BY rowid"
        return _said(ask(self._path, sql + came, gateway))


def _said(rows: Rows) -> dict[Place, Said]:
    return {(epoch, seq): Said(kind, body) for epoch, seq, kind, body in rows}


def holes(spans: Iterable[tuple[int, int]], head: int) -> Spans:
    """Return what is not covered between 1 and `head`."""
    found, after = [], 0
    for first, last in sorted(spans):
        if first > after + 1:
            found.append((after + 1, first - 1))
        after = max(after, last)
    return [*found, (after + 1, head)] if after < head else found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, by id; nothing is wrong when everything here is empty.

    `lost`: recorded by a terminal and not at the centre. `doubled`: counted there more
    than once. `foreign`: at the centre or in a journal and recorded by no terminal.
    `misnamed`: stored under another id than its facts give. `unread`: recorded and not
    in a journal that must have it. `streams`: words about ledgers and chains.
    `records`: words about entries that are no punches.
    """

    lost: Sequence[str] = ()
    doubled: Sequence[str] = ()
    foreign: Sequence[str] = ()
    misnamed: Sequence[str] = ()
    unread: Sequence[str] = ()
    streams: Sequence[str] = ()
    records: Sequence[str] = ()
    punches: int = 0
    others: int = 0

    @property
    def right(self) -> bool:
        """Say whether nothing is wrong."""
        return not any(getattr(self, name) for name in WRONG)

    def __str__(self) -> str:
        words = [f"{self.punches} punches and {self.others} others at the centre"]
        for name in WRONG:
            found = getattr(self, name)
            shown = " ".join(found[:5]) + (" …" if len(found) > 5 else "")
            words.append(f"{name} {len(found)}" + (f": {shown}" if found else ""))
        return "; ".join(words)


class Checker:
    """Compares what terminals recorded with what gateways and the centre hold.

    Args:
        recorded: the terminals.
        journals: the gateways; each must hold what every terminal recorded.
        centre: where all of it must be, once.
    """

    def __init__(
        self, recorded: Sequence[Recorded], journals: Sequence[Journal], centre: Centre
    ) -> None:
        self._recorded = recorded
        self._journals = journals
        self._centre = centre

    def recorded(self) -> set[str]:
        """Return everything the terminals recorded up to now."""
        return set[str]().union(*(one.look() for one in self._recorded))

    def arrived(self) -> int:
        """Return how many punches the centre counts."""
        return self._centre.count()

    def said(self, gateway: str, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind that the centre holds, in the order they came."""
        held = self._centre.records(gateway).values()
        events = [json.loads(one.text) for one in held if one.kind == "event"]
        return [event for event in events if event["kind"] == kind]

    def near(self) -> bool:
        """Say whether a look at the whole is worth its time: the numbers agree."""
        streams = [journal.stream() for journal in self._journals]
        if any(one.confirmed != one.head or not one.epoch for one in streams):
            return False
        return self._centre.count() == len(self.recorded())

    def verdict(self) -> Verdict:
        """Look at everything and say what is wrong."""
        recorded = self.recorded()
        rows = self._centre.punches()
        ids = [identify(*row[:3]) for row in rows]
        journals = {one.gateway: one.punches() for one in self._journals}
        stored = set[str]().union(*journals.values())
        held = {one: self._centre.records(one.gateway) for one in self._journals}
        return Verdict(
            lost=sorted(recorded - set(ids)),
            doubled=sorted(one for one, times in Counter(ids).items() if times > 1),
            foreign=sorted((set(ids) | stored) - recorded),
            misnamed=sorted(
                str(row[3]) for row, one in zip(rows, ids, strict=True) if row[3] != one
            ),
            unread=sorted(
                {x for held in journals.values() for x in recorded - set(held)}
            ),
            streams=[
                *(word for journal in self._journals for word in self._stream(journal)),
                *(
                    f"{name} holds {one} twice"
                    for name, held in journals.items()
                    for one, times in Counter(held).items()
                    if times > 1
                ),
            ],
            records=[
                word
                for one in self._journals
                for word in differences(one.gateway, written(one.path), held[one])
            ],
            punches=len(rows),
            others=sum(map(len, held.values())),
        )

    def _stream(self, journal: Journal) -> list[str]:
        """Return what is wrong with the ledger and the chain of a gateway."""
        stream = journal.stream()
        spans = self._centre.received(journal.gateway, stream.epoch)
        words = [
            f"{journal.gateway} {first}-{last} not booked"
            for first, last in holes(spans, stream.head)
        ]
        beyond = max((last for _, last in spans), default=0)
        if beyond > stream.head:
            words.append(f"{journal.gateway} booked up to {beyond} of {stream.head}")
        if stream.confirmed != stream.head:
            words.append(
                f"{journal.gateway} confirmed {stream.confirmed} of {stream.head}"
            )
        broken = journal.broken_links()
        return words + [f"{journal.gateway} chain broken at {one}" for one in broken]
