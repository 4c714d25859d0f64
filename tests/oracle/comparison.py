"""Run the engine on a made-up month and tell every difference as a story."""

import json
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.oracle.cases import Person, Site, Verdict
from tests.oracle.generator import write
from tests.oracle.life import Month
from tests.oracle.oracle import charges, judge
from tests.oracle.plan import DAY, people_of, site_of

COMMAND = Path(sysconfig.get_path("scripts")) / "punchgate"
CORE = ("late", "early_leave", "off_post", "absence")
Key = tuple[str, str, str, int]


@dataclass(slots=True)
class Outcome:
    """What a comparison saw: person-days, states, doubts and the stories."""

    person_days: int = 0
    with_leave: int = 0
    states: Counter[str] = field(default_factory=Counter)
    doubts: Counter[str] = field(default_factory=Counter)
    stories: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Take in what another month showed."""
        self.person_days += other.person_days
        self.with_leave += other.with_leave
        self.states += other.states
        self.doubts += other.doubts
        self.stories += other.stories
        self.unclear += other.unclear


class Engine:
    """The JSON document of one run, by duty."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.duties: dict[Key, dict[str, Any]] = {}
        for duty in document["duties"]:
            key = (duty["person"], duty["date"], duty["shift"], duty["session"])
            self.duties[key] = duty
        self.findings = {one["id"]: one for one in document["findings"]}
        self.deductions = document["deductions"]

    def of(self, key: Key) -> list[dict[str, Any]]:
        """Return the findings of a duty that the core rule knows."""
        found = [self.findings[one] for one in self.duties[key]["findings"]]
        return [one for one in found if one["kind"] in CORE]


def engine(month: Month, folder: Path) -> Engine:
    """Judge a month through the command line, in one process."""
    book, punches = write(month, folder)
    arguments: list[str | Path] = [COMMAND, "judge", "--json", "--book", book]
    arguments += ["--punches", punches]
    arguments += ["--from", month.first.isoformat(), "--to", month.last.isoformat()]
    if month.complete_until is not None:
        arguments += ["--complete-until", month.complete_until.isoformat()]
    run = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert run.returncode in {0, 1}, run.stderr
    return Engine(json.loads(run.stdout))


def compare(month: Month, folder: Path) -> Outcome:
    """Compare one month; a difference is a story in the outcome."""
    outcome = Outcome()
    theirs = engine(month, folder)
    site = site_of(month.rows, month.signs, month.complete_until)
    days = (month.first - 3 * DAY, month.last + 3 * DAY)
    owed: set[Key] = set()
    for person in people_of(month.rows, month.signs, days):
        mine = [
            verdict
            for verdict in judge(person, site)
            if month.first <= verdict.session.day <= month.last
        ]
        owed |= {key_of(person, verdict) for verdict in mine}
        outcome.add(_person(theirs, person, mine, site))
    outcome.stories += [
        f"{key}: the engine judges a session that nobody owes"
        for key in theirs.duties.keys() - owed
    ]
    outcome.stories = [f"seed {month.seed}: {one}" for one in outcome.stories]
    return outcome


def key_of(person: Person, verdict: Verdict) -> Key:
    """Return what names a session in both worlds."""
    one = verdict.session
    return (person.id, one.day.isoformat(), one.shift, one.number)


def _person(theirs: Engine, person: Person, mine: list[Verdict], site: Site) -> Outcome:
    outcome = Outcome(person_days=len({one.session.day for one in mine}))
    outcome.with_leave = len(
        {one.session.day for one in mine if _near_leave(person, one)}
    )
    unclear = {one.session.day for one in mine if one.doubt}
    differing = set()
    for verdict in mine:
        outcome.states[verdict.state] += 1
        wrong = list(_differences(theirs, person, verdict))
        if verdict.doubt:
            outcome.doubts[verdict.doubt] += 1
            if wrong:
                told = story(theirs, person, verdict, site, wrong)
                outcome.unclear.append(f"{verdict.doubt} {told}")
        elif wrong:
            differing.add(verdict.session.day)
            outcome.stories.append(story(theirs, person, verdict, site, wrong))
    outcome.stories += [
        f"{person.id} {day}: {said}"
        for day, said in _money(theirs, person, mine)
        if day not in {one.isoformat() for one in unclear | differing}
    ]
    return outcome


def _near_leave(person: Person, verdict: Verdict) -> bool:
    session = verdict.session
    return any(
        leave.start < session.end and session.start < leave.end
        for leave in person.leave
    )


def _differences(theirs: Engine, person: Person, verdict: Verdict) -> Iterator[str]:
    key = key_of(person, verdict)
    if key not in theirs.duties:
        yield "the engine knows no such session"
    elif verdict.state == "pending":
        yield from _pending(theirs, key)
    else:
        yield from _findings(theirs, key, verdict)
        if verdict.state != "excused":
            yield from _slots(theirs.duties[key], verdict)


def _pending(theirs: Engine, key: Key) -> Iterator[str]:
    """2.0.7: a pending session may show findings, but none final and no absence."""
    state = theirs.duties[key]["state"]
    if state != "pending":
        yield f"state {state}, by the text pending"
    for one in theirs.of(key):
        if one["final"] or one["kind"] == "absence":
            yield f"{one['kind']} of a pending session"


def _findings(theirs: Engine, key: Key, verdict: Verdict) -> Iterator[str]:
    state, found = theirs.duties[key]["state"], theirs.of(key)
    said = sorted((one["kind"], one["seconds"]) for one in found)
    if said != sorted(verdict.findings):
        yield f"findings {said}, by the text {sorted(verdict.findings)}"
    if verdict.findings and state != "found":
        yield f"state {state}, by the text found"
    if not verdict.findings and state not in _fitting(theirs, key, verdict):
        yield f"state {state}, by the text {verdict.state}"
    for leave in verdict.overstayed:
        for one in found:
            if one["kind"] in {"late", "off_post"} and leave not in one["rows"]:
                yield f"{one['kind']} after leave {leave} does not name it"


def _slots(duty: dict[str, Any], verdict: Verdict) -> Iterator[str]:
    for slot, told, at in (
        ("in", duty["arrival"], verdict.arrival),
        ("out", duty["departure"], verdict.departure),
    ):
        seen = None if told is None else datetime.fromisoformat(told["at"][:19])
        if seen != at and slot not in verdict.joined:
            yield f"{slot} {seen}, by the text {at}"


def _fitting(theirs: Engine, key: Key, verdict: Verdict) -> set[str]:
    """Return the states that fit a session without a finding of the core rule.

    A notice may make it `found`, an excused slot `excused`; the text names neither.
    """
    states = {verdict.state}
    if theirs.duties[key]["findings"]:
        states.add("found")
    if verdict.slot_excused:
        states.add("excused")
    return states


def _money(
    theirs: Engine, person: Person, mine: list[Verdict]
) -> Iterator[tuple[str, str]]:
    """Yield the dates on which deduction lines differ."""
    keys = {key_of(person, one)[1:] for one in mine}
    said: dict[str, list[tuple[str, int, str, int]]] = {}
    for line in theirs.deductions:
        finding = theirs.findings[line["finding"]]
        if line["person"] != person.id or finding["kind"] not in CORE:
            continue
        shifts = [
            key[1]
            for key in keys
            if (key[0], key[2]) == (finding["date"], finding["session"])
            and (person.id, *key) in theirs.duties
            and finding["id"] in theirs.duties[(person.id, *key)]["findings"]
        ]
        said.setdefault(line["date"], []).append(
            (
                shifts[0] if shifts else "?",
                finding["session"],
                finding["kind"],
                line["amount_fen"],
            )
        )
    due: dict[str, list[tuple[str, int, str, int]]] = {}
    for day, shift, number, kind, fen in charges(mine):
        due.setdefault(day.isoformat(), []).append((shift, number, kind, fen))
    for date in sorted(said.keys() | due.keys()):
        left, right = sorted(said.get(date, [])), sorted(due.get(date, []))
        if left != right:
            yield date, f"charged {left}, by the text {right}"


def story(
    theirs: Engine, person: Person, verdict: Verdict, site: Site, wrong: list[str]
) -> str:
    """Tell a difference: duties, leave and signs near it, and both verdicts."""
    session = verdict.session
    near = (session.start - timedelta(hours=14), session.end + timedelta(hours=14))
    lines = [f"{key_of(person, verdict)}"]
    lines += [f"  differs: {one}" for one in wrong]
    lines += [
        f"  duty {one.day} {one.shift}/{one.number} {one.start} to {one.end} at "
        f"{','.join(sorted(one.terminals))}"
        for one in person.sessions
        if one.start < near[1] and near[0] < one.end
    ]
    lines += [
        f"  {row}" for row in person.leave if row.start < near[1] and near[0] < row.end
    ]
    lines += [
        f"  {row}"
        for row in person.permits
        if row.start < near[1] and near[0] < row.end
    ]
    lines += [f"  {row}" for row in person.corrections if near[0] < row.at < near[1]]
    lines += [
        f"  {row}"
        for row in site.outages
        if row.start < near[1]
        and near[0] < row.end
        and row.terminal in session.terminals
    ]
    lines += [
        f"  unknown badge on {row.terminal} {row.at}"
        for row in site.unknown
        if near[0] < row.at < near[1] and row.terminal in session.terminals
    ]
    signs = sorted((one.at, one.terminal) for one in person.punches)
    lines += [f"  punch {at} {place}" for at, place in signs if near[0] < at < near[1]]
    if verdict.window is not None:
        lines.append(f"  window {verdict.window[0]} to {verdict.window[1]}")
    lines.append(f"  complete until {site.complete_until}")
    duty = theirs.duties.get(key_of(person, verdict))
    lines.append(f"  engine: {duty}")
    lines.append(
        f"  text: {verdict.state} in {verdict.arrival} out {verdict.departure} "
        f"{verdict.findings} {sorted(verdict.joined)}"
    )
    return "\n".join(lines)
