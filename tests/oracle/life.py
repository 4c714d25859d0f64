"""Make up what one person does in a month: leave, permits, signs, make-up punches."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from tests.oracle.cases import Session
from tests.oracle.plan import DAY, Row, Rows, Sign, sessions_of

TERMINALS = ("t1", "t2", "t3", "t4", "t5", "t6")
# Seconds from a due time: on it, one off, about a minute, the limits of 2 h and 3 h.
NEAR = (0, 0, -1, 1, -59, 59, -60, 60, -61, 61, 30, -30)
FAR = (-7200, -7201, -7199, 7200, 7201, 10799, 10800, 10801, -10800, -10801, 3600)


@dataclass(slots=True)
class Month:
    """A made-up month: rows of the book, signs, and how far the data goes."""

    seed: int
    first: date
    last: date
    rows: Rows
    signs: list[Sign]
    complete_until: datetime | None = None


def live(random: Random, month: Month, row: Row) -> None:
    """Leave, permits, corrections and signs of one person."""
    days = (month.first - DAY, month.last + DAY)
    sessions = sessions_of(month.rows, row, days)
    if not sessions:
        return
    moments = [
        moment
        for _ in range(random.choice((0, 1, 1, 3, 5)))
        for moment in _leave(random, month, row, random.choice(sessions))
    ]
    away = _permits(random, month, row, sessions)
    for session in sessions:
        _signs(random, month, row, session, moments)
        if session in away:
            _elsewhere(random, month, row, session)


def _leave(random: Random, month: Month, row: Row, session: Session) -> list[datetime]:
    """Add a leave near a session (sometimes two that touch); return its ends."""
    rows = month.rows.setdefault("leave", [])
    half = session.start + (session.end - session.start) / 2
    odd = timedelta(seconds=random.choice((0, 0, 1, -1, 60)))
    hours = [timedelta(hours=n) for n in range(25)]
    start, end = random.choice(
        (
            (session.start, half + odd),
            (session.start - hours[1], session.start + hours[2] + odd),
            (half + odd, session.end),
            (half, session.end + hours[1]),
            (session.start + hours[1], half + odd),
            (session.start + odd, session.end),
            (session.start, session.end + odd),
            (session.start, session.end),
            (session.end, session.end + hours[2] + hours[1] / 2),
            (session.end - hours[1], session.end + hours[3]),
            (session.end - hours[1] + odd, session.end + hours[3] + odd),
            (session.start - hours[2], session.start + odd),
            (session.start - hours[12], session.end + hours[12]),
            (session.start - hours[24], session.end + hours[24] + hours[24]),
        )
    )
    if start >= end:
        return []
    first = _leave_row(random, row["id"], len(rows), (start, end))
    rows.append(first)
    if random.random() < 0.2:
        shift = timedelta(seconds=random.choice((0, 0, 1, -1800)))
        second = (end + shift, end + shift + hours[1])
        rows.append(_leave_row(random, row["id"], len(rows), second))
    return [start, end, first.get("ended_at", end)]


def _leave_row(
    random: Random, person: str, number: int, span: tuple[datetime, datetime]
) -> Row:
    start, end = span
    applied = random.choice((86400, 86400, 86400, 86400, 1, 1, 0, -3600, -1))
    row: Row = {
        "id": f"L{number}",
        "person": person,
        "kind": random.choice(("personal", "sick", "official", "other")),
        "from": start,
        "to": end,
        "applied_at": start - timedelta(seconds=applied),
        "approved_at": start + timedelta(seconds=random.choice((-1, 0, 3600))),
        "letter_at": start,
        "returned_at": end,
        "substitute_waived_by": "leader1",
        "entered_by": "leader1",
    }
    row["approved_by"] = random.choice(
        ("leader1", "leader1", "leader1", "clerk1", "clerk1", "guard1", "nobody", "")
    )
    if not row["approved_by"]:
        del row["approved_by"], row["approved_at"]
    elif random.random() < 0.25:
        row["ended_at"] = start + (end - start) / random.choice((2, 2, 4))
        row["ended_at"] = row["ended_at"].replace(microsecond=0)
    return row


def _permits(
    random: Random, month: Month, row: Row, sessions: tuple[Session, ...]
) -> list[Session]:
    """Add permits to be elsewhere; return the sessions they touch, and some more."""
    rows = month.rows.setdefault("permits", [])
    away = []
    for _ in range(random.choice((0, 0, 1, 3))):
        session = random.choice(sessions)
        half = session.start + (session.end - session.start) / 2
        hour = timedelta(hours=1)
        start, end = random.choice(
            (
                (session.start - hour, half),
                (half, session.end + hour),
                (session.start - hour, session.end + hour),
            )
        )
        permit: Row = {
            "id": f"P{len(rows)}",
            "person": row["id"],
            "kind": random.choice(("field", "trip", "after_hours")),
            "from": start,
            "to": end,
            "applied_at": start - DAY,
        }
        if random.random() < 0.9:
            by = random.choice(("leader1", "guard1", "clerk1"))
            permit |= {"approved_by": by, "approved_at": start - hour}
        rows.append(permit)
        away.append(session)
    return away


def _terminal(random: Random, session: Session) -> str:
    return random.choice(sorted(session.terminals))


def _badge(month: Month, row: Row) -> str:
    rows = month.rows["enrolments"]
    return str(next(one["badge"] for one in rows if one["person"] == row["id"]))


def _elsewhere(random: Random, month: Month, row: Row, session: Session) -> None:
    """Sign where the duty does not look, at both ends."""
    for at in (session.start, session.end):
        moment = at + timedelta(seconds=random.choice(NEAR))
        month.signs.append(("b1", _badge(month, row), moment))


def _signs(
    random: Random,
    month: Month,
    row: Row,
    session: Session,
    moments: list[datetime],
) -> None:
    """Sign a session, or not, or at the wrong end, or again and again."""
    times: list[datetime] = []
    usual = random.random() < 0.35
    for due, early in ((session.start, -1), (session.end, 1)):
        lazy = random.random()
        if _dark(month, session, due) and random.random() < 0.5:
            continue
        if lazy < (0.01 if usual else 0.12):
            _correct(random, month, row, due, early)
            continue
        offset = random.choice(FAR) if lazy > 0.85 else random.choice(NEAR)
        if usual:
            offset = early * random.randrange(900)
        times.append(due + timedelta(seconds=offset))
    if not usual:
        times += _extra(random, session, moments)
    for at in list(times):
        if random.random() < 0.12:
            again = random.choice((59, 60, 61, 40, 1, -59, -60, 0))
            times.append(at + timedelta(seconds=again))
    for at in times:
        terminal = _terminal(random, session)
        if random.random() < 0.02:
            terminal = random.choice((*TERMINALS, "b1"))
        month.signs.append((terminal, _badge(month, row), at))


def _dark(month: Month, session: Session, due: datetime) -> bool:
    """Whether a terminal of the duty could not be read near a due time."""
    near = timedelta(minutes=40)
    return any(
        row["terminal"] in session.terminals
        and row["from"] < due + near
        and due - near < row["to"]
        for row in month.rows.get("outages", [])
    )


def _extra(random: Random, session: Session, moments: list[datetime]) -> list[datetime]:
    half = session.start + (session.end - session.start) / 2
    day = datetime.combine(session.day, time())
    edges = [half, half, session.start - timedelta(hours=2)]
    edges += [day + timedelta(hours=h) for h in (13.25, 12.5, 18.75, 28, 7, 14, 11.5)]
    edges += [one for one in moments if abs(one - half) < timedelta(hours=24)] * 4
    count = random.choice((0, 0, 0, 1, 1, 2))
    return [
        random.choice(edges) + timedelta(seconds=random.choice((-1, 0, 0, 1)))
        for _ in range(count)
    ]


def _correct(random: Random, month: Month, row: Row, due: datetime, early: int) -> None:
    """Sometimes ask for a make-up punch in place of the missing one."""
    if random.random() < 0.6:
        return
    rows = month.rows.setdefault("corrections", [])
    at = due + timedelta(seconds=early * random.choice((300, 0, -1, -600)))
    correction: Row = {
        "id": f"C{len(rows)}",
        "person": row["id"],
        "at": at,
        "slot": "in" if early < 0 else "out",
        "reason": "忘打卡",
        "requested_at": at + timedelta(hours=1),
    }
    approval: Row = {"approved_by": "leader1", "second_by": "clerk1"}
    kind = random.randrange(5)
    if kind == 1:
        approval["second_by"] = "leader1"
    if kind == 2:
        del approval["second_by"]
    if kind == 3:
        approval["approved_by"] = "guard1"
    if kind == 4:
        approval = {}
    else:
        approval["approved_at"] = at + timedelta(hours=2)
    rows.append(correction | approval)
