"""The leave and permits of one person: what they take off owed time, and the notices.

S0-T19-8 and 9 as `rules.leave` and `rules.returning` state them, applied to the rows of
a book.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from gateway.core import wording
from gateway.core.book.days import Leave
from gateway.core.book.index import Book
from gateway.core.calendar import Calendar
from gateway.core.duty import Due, Duties
from gateway.core.findings import Found
from gateway.core.moments import Span, day_of, local, midnight
from gateway.core.policy.kinds import FindingKind, Words
from gateway.core.policy.reading import Policy
from gateway.core.rules import leave as rules
from gateway.core.rules.leave import Failed, Taken
from gateway.core.rules.returning import ended_before
from gateway.core.rules.spans import clip
from gateway.core.verdicts import Warned

_AROUND = timedelta(days=31)
_DAY = timedelta(days=1)
PolicyOn = Callable[[date], Policy | None]

FAILED_WORDS = {
    Failed.UNAPPROVED: Words("未经批准，不生效", "not approved, no effect"),
    Failed.NOT_ENTITLED: Words(
        "批准人无权批准，不生效", "approved by somebody not entitled, no effect"
    ),
    Failed.UNNOTIFIED: Words("未事先申请，不生效", "not applied for before, no effect"),
    Failed.NO_LETTER: Words("无公司函，失效", "no letter, lapsed"),
}


class Absences:
    """Leave and permits of a person around a period.

    Args:
        book, calendar, duties: of the site.
        person: whose.
        policy_on: returns the policy the person is judged by on a day.
        now: the day of judging; None: long after everything.

    `dues` is what was owed in the period before any leave.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what leave is weighed against
        self,
        book: Book,
        calendar: Calendar,
        duties: Duties,
        person: str,
        policy_on: PolicyOn,
        now: date | None,
    ) -> None:
        self._book = book
        self._calendar = calendar
        self._duties = duties
        self._person = person
        self._policy_on = policy_on
        self._now = now
        self._from = 0
        self.dues: list[Due] = []
        self.taken: tuple[Taken, ...] = ()
        self.notices: list[Found] = []
        self.warnings: list[Warned] = []

    def look(self, first: date, last: date) -> None:
        """Weigh what touches `[first, last]`."""
        self._from = midnight(first)
        self.dues = self._duties.of(self._person, first, last)
        start, end = local(midnight(first)), local(midnight(last + _DAY))
        rows = self._book.leave(self._person, start, end)
        if rows:
            rows = self._book.leave(self._person, start - _AROUND, end + _AROUND)
        leaves = [one for row in rows if (one := self._weigh(row)) is not None]
        permits = [
            one
            for row in self._book.permits(self._person, start, end)
            if (one := rules.elsewhere(row, self._book.entitled)) is not None
        ]
        self.taken = (*self._lettered(leaves), *permits)
        for one in self.taken:
            self._report(one)

    def ended_before(self, start: int) -> list[Taken]:
        """Return leave that ended at an owed second, or with no owed time between.

        Leave that covers none has no effect (E90), so nobody returns from it.
        `start` is the first owed second of a session: who comes late there overstayed.
        """
        if not self.taken:
            return []
        return [
            one
            for one in self.taken
            if isinstance(one.row, Leave)
            and one.span[1] >= self._from
            and ended_before(start, one, self.dues)
            and _covers(one, self._owed([one]))
        ]

    @property
    def holes(self) -> list[Span]:
        """What counts, as spans without owed time."""
        return [one.span for one in self.taken if one.counts]

    def away(self, moment: int) -> bool:
        """Say whether a person may punch elsewhere at a moment."""
        return any(
            one.counts and one.elsewhere and one.span[0] <= moment < one.span[1]
            for one in self.taken
        )

    def _weigh(self, row: Leave) -> Taken | None:
        policy = self._policy_in(row.from_.date(), row.to.date())
        if policy is None:
            return None
        settings = policy.file.leave
        return rules.taken(row, settings, self._book.entitled, self._calendar)

    def _lettered(self, leaves: Sequence[Taken]) -> list[Taken]:
        """Look for the letters of long leave; without one a leave may lapse."""
        counting = [one for one in leaves if one.counts and not one.elsewhere]
        lapsed: list[Taken] = []
        for group in self._groups(counting):
            if self._lacks_letter(group):
                lapsed += group
        return [
            replace(one, failed=Failed.NO_LETTER) if one in lapsed else one
            for one in leaves
        ]

    def _groups(self, leaves: Sequence[Taken]) -> list[list[Taken]]:
        if not leaves:
            return []
        policy = self._policy_of(leaves)
        if policy is None or not policy.file.leave.joined:
            return [[one] for one in leaves]
        return rules.joined(leaves, self._owed(leaves))

    def _policy_of(self, leaves: Sequence[Taken]) -> Policy | None:
        low, high = leaves[0].row.from_.date(), leaves[-1].row.to.date()
        return self._policy_in(low, high)

    def _policy_in(self, first: date, last: date) -> Policy | None:
        """Return the policy of the first of some days that has one.

        Leave may begin before a person or a contract does.
        """
        days = (first + _DAY * n for n in range((last - first).days + 1))
        return next((one for day in days if (one := self._policy_on(day))), None)

    def _owed(self, leaves: Sequence[Taken]) -> list[Due]:
        """Return what was owed from the first of some leaves to the last."""
        low = min(one.span[0] for one in leaves)
        high = max(one.span[1] for one in leaves)
        return self._duties.of(self._person, day_of(low) - _DAY, day_of(high))

    def _lacks_letter(self, group: Sequence[Taken]) -> bool:
        """Say whether a group lapses; note that its letter is missing."""
        policy = self._policy_of(group)
        limit = policy.limit("leave_letter_above_minutes") if policy else None
        if policy is None or limit is None:
            return False
        settings, owed = policy.file.leave, self._owed(group)
        if not rules.needs_letter(group, owed, settings, limit.seconds):
            return False
        until = rules.letter_due(group, settings, self._calendar)
        if rules.has_letter(group, until):
            return False
        if self._now is not None and (until is None or self._now <= until):
            return False
        names = " ".join(self._name(one) for one in group)
        seconds = rules.length([one.span for one in group], owed, settings.length)
        self._note(
            FindingKind.LEAVE_NO_LETTER,
            group,
            owed,
            wording.no_letter(names, seconds),
            f"leave_letter_above_minutes = {limit.seconds // 60}",
        )
        return rules.lapses(settings)

    def _report(self, one: Taken) -> None:
        """Say of a leave without effect why it has none."""
        if one.failed is None or one.failed is Failed.NO_LETTER:
            return
        owed = self._owed([one])
        if not _covers(one, owed):
            return
        name = self._name(one)
        if one.failed is Failed.UNNOTIFIED and isinstance(one.row, Leave):
            words = wording.unnotified(name)
            setting = "leave.applied"
            self._note(FindingKind.LEAVE_UNNOTIFIED, [one], owed, words, setting)
            return
        why = FAILED_WORDS[one.failed]
        self.warnings.append(
            Warned(
                self._person,
                one.row.from_.date(),
                f"{name} {why.zh}",
                f"{name}: {why.en}",
            )
        )

    def _note(
        self,
        kind: FindingKind,
        group: Sequence[Taken],
        owed: Sequence[Due],
        words: Words,
        setting: str,
    ) -> None:
        names = tuple(self._name(one) for one in group)
        days = [due.date for one in group for due in owed if _covers(one, [due])]
        self.notices.append(
            Found(
                kind=kind,
                date=min(days),
                session=None,
                seconds=None,
                words=words,
                setting=setting,
                rows=names,
                about=names[0],
            )
        )

    def _name(self, one: Taken) -> str:
        return self._book.name_of(one.row)


def _covers(one: Taken, owed: Sequence[Due]) -> bool:
    return any(clip(due.spans, *one.span) for due in owed)
