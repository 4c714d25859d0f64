"""What would have to change on terminals for their users to be the book's people.

Only compares: nothing is written to a terminal here. Names come from the local book
and from nowhere else; templates are in no plan.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

import msgspec

from drivers.base import TerminalUser
from drivers.zk.text import decode_name
from drivers.zk.users import UserLayout, UserList, UserRecord, cut_name
from gateway.core.book import Book

FOLDER = "plans"

_LAST_SLOT = 0xFFFF
_USER = 0
_ID_LENGTH = 12


class PlanError(Exception):
    """A plan that cannot be made, read or carried out, in words."""


class Kind(StrEnum):
    """What is done to a user."""

    ADD = "add"
    RENAME = "rename"
    DELETE = "delete"


class Notice(StrEnum):
    """What somebody should look at; nothing is done about it."""

    UNKNOWN = "unknown"
    SHARED_CARD = "shared_card"
    SHARED_BADGE = "shared_badge"
    FULL = "full"
    UNFIT = "unfit"
    NO_USERS = "no_users"


@dataclass(frozen=True, slots=True)
class Change:
    """One user to be written or deleted; `was` is the name now, `name` the next."""

    kind: Kind
    slot: int
    badge: str
    person: str
    was: str
    name: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to look at, about these users (slots) of a terminal."""

    notice: Notice
    badges: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A terminal and its users, as they were read for a comparison."""

    terminal: str
    serial: str
    encoding: str
    capacity: int
    users: UserList


@dataclass(frozen=True, slots=True)
class TerminalPlan:
    """What is to be done on one terminal whose user list has this digest."""

    terminal: str
    serial: str
    users: int
    digest: str
    changes: tuple[Change, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything shown to whoever decides; `id` is made of all the rest."""

    day: str
    terminals: tuple[TerminalPlan, ...]
    id: str = ""

    def named(self) -> "Plan":
        """Return the same with its id."""
        bare = msgspec.json.encode(replace(self, id=""))
        return replace(self, id=hashlib.sha256(bare).hexdigest()[:_ID_LENGTH])


def list_digest(users: UserList) -> str:
    """Return what tells this list of users from any other, whatever its order."""
    layout = users.layout
    records = [one.to_bytes(layout) for one in users.records] if layout else []
    return hashlib.sha256(b"".join(sorted(records))).hexdigest()


def save(plan: Plan, data_dir: Path) -> Path:
    """Write a plan into its folder, for its owner's eyes only: it has names.

    Raises:
        PlanError: the folder cannot be written.
    """
    folder = data_dir / FOLDER
    path = folder / f"{plan.id}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A plan of the same id is the same plan: it may be there already.
        mode = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(path, mode, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(plan), indent=1))
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}") from None
    return path


def load(wanted: str, data_dir: Path) -> Plan:
    """Read a plan by its id or its path.

    Raises:
        PlanError: none there, unreadable, or altered since it was shown.
    """
    known = data_dir / FOLDER / f"{Path(wanted).name}.json"
    path = known if known.exists() else Path(wanted)
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} is no plan: {error}") from None
    if plan.named().id != plan.id:
        raise PlanError(f"{path} is not what was shown: it was altered since")
    return plan


def compare(book: Book, listed: Listed, day: date) -> TerminalPlan:
    """Return what makes a terminal's users the people the book has there on `day`."""
    made = TerminalPlan(
        listed.terminal,
        listed.serial,
        len(listed.users.records),
        list_digest(listed.users),
    )
    if listed.users.layout is None:
        words = (
            "it has no users yet: enrol one person at the terminal, so that the form"
            " of its records is known"
        )
        return replace(made, remarks=(Remark(Notice.NO_USERS, (), words),))
    found = _Comparison(book, listed, listed.users.layout, day)
    found.run()
    return replace(made, changes=tuple(found.changes), remarks=tuple(found.remarks))


def new_user(layout: UserLayout, change: Change, encoding: str) -> UserRecord:
    """Return the record of an addition.

    Raises:
        ValueError: a badge or name that cannot stand in it.
    """
    user = TerminalUser(change.slot, change.badge, "", _USER, 0)
    record = UserRecord.of(layout, user, encoding)
    return replace(record, name=cut_name(change.name, layout, encoding))


@dataclass(slots=True)
class _Comparison:
    """One terminal against the book."""

    book: Book
    listed: Listed
    layout: UserLayout
    day: date
    changes: list[Change] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def run(self) -> None:
        """Fill in changes and remarks: additions, renames, then leavers."""
        encoding = self.listed.encoding
        users = [one.user(encoding) for one in self.listed.users.records]
        wanted = self._wanted()
        held = {user.badge for user in users}
        self._renames(users, wanted)
        self._additions([b for b in wanted if b not in held], wanted, users)
        self._leavers([user for user in users if user.badge not in wanted])
        self.remarks += _shared(users)

    def _wanted(self) -> dict[str, str]:
        """Return badge → person of everybody who belongs on this terminal."""
        found: dict[str, str] = {}
        for badge in sorted({row.badge for row in self.book.enrolments}):
            person = self.book.person_of(self.listed.terminal, badge, self.day)
            known = self.book.person(person) if person else None
            if person and known and known.present(self.day):
                found[badge] = person
        return found

    def _name(self, person: str) -> str:
        known = self.book.person(person)
        return known.name.strip() if known else ""

    def _renames(
        self, users: Sequence[TerminalUser], wanted: Mapping[str, str]
    ) -> None:
        for user in users:
            person = wanted.get(user.badge)
            if person is None:
                continue
            name = self._fitting(user.badge, self._name(person))
            if name is None:
                continue
            # A field may hold more of the name than is written here: leave it.
            longer = self._name(person).startswith(user.name)
            if longer and len(user.name) >= len(name):
                continue
            self.changes.append(
                Change(Kind.RENAME, user.slot, user.badge, person, user.name, name)
            )

    def _additions(
        self,
        badges: Iterable[str],
        wanted: Mapping[str, str],
        users: Sequence[TerminalUser],
    ) -> None:
        slots = _free_slots({user.slot for user in users})
        room = max(self.listed.capacity - len(users), 0)
        left_out = []
        for badge in badges:
            name = self._fitting(badge, self._name(wanted[badge]))
            if name is None:
                continue
            slot = next(slots, None) if room else None
            if slot is None:
                left_out.append(badge)
                continue
            change = Change(Kind.ADD, slot, badge, wanted[badge], "", name)
            try:
                new_user(self.layout, change, self.listed.encoding)
            except ValueError as error:
                self._remark(Notice.UNFIT, badge, str(error))
                continue
            room -= 1
            self.changes.append(change)
        if left_out:
            words = f"full: {len(left_out)} more do not fit beside {len(users)} users"
            self.remarks.append(Remark(Notice.FULL, tuple(left_out), words))

    def _fitting(self, badge: str, name: str) -> str | None:
        """Return as much of a name as the terminal can hold; None if it cannot."""
        try:
            field_ = cut_name(name, self.layout, self.listed.encoding)
        except ValueError:
            words = f"its name cannot be written in {self.listed.encoding}"
            self._remark(Notice.UNFIT, badge, words)
            return None
        return decode_name(field_, self.listed.encoding)

    def _leavers(self, users: Sequence[TerminalUser]) -> None:
        """Tell who has left from whom the book never had; who comes later stays."""
        here = {self.listed.terminal, "*"}
        rows = defaultdict(list)
        for row in self.book.enrolments:
            if row.terminal in here:
                rows[row.badge].append(row)
        for user in users:
            found = rows.get(user.badge)
            if not found:
                self._remark(Notice.UNKNOWN, user.badge, "the book does not know it")
                continue
            if any(self._comes(row.person, row.from_) for row in found):
                continue
            change = Change(
                Kind.DELETE, user.slot, user.badge, found[-1].person, user.name, ""
            )
            self.changes.append(change)

    def _comes(self, person: str, start: date | None) -> bool:
        known = self.book.person(person)
        starts = (start, known.from_ if known else None)
        return any(one is not None and one > self.day for one in starts)

    def _remark(self, notice: Notice, badge: str, words: str) -> None:
        self.remarks.append(Remark(notice, (badge,), words))


def _free_slots(taken: set[int]) -> Iterator[int]:
    """Return slots behind all that are taken, then the holes between them."""
    highest = max(taken, default=0)
    yield from range(highest + 1, _LAST_SLOT + 1)
    yield from (slot for slot in range(1, highest) if slot not in taken)


def _shared(users: Sequence[TerminalUser]) -> Iterator[Remark]:
    """Return cards that several users have, and badges that several slots have."""
    cards: dict[int, list[str]] = defaultdict(list)
    badges: dict[str, list[int]] = defaultdict(list)
    for user in users:
        badges[user.badge].append(user.slot)
        if user.card:
            cards[user.card].append(user.badge)
    for card, several in cards.items():
        if len(several) > 1:
            words = f"card {card} belongs to {len(several)} users"
            yield Remark(Notice.SHARED_CARD, tuple(several), words)
    for badge, slots in badges.items():
        if len(slots) > 1:
            words = f"in slots {', '.join(map(str, slots))}"
            yield Remark(Notice.SHARED_BADGE, (badge,), words)
