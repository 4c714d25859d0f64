"""Rows of the book that say when people owe presence: shifts, posts, roster, days."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.core.book import fields
from gateway.core.book.fields import ref, seconds_of_day
from gateway.core.book.standing import Row, Unnamed
from gateway.core.calendar import DayKind, Half
from gateway.core.walker import between, filled, key


class DayWord(StrEnum):
    """On which days a shift is worked."""

    WORKDAYS = "workdays"
    EVERY = "every"
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEK = (
    *(DayWord.MON, DayWord.TUE, DayWord.WED, DayWord.THU),
    *(DayWord.FRI, DayWord.SAT, DayWord.SUN),
)


class PostKind(StrEnum):
    """Whether somebody must always be at a post (7×24 岗位)."""

    ROUND_THE_CLOCK = "24x7"
    NORMAL = "normal"


def _days(value: tuple[DayWord, ...]) -> str | None:
    alone = {DayWord.WORKDAYS, DayWord.EVERY} & set(value)
    if not value or (alone and len(value) > 1):
        return 'must be "workdays", "every" or a list of "mon" to "sun"'
    return None


@dataclass(frozen=True, slots=True)
class Break:
    """A pause nobody punches and nobody owes."""

    start: str = key(check=fields.time_of_day)
    end: str = key(check=fields.time_of_day)

    @property
    def span(self) -> tuple[int, int]:
        """Half-open, in seconds since midnight of the duty date."""
        return seconds_of_day(self.start), seconds_of_day(self.end)


@dataclass(frozen=True, slots=True)
class Session:
    """A stretch of duty with a sign in and a sign out (上班、下班时段)."""

    start: str = key(check=fields.time_of_day)
    end: str = key(check=fields.time_of_day)
    breaks: tuple[Break, ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """Half-open, in seconds since midnight of the duty date."""
        return seconds_of_day(self.start), seconds_of_day(self.end)

    @property
    def owed_seconds(self) -> int:
        """Length without breaks, which lie inside and do not overlap."""
        start, end = self.span
        return end - start - sum(last - first for first, last in self.pauses)

    @property
    def pauses(self) -> tuple[tuple[int, int], ...]:
        """The breaks as half-open spans in seconds."""
        return tuple(pause.span for pause in self.breaks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(Row):
    """A pattern of sessions (班次) and the days it is worked."""

    id: str = key(check=fields.identifier)
    name: str = ""
    sessions: tuple[Session, ...] = key(check=fields.some)
    days: tuple[DayWord, ...] = key(check=_days)

    @property
    def follows_calendar(self) -> bool:
        """Say whether the calendar decides the days."""
        return self.days == (DayWord.WORKDAYS,)

    def on_weekday(self, day: date) -> bool:
        """Say whether its own list has `day`; never asked of `workdays`."""
        return self.days == (DayWord.EVERY,) or WEEK[day.weekday()] in self.days


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Row):
    """A post (岗位); between its dates coverage is owed."""

    id: str = key(check=fields.identifier)
    name: str = ""
    kind: PostKind = PostKind.NORMAL
    vendor: str = ref("vendors", "")
    headcount: int = key(1, check=between(1, 1000))
    from_: date
    to: date | None = None

    def covers(self, day: date) -> bool:
        """Say whether coverage is owed on `day`."""
        return self.from_ <= day <= (self.to or date.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster(Unnamed):
    """A person has a shift (排班): on `dates`, or on every day from `from` to `to`.

    On `dates` the shift is worked whatever weekday or holiday it is; between `from` and
    `to` the shift's `days` decide.
    """

    person: str = ref("people")
    shift: str = ref("shifts")
    post: str = ref("posts", "")
    from_: date | None = None
    to: date | None = None
    dates: tuple[date, ...] = ()
    terminals: tuple[str, ...] = ref("terminals", ())

    def covers(self, day: date) -> bool:
        """Say whether `day` is one of its dates, before weekday and calendar."""
        if self.dates:
            return day in self.dates
        return (self.from_ or date.min) <= day <= (self.to or date.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOrder(Unnamed):
    """The client's order for one day; absent keys leave things as they are.

    Without people, shifts and posts it is for everybody. `which` is the half of a half
    day that is worked, the morning unless said. `sessions` replace those of the shift.
    """

    date: date
    kind: DayKind | None = None
    which: Half | None = None
    sessions: tuple[Session, ...] = ()
    people: tuple[str, ...] = ref("people", ())
    shifts: tuple[str, ...] = ref("shifts", ())
    posts: tuple[str, ...] = ref("posts", ())
    by: str = key(check=filled)
    note: str = ""

    @property
    def for_everybody(self) -> bool:
        """Say whether it has no scope."""
        return not (self.people or self.shifts or self.posts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Unnamed):
    """The end user agreed that holidays may be taken."""

    dates: tuple[date, ...] = key(check=fields.some)
    end_user: str = key(check=filled)
    given_at: date
    document: str = ""
