"""The judge: from the punches of a person to verdicts that name their clause.

Pure and one person at a time: any month can be judged again anywhere. Time, calendar
and how far the data goes come in as arguments. The steps are those of rules.md 2.0.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from typing import cast

from gateway.core.accounting import account
from gateway.core.book.fields import seconds_of_day
from gateway.core.book.index import Book
from gateway.core.book.standing import Act, Contract
from gateway.core.calendar import Calendar
from gateway.core.deductions import charge
from gateway.core.duty import Duties
from gateway.core.findings import Found, written
from gateway.core.leaving import Absences
from gateway.core.moments import day_of
from gateway.core.policy.reading import Policy
from gateway.core.policy.settings import AddUp, Consent
from gateway.core.rules import proxy_punching
from gateway.core.rules.off_post import added, graded
from gateway.core.rules.spans import cut
from gateway.core.rules.windows import WindowTerms, windows
from gateway.core.signs import Signing
from gateway.core.sitting import Sitting
from gateway.core.verdict import NOTICES, Verdicts, of_missed
from gateway.core.verdicts import (
    Finding,
    Judged,
    Punched,
    SessionVerdict,
    State,
    Unassigned,
    Why,
)
from gateway.core.watermark import Watermark

_AROUND = timedelta(days=2)


class Judge:
    """Judges people of one book.

    Args:
        book, calendar: of the site.
        policies: id or file as contracts name it → policy.
        watermark: how far the data goes.
        forced: judge everybody by this policy, whatever the contracts say.
        own_terminals: those whose data is here; None: all. Who is enrolled on others
            too is judged at the centre.
    """

    def __init__(  # noqa: PLR0913 - what a verdict depends on
        self,
        book: Book,
        calendar: Calendar,
        policies: Mapping[str, Policy],
        watermark: Watermark,
        *,
        forced: Policy | None = None,
        own_terminals: frozenset[str] | None = None,
    ) -> None:
        self._book = book
        self._calendar = calendar
        self._policies = policies
        self._watermark = watermark
        self._forced = forced
        self._own = own_terminals
        known = [one for one in (*policies.values(), forced) if one]
        # Two versions of a rule have one id.
        self._terms = {(one.id, one.version): _terms(one) for one in known}
        self._made_by = dict[str, Policy]()
        # Asked for every session, of one person after the other.
        self._of, self._on = "", dict[date, Policy | None]()
        self._under: dict[tuple[str, date], Policy | None] = {}
        self.duties = Duties(book, calendar, self._obliged, self._unfree)
        self._verdicts = Verdicts(book, calendar, watermark)
        self._proven = proxy_punching.by_person(book)

    def person(
        self,
        person: str,
        punches: Iterable[Punched],
        first: date,
        last: date,
        *,
        accounts: bool = False,
    ) -> Judged:
        """Judge the duties of a person that began in `[first, last]`.

        `punches` in any order, repeated or not, also of the days around. With
        `accounts` it also says how each session came to its verdict.
        """
        absences = self._absences(person, first, last)
        sittings = self._sit(person, absences)
        ordered = sorted({one.id: one for one in punches}.values(), key=_order)
        unassigned = self._place(person, sittings, absences, ordered)
        signing = Signing(self._book, self._calendar, person)
        signing.sign([one for one in sittings if one.owed])
        wanted = [one for one in sittings if first <= one.date <= last]
        for sitting in wanted:
            self._verdicts.weigh(sitting, absences)
        self._grade(wanted)
        judged = self._settle(person, wanted, absences, (first, last))
        judged.unassigned += [
            one for one in unassigned if first <= day_of(one.at) <= last
        ]
        judged.warnings += [*absences.warnings, *signing.warnings]
        if accounts:
            judged.accounts = [
                account(self._book, self._days(person, one.date), person, one, absences)
                for one in wanted
            ]
        return judged

    def _obliged(self, person: str, day: date) -> bool:
        return self.policy_on(person, day) is not None

    def policy_on(self, person: str, day: date) -> Policy | None:
        """Return what a person is judged by on a day; None: owes nothing then."""
        if self._of != person:
            self._of, self._on = person, {}
        if day not in self._on:
            self._on[day] = self._policy_on(person, day)
        return self._on[day]

    def _policy_on(self, person: str, day: date) -> Policy | None:
        found = self._book.person(person)
        if found is None or not found.present(day):
            return None
        if self._forced is not None:
            return self._forced
        place = found.vendor, day
        if place not in self._under:
            contract = self._book.contract(*place)
            self._under[place] = self._in_force(contract, day) if contract else None
        return self._under[place]

    def _in_force(self, contract: Contract, day: date) -> Policy | None:
        """Return the rule of a contract, or the former one while that still counts.

        E116: in force once issued, accepted by the supplier and announced to the staff.
        A date that is missing, or no former rule, leaves nobody without one.
        """
        policy, former = (
            self._policies.get(contract.policy),
            self._book.former(contract),
        )
        if policy is None or former is None or former.policy not in self._policies:
            return policy
        known = (policy.file.issued, contract.accepted_at, contract.announced_at)
        if all(one is None or one <= day for one in known):
            return policy
        return self._in_force(former, day)

    def _days(self, person: str, day: date) -> Calendar:
        return self.duties.calendar(unfree=self._unfree(person, day))

    def _unfree(self, person: str, day: date) -> bool:
        policy = self.policy_on(person, day)
        needed = Consent.NEEDED
        return policy is not None and policy.file.scope.holiday_consent is needed

    def _absences(self, person: str, first: date, last: date) -> Absences:
        now = self._watermark.now
        found = Absences(
            self._book,
            self._calendar,
            self.duties,
            person,
            lambda day: self.policy_on(person, day),
            None if now is None else day_of(now),
        )
        found.look(first - _AROUND, last + _AROUND)
        return found

    def _sit(self, person: str, absences: Absences) -> list[Sitting]:
        """Return the sessions of a person with windows where anything is owed."""
        found: list[Sitting] = []
        holes = absences.holes
        for due in absences.dues:
            first, last = due.days
            begins = self.policy_on(person, first)
            ends = begins if first == last else self.policy_on(person, last)
            # What is owed lies on days that have a rule; a session has two at most.
            policy = cast("Policy", begins or ends)
            owed = cut(due.spans, holes) if holes else due.spans
            terms = self._terms[policy.id, policy.version]
            found.append(Sitting(due, policy, ends or policy, terms, owed))
        owing = [one for one in found if one.owed]
        for sitting, window in zip(owing, windows(owing), strict=True):
            sitting.window = window
        if self._own is not None:
            for sitting in owing:
                where = self._is_elsewhere(person, sitting.date, self._own)
                sitting.elsewhere_judged = where
        return found

    def _is_elsewhere(self, person: str, day: date, own: frozenset[str]) -> bool:
        """Say whether another gateway may hold punches of this person."""
        rows = self._book.enrolled(person, day)
        all_own = {one.id for one in self._book.terminals} <= own
        return not all(
            row.terminal in own or (row.terminal == "*" and all_own) for row in rows
        )

    def _place(
        self,
        person: str,
        sittings: Sequence[Sitting],
        absences: Absences,
        punches: Sequence[Punched],
    ) -> list[Unassigned]:
        """Give each punch to the session in whose window it lies."""
        moments = [one.moment for one in punches]
        leaves, rulings = bool(absences.taken), bool(self._book.rows.rulings)
        taken = 0
        left: list[Punched] = []
        for sitting in sittings:
            if not sitting.owed:
                continue
            low = max(bisect_left(moments, sitting.window[0]), taken)
            high = max(bisect_left(moments, sitting.window[1]), low)
            left += punches[taken:low]
            taken = high
            for punch in punches[low:high]:
                sitting.take(
                    punch,
                    away=leaves and absences.away(punch.moment),
                    void=rulings and bool(self._book.rulings_about(punch.id)),
                )
        left += punches[taken:]
        days = {sitting.date for sitting in sittings}
        return [_unassigned(person, days, punch) for punch in left]

    def _grade(self, sittings: Sequence[Sitting]) -> None:
        """Say what missed time is by its length, alone or added up over a day."""
        for _, group in groupby(sittings, key=lambda one: one.date):
            together = list(group)
            if not any(one.missed for one in together):
                continue
            policy = together[0].policy
            limit = policy.limit("off_post_above_minutes")
            seconds = limit.seconds if limit else None
            how = policy.file.verdicts.add_up
            if how is AddUp.DAY:
                _add_up(together, seconds)
            for one in together:
                if how is AddUp.SESSION:
                    one.missed = added(one.missed, seconds)
                one.missed = [graded(event, seconds) for event in one.missed]

    def _settle(
        self,
        person: str,
        sittings: Sequence[Sitting],
        absences: Absences,
        period: tuple[date, date],
    ) -> Judged:
        """Write everything down: findings, sessions, money."""
        found = self._book.person(person)
        vendor = found.vendor if found else ""
        judged, self._made_by = Judged(), {}
        by_session: list[tuple[Sitting, list[Finding]]] = []
        for sitting in sittings:
            kept: list[Finding] = []
            if sitting.missed or sitting.found:
                for rule in (*of_missed(sitting), *sitting.found):
                    one = self._written(sitting, rule, person, vendor)
                    kept += [one] if one else []
                judged.findings += kept
            by_session.append((sitting, kept))
        judged.findings += self._noticed(person, vendor, absences, period)
        judged.findings += self._proxied(person, vendor, period)
        rulings = self._proven.get(person, ())
        judged.warnings += proxy_punching.refused(self._book, rulings, person, period)
        judged.findings, judged.deductions = charge(
            judged.findings, lambda one: self._made_by[one.id]
        )
        told = {one.id: one for one in judged.findings}
        for sitting, mine_ in by_session:
            of_it = [told[one.id] for one in mine_] if mine_ else mine_
            judged.sessions.append(_said(person, sitting, of_it))
        return judged

    def _written(
        self, sitting: Sitting, rule: Found, person: str, vendor: str
    ) -> Finding | None:
        policy = sitting.ends_under if rule.at_end else sitting.policy
        return self._ruled(written(rule, policy, person, vendor), policy)

    def _noticed(
        self,
        person: str,
        vendor: str,
        absences: Absences,
        period: tuple[date, date],
    ) -> list[Finding]:
        found = []
        for notice in absences.notices:
            policy = self.policy_on(person, notice.date)
            if policy is not None and period[0] <= notice.date <= period[1]:
                one = self._ruled(written(notice, policy, person, vendor), policy)
                found += [one] if one else []
        return found

    def _proxied(
        self, person: str, vendor: str, period: tuple[date, date]
    ) -> list[Finding]:
        """Return proxy punching as rulings of these days confirmed it."""
        found = []
        rulings = self._proven.get(person, ())
        for rule, policy in proxy_punching.found(
            self._book, rulings, person, self.policy_on
        ):
            if period[0] <= rule.date <= period[1]:
                one = self._ruled(written(rule, policy, person, vendor), policy)
                found += [one] if one else []
        return found

    def _ruled(self, one: Finding | None, policy: Policy) -> Finding | None:
        """Note the ruling that waives a finding, if an entitled person made one."""
        if one is None:
            return None
        self._made_by[one.id] = policy
        for ruling in self._book.rulings_on(one.id):
            if ruling.decision != "confirm" and any(
                self._book.entitled(name, act, ruling.at.date())
                for name in ruling.by
                for act in (Act.WAIVE, Act.RULE)
            ):
                return replace(one, ruled_by=self._book.name_of(ruling))
        return one


def _add_up(sittings: Sequence[Sitting], limit: int | None) -> None:
    """Let the first session of a date have what its sessions amount to together."""
    events = [event for one in sittings for event in one.missed]
    together = added(events, limit)
    if together != events:
        for one in sittings:
            one.missed = []
        sittings[0].missed = together


def _terms(policy: Policy) -> WindowTerms:
    settings = policy.file.windows
    return WindowTerms(
        opens_before=settings.opens_before_minutes * 60,
        closes_after=settings.closes_after_minutes * 60,
        night=seconds_of_day(settings.closes_at),
    )


def _order(punch: Punched) -> tuple[int, str]:
    return punch.moment, punch.id


def _unassigned(person: str, days: set[date], punch: Punched) -> Unassigned:
    why = Why.OUTSIDE_WINDOWS if day_of(punch.moment) in days else Why.NO_DUTY
    return Unassigned(punch.id, person, punch.moment, why)


def _said(person: str, sitting: Sitting, findings: Sequence[Finding]) -> SessionVerdict:
    due = sitting.due
    return SessionVerdict(
        person=person,
        date=due.date,
        shift=due.shift,
        session=due.number,
        start=due.start,
        end=due.end,
        arrival=sitting.arrival_mark,
        departure=sitting.departure_mark,
        state=_state(sitting, findings),
        findings=tuple(one.id for one in findings),
        flags=tuple(sitting.flags),
        waits=sitting.waits,
        closes=sitting.closes,
    )


def _state(sitting: Sitting, findings: Sequence[Finding]) -> State:
    """Return what a session came to, given its findings as they are charged."""
    if sitting.state is not None:
        return sitting.state
    own = [one for one in findings if one.kind not in NOTICES] if findings else []
    if not own:
        return State.OK
    if all(one.ruled_by for one in own):
        return State.RULED
    prices = [sitting.policy.price(one.kind) for one in own]
    priced = any(one is not None and one.amount_fen is not None for one in prices)
    return State.FOUND if priced else State.UNPRICED
