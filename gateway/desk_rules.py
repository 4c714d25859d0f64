"""What a presented card means at a reader: a row, an event, a wait, and an answer.

Decides and remembers, and touches neither port nor disk nor clock. Nothing is guessed:
what fits two ways is refused to the person and told to the centre as an event.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from uuid import uuid4

from drivers.serial_reader.frames import Card
from gateway.core.book import Book
from gateway.core.book.days import Substitution
from gateway.core.calendar import Calendar
from gateway.desk_journal import Happening, Made, Memory
from gateway.desk_settings import ReaderSettings, ReaderUse
from gateway.desk_words import Answer
from gateway.handover import Doubt, Duties, Handed, Press

_SECOND = timedelta(seconds=1)
_ROLL_AGAIN = timedelta(minutes=1)
_NOT_COPIED = frozenset({"id", "supersedes", "entered_by", "entered_at"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one card came to."""

    answer: Answer
    made: Made | None = None
    happening: Happening | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Book and calendar of now, and what the desk remembers."""

    book: Book
    calendar: Calendar
    memory: Memory
    rolls: dict[tuple[str, str], datetime]

    def present(self, reader: ReaderSettings, card: Card, at: datetime) -> Outcome:
        """Say what a card means; `at` is local time of the site in whole seconds."""
        person = self.book.person_of(reader.id, card.badge, at.date())
        if person is None:
            detail = {"badge": card.badge, "use": reader.use.value}
            unknown = Answer.CARD_UNKNOWN
            happening = Happening(
                unknown.value, reader.id, "unknown_badge", detail, card.raw
            )
            return Outcome(unknown, happening=happening)
        press = Press(person, at)
        if reader.use is ReaderUse.HANDOVER:
            return self._handover(reader, press)
        if reader.use is ReaderUse.ROLL:
            return self._roll(reader, press)
        return self._attest(reader, press)

    def expire(self, reader: ReaderSettings, at: datetime) -> Iterator[Happening]:
        """Forget who waited for too long; each goes up as an event."""
        limit = timedelta(minutes=reader.handover_minutes)
        waiting = self.memory.waiting.get(reader.id, [])
        for press in list(waiting):
            if at - press.at > limit:
                waiting.remove(press)
                yield _half(reader, press)

    def orphans(self, readers: Collection[str]) -> Iterator[Happening]:
        """Forget who waits at readers that are no more; each goes up as an event."""
        for name in [name for name in self.memory.waiting if name not in readers]:
            for press in self.memory.waiting.pop(name):
                detail = {"person": press.person, "at": press.at.isoformat()}
                yield Happening("handover_half", name, "the reader is gone", detail)

    def _handover(self, reader: ReaderSettings, press: Press) -> Outcome:
        waiting = self.memory.waiting.setdefault(reader.id, [])
        if press.person in [other.person for other in waiting]:
            return Outcome(Answer.ALREADY)
        duties = Duties(self.book, self.calendar, reader.post)
        doubts: list[Doubt] = []
        for other in waiting:
            found = duties.pair(other, press)
            if isinstance(found, Handed):
                waiting.remove(other)
                made = self._handed(reader, found, press.at)
                return Outcome(Answer.HANDED_OVER, made=made)
            doubts.append(found)
        if not waiting or self._may_wait(reader, doubts):
            waiting.append(press)
            return Outcome(Answer.WAITS)
        answer = Answer.EITHER_WAY if Doubt.EITHER_WAY in doubts else Answer.SAME_SIDE
        return _refused(reader, press, answer)

    def _may_wait(self, reader: ReaderSettings, doubts: list[Doubt]) -> bool:
        """Say whether a second one of the same side is one of a team."""
        post = self.book.post(reader.post)
        is_team = post is not None and post.headcount > 1
        return is_team and Doubt.EITHER_WAY not in doubts

    def _handed(self, reader: ReaderSettings, handed: Handed, at: datetime) -> Made:
        row = {
            "post": reader.post,
            "at": at.isoformat(),
            "outgoing": handed.outgoing.person,
            "incoming": handed.incoming.person,
            "outgoing_signed_at": handed.outgoing.at.isoformat(),
            "incoming_signed_at": handed.incoming.at.isoformat(),
        }
        return _made(reader, "handovers", row, at)

    def _roll(self, reader: ReaderSettings, press: Press) -> Outcome:
        place = (reader.id, press.person)
        last = self.rolls.get(place)
        if last is not None and press.at - last < _ROLL_AGAIN:
            return Outcome(Answer.ALREADY)
        self.rolls[place] = press.at
        row = {"person": press.person, "at": press.at.isoformat()}
        row |= {"place": reader.place} if reader.place else {}
        row["witnessed_by"] = reader.vouching
        return Outcome(Answer.ON_ROLL, made=_made(reader, "roll", row, press.at))

    def _attest(self, reader: ReaderSettings, press: Press) -> Outcome:
        day = press.at.date()
        found = self.book.standing_in(press.person, press.at, press.at + _SECOND)
        due = [row for row in found if not _is_attested(row, day, self.memory)]
        if found and not due:
            return Outcome(Answer.ALREADY)
        if len(due) != 1:
            none, several = Answer.NO_SUBSTITUTION, Answer.SEVERAL_SUBSTITUTIONS
            return _refused(reader, press, several if due else none)
        row = _copied(due[0])
        row["supersedes"] = due[0].id
        row |= {"attested_by": reader.vouching, "attested_until": day.isoformat()}
        made = _made(reader, "substitutions", row, press.at)
        return Outcome(Answer.ATTESTED, made=made)


def _is_attested(row: Substitution, day: date, memory: Memory) -> bool:
    """Say whether an attestation stands, in the book or on its way into it."""
    until = row.attested_until
    stands = bool(row.attested_by) and (until is None or until >= day)
    written = [line.get("supersedes") for line in memory.unwritten]
    return stands or row.id in written


def _copied(row: Substitution) -> dict[str, str]:
    """Return the keys of a row that are said, as texts."""
    found = {}
    for one in fields(row):
        value = getattr(row, one.name)
        name = one.name.rstrip("_")
        if value and name not in _NOT_COPIED:
            found[name] = value if isinstance(value, str) else value.isoformat()
    return found


def _made(
    reader: ReaderSettings, table: str, row: dict[str, str], at: datetime
) -> Made:
    name = f"{reader.id}-{at:%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    who = {"entered_by": reader.id, "entered_at": at.isoformat()}
    return Made(reader.id, table, {"id": name, **row, **who})


def _half(reader: ReaderSettings, press: Press) -> Happening:
    detail = {"person": press.person, "at": press.at.isoformat(), "post": reader.post}
    reason = f"nobody else within {reader.handover_minutes:g} minutes"
    return Happening("handover_half", reader.id, reason, detail)


def _refused(reader: ReaderSettings, press: Press, answer: Answer) -> Outcome:
    detail = {"person": press.person, "at": press.at.isoformat(), "post": reader.post}
    kind = f"{reader.use.value}_refused"
    return Outcome(answer, happening=Happening(kind, reader.id, answer.value, detail))
