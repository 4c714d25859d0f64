"""2.0.5 The verdict on a session: a sign missing is absence and nothing else beside it.

Otherwise late and early by owed time. An outage may excuse a missing sign (E97); data
that is not complete leaves a session pending (2.0.7).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from gateway.core import wording
from gateway.core.book.days import Leave
from gateway.core.book.index import Book
from gateway.core.calendar import Calendar
from gateway.core.findings import Found
from gateway.core.leaving import Absences
from gateway.core.moments import Span, day_of, local, turned
from gateway.core.policy.kinds import FindingKind, Words
from gateway.core.policy.settings import AfterEnd, Need, OneSign, VoidSlot
from gateway.core.rules import lateness, outages
from gateway.core.rules.off_post import Missed
from gateway.core.rules.outages import Excuse, Excused
from gateway.core.rules.spans import total
from gateway.core.sitting import Sitting
from gateway.core.verdicts import Flag, State
from gateway.core.watermark import Watermark
from gateway.core.workdays import workday_after

NOTICES = frozenset(
    {
        FindingKind.ELSEWHERE,
        FindingKind.LEAVE_OVERSTAY,
        FindingKind.LEAVE_NO_LETTER,
        FindingKind.LEAVE_UNNOTIFIED,
        FindingKind.RETURN_UNCONFIRMED,
    }
)
"""Kinds that never make a session found: they are told beside its verdict."""

_CALENDAR = Words("等待放假安排：该年日历未知", "waits for the calendar of that year")
_CENTRE = Words(
    "等待中心：此人也在其他网关登记", "waits for the centre: enrolled elsewhere too"
)
_BADGE = Words(
    "等待核对：窗口内有未知工号", "waits for an unknown badge in this window"
)
_OUTAGE = Words("等待裁定：考勤机故障", "waits for a ruling on an outage")
_NO_EXCUSE = Excused(Excuse.NO)


class Verdicts:
    """Weighs sessions whose signs are known."""

    def __init__(self, book: Book, calendar: Calendar, watermark: Watermark) -> None:
        self._book = book
        self._calendar = calendar
        self._watermark = watermark
        self._zone = ZoneInfo(book.site.timezone)

    def weigh(self, sitting: Sitting, absences: Absences) -> None:
        """Say what a session came to; what is found is kept in it."""
        if not sitting.owed:
            sitting.state = State.EXCUSED
            sitting.flags.append(Flag.ON_LEAVE)
        elif not sitting.due.known:
            _wait(sitting, Flag.WAITS_FOR_CALENDAR, _CALENDAR)
        elif sitting.elsewhere_judged:
            _wait(sitting, Flag.WAITS_FOR_CENTRE, _CENTRE)
        elif sitting.void and sitting.policy.file.rulings.void_slot is VoidSlot.RULED:
            sitting.state = State.RULED
        else:
            self._weigh(sitting, absences)

    def _weigh(self, sitting: Sitting, absences: Absences) -> None:
        self._note_others(sitting)
        if turned((sitting.due.start, sitting.due.end), self._zone):
            sitting.flags.append(Flag.CLOCKS_TURNED)
        gap = self._watermark.gap(sitting.due.terminals, sitting.closes)
        excuses = self._missing(sitting)
        if gap is not None:
            # Late and early may be shown; absence never, before all was read.
            _wait(sitting, Flag.WAITS_FOR_TERMINAL, Words(gap.zh, gap.en))
            self._measure(sitting, absences, excuses)
        elif any(one.answer is Excuse.NO for one in excuses):
            self._absent(sitting, absences, len(excuses))
        elif any(one.answer is Excuse.OPEN for one in excuses):
            _wait(sitting, Flag.OUTAGE_OPEN, _OUTAGE)
        else:
            if excuses:
                sitting.missed_rows = self._names(excuses)
            self._measure(sitting, absences, excuses)
        if gap is None:
            self._unconfirmed(sitting, absences)

    def _missing(self, sitting: Sitting) -> list[Excused]:
        """Return what excuses the required signs that are missing, one for each."""
        signs = sitting.policy.file.signs
        settings = sitting.policy.file.outages
        found = []
        if not (sitting.arrival or sitting.stays_in) and signs.sign_in is Need.REQUIRED:
            near = outages.near_start(sitting.owed[0][0], settings)
            found.append(self._excuse(sitting, near))
        if (
            not (sitting.departure or sitting.stays_out)
            and signs.sign_out is Need.REQUIRED
        ):
            near = outages.near_end(sitting.owed[-1][1], settings)
            found.append(self._excuse(sitting, near))
        return found

    def _excuse(self, sitting: Sitting, near: Span) -> Excused:
        if not self._book.rows.outages:
            return _NO_EXCUSE
        start, end = local(near[0]), local(near[1])
        names = sitting.due.terminals
        rows = {name: self._book.outages(name, start, end) for name in names}
        return outages.excuse(
            near,
            rows,
            sitting.policy.file.outages,
            self._calendar,
            self._watermark.now,
        )

    def _absent(self, sitting: Sitting, absences: Absences, missing: int) -> None:
        """A sign is missing and nothing excuses it."""
        if self._watermark.parked(sitting.due.terminals, sitting.window):
            _wait(sitting, Flag.WAITS_FOR_BADGE, _BADGE)
            return
        kind, setting = self._kind_of_missing(sitting, missing)
        punches = _marks(sitting)
        seconds = total(sitting.owed)
        rows = self._overstay(sitting, absences)
        sitting.found.append(
            Found(
                kind=kind,
                date=sitting.date,
                session=sitting.due.number,
                seconds=seconds,
                words=_missed_words(sitting, kind, seconds),
                setting=setting,
                shift=sitting.due.shift,
                punches=punches,
                rows=(*rows, *sitting.corrected),
            )
        )

    def _kind_of_missing(
        self, sitting: Sitting, missing: int
    ) -> tuple[FindingKind, str]:
        verdicts = sitting.policy.file.verdicts
        left = sitting.departure
        after = not sitting.arrival and left is not None and left.first >= sitting.end
        if after and verdicts.signs_after_end is AfterEnd.OFF_POST:
            return FindingKind.OFF_POST, "verdicts.signs_after_end = off_post"
        if missing == 1 and verdicts.one_sign_missing is OneSign.MISSING_PUNCH:
            until = self._explained_by(sitting)
            if until is None or not self._past(until):
                setting = "verdicts.one_sign_missing = missing_punch"
                return FindingKind.MISSING_PUNCH, setting
        if missing == 1:
            return FindingKind.ABSENCE, "verdicts.one_sign_missing = absence"
        return FindingKind.ABSENCE, "signs.sign_in = required"

    def _explained_by(self, sitting: Sitting) -> date | None:
        """Return until when a missing punch may be explained; None: for ever."""
        days = sitting.policy.file.verdicts.missing_punch_workdays
        return workday_after(self._calendar, sitting.date, days) if days else None

    def _past(self, day: date) -> bool:
        now = self._watermark.now
        return now is None or day_of(now) > day

    def _measure(
        self, sitting: Sitting, absences: Absences, excuses: Sequence[Excused]
    ) -> None:
        """Both required signs are there, or excused: late and early by owed time."""
        signs = sitting.policy.file.signs
        number, owed = sitting.due.number, sitting.owed
        arrival, departure = sitting.arrival, sitting.departure
        if arrival and not sitting.stays_in:
            late = lateness.late_seconds(owed, arrival.first, signs)
            if late:
                sign = (arrival.punches[0].id,)
                sitting.missed.append(Missed(FindingKind.LATE, number, late, sign))
                sitting.missed_rows += self._overstay(sitting, absences)
        now = self._watermark.now
        over = now is None or now >= sitting.end
        if departure and not sitting.stays_out and over:
            early = lateness.early_seconds(owed, departure.last, signs)
            if early:
                sign = (departure.punches[-1].id,)
                kind = FindingKind.EARLY_LEAVE
                sitting.missed.append(Missed(kind, number, early, sign, at_end=True))
        if excuses and not sitting.missed and sitting.state is None:
            sitting.state = State.EXCUSED

    def _overstay(self, sitting: Sitting, absences: Absences) -> tuple[str, ...]:
        """Note that a leave was overstayed; return its name for the finding."""
        found = absences.ended_before(sitting.owed[0][0])
        if not found:
            return ()
        leave = found[-1]
        name = self._book.name_of(leave.row)
        sitting.found.append(
            Found(
                kind=FindingKind.LEAVE_OVERSTAY,
                date=sitting.date,
                session=None,
                seconds=None,
                words=wording.overstayed(name, leave.span[1]),
                setting="leave_overstay",
                shift=sitting.due.shift,
                rows=(name,),
                about=name,
                final=sitting.final,
            )
        )
        return (name,)

    def _note_others(self, sitting: Sitting) -> None:
        """Tell of punches on terminals that do not satisfy this duty."""
        if not sitting.others:
            return
        names = " ".join(sorted({one.terminal for one in sitting.others}))
        sitting.found.append(
            Found(
                kind=FindingKind.ELSEWHERE,
                date=sitting.date,
                session=None,
                seconds=None,
                words=wording.elsewhere(names),
                setting="roster.terminals",
                shift=sitting.due.shift,
                about=str(sitting.due.number),
                punches=tuple(one.id for one in sitting.others),
                final=sitting.final,
            )
        )

    def _unconfirmed(self, sitting: Sitting, absences: Absences) -> None:
        """Note a return in person that nobody confirmed (未销假)."""
        if sitting.arrival is None:
            return
        for leave in absences.ended_before(sitting.owed[0][0]):
            row = leave.row
            if not isinstance(row, Leave) or leave.elsewhere:
                continue
            if row.returned_at or row.ended_at:
                continue
            name = self._book.name_of(row)
            sitting.found.append(
                Found(
                    kind=FindingKind.RETURN_UNCONFIRMED,
                    date=sitting.date,
                    session=None,
                    seconds=None,
                    words=wording.unconfirmed(name),
                    setting=_set(sitting, "leave", "return_unconfirmed"),
                    rows=(name,),
                    about=name,
                )
            )

    def _names(self, excuses: Iterable[Excused]) -> tuple[str, ...]:
        rows = {self._book.name_of(row) for one in excuses for row in one.rows}
        return tuple(sorted(rows))


def of_missed(sitting: Sitting) -> list[Found]:
    """Return what was missed at the ends of a session, as it is graded now."""
    return [
        Found(
            kind=one.kind,
            date=sitting.date,
            session=one.session,
            seconds=one.seconds,
            words=_missed_words(sitting, one.kind, one.seconds),
            setting=_decided(sitting, one.kind),
            shift=sitting.due.shift,
            punches=one.punches,
            rows=(*sitting.missed_rows, *sitting.corrected),
            about="end" if one.at_end else "",
            final=sitting.final,
            at_end=one.at_end,
        )
        for one in sitting.missed
    ]


def _wait(sitting: Sitting, flag: Flag, words: Words) -> None:
    sitting.state = State.PENDING
    sitting.flags.append(flag)
    sitting.waits = words
    sitting.final = False


def _marks(sitting: Sitting) -> tuple[str, ...]:
    marks = (sitting.arrival_mark, sitting.departure_mark)
    return tuple(dict.fromkeys(mark.punch for mark in marks if mark))


def _missed_words(sitting: Sitting, kind: FindingKind, seconds: int) -> Words:
    marks = (sitting.arrival_mark, sitting.departure_mark)
    at = tuple(mark.at if mark else None for mark in marks)
    return wording.missed(kind, seconds, (sitting.start, sitting.end), at)


def _decided(sitting: Sitting, kind: FindingKind) -> str:
    """Return the setting or limit that decided what missed time is called."""
    if kind is FindingKind.OFF_POST:
        limit = sitting.policy.limit("off_post_above_minutes")
        return f"off_post_above_minutes = {limit.seconds // 60 if limit else 0}"
    return _set(sitting, "signs", "on_the_second")


def _set(sitting: Sitting, group: str, name: str) -> str:
    value = getattr(getattr(sitting.policy.file, group), name)
    return f"{group}.{name} = {value}"
