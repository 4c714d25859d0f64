"""Events, verdicts and entries of the book: what a journal says and a centre holds.

Like the rest of the checker it shares no code with the product: both sides are read
by `sqlite3`, and an entry is its text.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.asking import ask

Place = tuple[str, int]
"""Epoch and seq."""


@dataclass(frozen=True, slots=True)
class Said:
    """An entry that is no punch: its topic, and its text."""

    kind: str
    text: str

    @property
    def content(self) -> str:
        """Return what stays when it goes up again under another number."""
        values = json.loads(self.text)
        values.pop("seq")
        return json.dumps([self.kind, values], sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Written:
    """What a gateway wrote: its streams from the oldest on, and all their entries."""

    epochs: tuple[str, ...]
    entries: Mapping[Place, Said]

    def standing(self) -> Iterator[Place]:
        """Yield each place that must be at the centre just so.

        An old stream ends where the next one says both had the same: what was behind
        that went up again in the next one.
        """
        ends = self._ends()
        for epoch, seq in self.entries:
            if seq <= ends.get(epoch, seq):
                yield epoch, seq

    def _ends(self) -> dict[str, int]:
        ends: dict[str, int] = {}
        for epoch in self.epochs[1:]:
            detail = json.loads(self.entries[epoch, 1].text)["detail"]
            ends[detail["before"]] = detail["common"]
        return ends


def written(journal: Path) -> Written:
    """Read a gateway's journal."""
    epochs: dict[int, str] = dict(
        ask(journal, "SELECT id, name FROM epochs ORDER BY id")
    )
    rows = ask(journal, "SELECT epoch, seq, kind, entry FROM outbox")
    return Written(
        tuple(epochs.values()),
        {
            (epochs[epoch], seq): Said(kind, bytes(entry).decode())
            for epoch, seq, kind, entry in rows
            if kind != "punch"
        },
    )


def differences(gateway: str, ours: Written, held: Mapping[Place, Said]) -> list[str]:
    """Return in words what a centre lost, changed, invented or doubled.

    An entry may have come under another number: to a centre put back to before a fork,
    the older streams are told again in the newest.
    """
    told = {said.content for said in held.values()}
    words = []
    for place in ours.standing():
        said = ours.entries[place]
        name = f"{gateway} {said.kind} {place[0]}:{place[1]}"
        if place in held and held[place] != said:
            words.append(f"{name} is another at the centre")
        elif place not in held and said.content not in told:
            words.append(f"{name} lost")
    newest = ours.epochs[-1] if ours.epochs else ""
    words += [
        f"{gateway} {said.kind} {place[0]}:{place[1]} was never written"
        for place, said in held.items()
        if place[0] == newest and place not in ours.entries
    ]
    return words + _doubled(gateway, ours, held)


def _doubled(gateway: str, ours: Written, held: Mapping[Place, Said]) -> list[str]:
    """Return what the centre has more often in a stream than the gateway wrote it."""
    here = Counter((at[0], said.content) for at, said in ours.entries.items())
    there = Counter((at[0], said.content) for at, said in held.items())
    return [
        f"{gateway} {times} times at the centre: {one[1]}"
        for one, times in there.items()
        if times > max(here[one], 1)
    ]
