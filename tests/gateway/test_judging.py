"""Judging as data arrives comes to the same as judging a month at once."""

import asyncio
import json
import random
import tempfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway import law, outgoing
from gateway.agenda import Agenda, Item, Until
from gateway.core.judge import Judge
from gateway.core.moments import day_of, read, wall
from gateway.core.normalise import punch_id
from gateway.core.verdicts import Punched, SessionVerdict, State
from gateway.core.watermark import Terminals
from sync.messages import AttendanceEntry, Said
from tests.builders import SERIAL
from tests.gateway.judged_sites import END, World, running, settle, store, stored, world

FIRST = date(2026, 11, 2)
PEOPLE = {"p1": "1", "p2": "2"}
ENTRY = AttendanceEntry(
    seq=0,
    id="a1_x",
    rev=0,
    person="p1",
    vendor="acme",
    date="2026-11-02",
    shift="day",
    session=1,
    start="2026-11-02T08:30:00+08:00",
    end="2026-11-02T12:00:00+08:00",
    arrival=None,
    departure=None,
    state="pending",
    flags=["waits_for_terminal"],
    waits=None,
    final=False,
    policy="client-contract",
    findings=[],
    deductions=[],
)


def at_once(found: World, punches: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Judge everything in one go; return id → digest."""
    rules = law.read(found.loaded)
    now = wall(found.now.replace(tzinfo=None))
    mark = Terminals(now, {"lobby": now}, ("lobby",), {})
    judge = Judge(
        rules.book,
        rules.calendar,
        rules.policies,
        mark,
        own_terminals=frozenset({"lobby"}),
    )
    said: dict[str, str] = {}
    for person, badge in PEOPLE.items():
        mine = [
            Punched(punch_id(SERIAL, badge, at), read(at), "hq", "lobby", 0)
            for of, at in punches
            if of == badge
        ]
        judged = judge.person(person, mine, FIRST, day_of(now))
        judged.sessions = [one for one in judged.sessions if not ahead(one, now)]
        entries = outgoing.verdict_entries(
            person, "acme", judged, lambda _: "client-contract", rules.zone
        )
        said |= {one.id: outgoing.verdict_digest(one) for one in entries}
    return said


def ahead(one: SessionVerdict, now: int) -> bool:
    """Say whether a session has not begun and nobody came."""
    return one.state is State.PENDING and one.start > now and not one.arrival


def moments() -> st.SearchStrategy[tuple[str, str]]:
    """Give punches near the edges of sessions, and anywhere."""
    edges = (8.5, 12, 13.25, 14.5, 17.5, 20, 4, 6, 0)
    near = st.builds(
        lambda edge, minutes: int(edge * 3600) + minutes * 20,
        st.sampled_from(edges),
        st.integers(-20, 20),
    )

    def at(day: int, seconds: int) -> str:
        start = datetime(2026, 11, 2)  # noqa: DTZ001 - device time has no zone
        return (start + timedelta(days=day, seconds=seconds)).isoformat()

    when = st.builds(at, st.integers(0, 5), near | st.integers(0, 86_399))
    return st.tuples(st.sampled_from(["1", "2"]), when)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(moments(), max_size=30, unique=True),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
)
@example([], random.Random(1), [0])
def test_judging_at_once_equals_judging_as_data_arrives(
    punches: list[tuple[str, str]], rng: Any, hours: list[int]
) -> None:
    """Whatever the order, the pieces, the time between them and the restarts."""

    async def live(found: World) -> dict[str, str]:
        waiting = rng.sample(punches, len(punches))
        for step in hours:
            async with running(found) as (intake, judging):
                for _ in range(2):
                    size = rng.randint(0, len(waiting))
                    piece, waiting = waiting[:size], waiting[size:]
                    await store(intake, piece)
                    await settle(judging)
                    found.now += timedelta(hours=step)
                    await settle(judging)
        found.now = max(found.now, END)
        async with running(found) as (intake, judging):
            await store(intake, waiting)
            await settle(judging)
            verdicts = await stored(intake)
        return {key: outgoing.verdict_digest(one) for key, (_, one) in verdicts.items()}

    with tempfile.TemporaryDirectory() as name:
        found = world(Path(name))
        arrived = asyncio.run(live(found))
        assert arrived == at_once(found, punches)


@pytest.mark.parametrize("again", [1, 3])
def test_judging_again_says_nothing_again(tmp_path: Path, again: int) -> None:
    """A verdict that comes out the same keeps its revision, also after restarts."""
    found = world(tmp_path)
    found.now = END

    async def lived() -> tuple[list[dict[str, Any]], int]:
        rows: list[dict[str, Any]] = []
        sent = 0
        for _ in range(again + 1):
            async with running(found) as (intake, judging):
                await store(intake, [("1", "2026-11-02T08:31:07")])
                await settle(judging)
                rows = await intake.ask(
                    lambda db: list(db.query("SELECT * FROM verdicts"))
                )
                sent = await intake.ask(
                    lambda db: db.execute(
                        "SELECT count(*) FROM outbox WHERE kind = 'attendance'"
                    ).fetchone()[0]
                )
        return rows, sent

    rows, sent = asyncio.run(lived())
    assert len(rows) == sent > 0
    assert {row["rev"] for row in rows} == {1}
    assert all(
        "甲" not in json.dumps(json.loads(row["body"])["person"]) for row in rows
    )


def test_dates_before_the_window_are_judged_when_a_punch_of_them_comes(
    tmp_path: Path,
) -> None:
    """Online nothing older than 45 days is judged; a late punch brings its days."""
    found = world(tmp_path)
    found.now = END + timedelta(days=90)

    async def lived() -> tuple[set[str], set[str]]:
        async with running(found) as (intake, judging):
            await settle(judging)
            before = {one.date for _, one in (await stored(intake)).values()}
            await store(intake, [("1", "2026-11-05T08:31:07")])
            await settle(judging)
            after = {one.date for _, one in (await stored(intake)).values()}
        return before, after - before

    before, more = asyncio.run(lived())
    assert min(before) == str((found.now - timedelta(days=45)).date())
    assert more == {"2026-11-03", "2026-11-04", "2026-11-05", "2026-11-06"}


def test_old_punches_that_nobody_came_to_judge_are_judged_at_the_next_start(
    tmp_path: Path,
) -> None:
    """Durable is not judged: a power cut between the two loses no verdict."""
    found = world(tmp_path)
    found.now = END + timedelta(days=90)

    async def lived() -> set[str]:
        async with running(found) as (intake, judging):
            await settle(judging)
            await store(intake, [("1", "2026-11-05T08:31:07")])
        async with running(found) as (intake, judging):
            await settle(judging)
            return {one.date for _, one in (await stored(intake)).values()}

    assert "2026-11-05" in asyncio.run(lived())


def test_how_far_a_terminal_was_read_makes_no_revision() -> None:
    """It moves on with every poll; another terminal to wait for is another verdict."""
    digests = []
    for words in ("t1, silent since 11-02 07:58", "t1, silent since 11-02 08:58", "t2"):
        said = Said(zh=words, en=f"waits for terminal {words}")
        digests.append(outgoing.verdict_digest(replace(ENTRY, waits=said)))
    assert digests[0] == digests[1] != digests[2]
    assert outgoing.verdict_digest(replace(ENTRY, seq=9, rev=9)) == (
        outgoing.verdict_digest(ENTRY)
    )


def test_a_verdict_is_read_back_as_it_was_said() -> None:
    """What is stored is the entry itself, with its seq and its revision."""
    body = outgoing.verdict_entry(ENTRY, 7, 2)
    assert outgoing.read_verdict(body) == replace(ENTRY, seq=7, rev=2)
    gone = outgoing.withdrawn(body)
    assert (gone.state, gone.flags, gone.final) == ("excused", ["not_owed"], True)


def test_the_agenda_gives_each_date_once_and_new_ones_first() -> None:
    """Runs of dates of a person, urgent ones before old ones, long runs in pieces."""
    agenda = Agenda()
    days = [date(2026, 11, 1) + timedelta(days=n) for n in range(10)]
    agenda.add("old", days[0], days[9], urgent=False)
    agenda.add("p1", days[2], days[4], urgent=True)
    agenda.add("p1", days[3], days[5], urgent=True)
    agenda.add("p1", days[8], days[8], urgent=True)
    agenda.add("p1", days[8], days[7], urgent=True)
    assert list(agenda.take(9, 31, late=False)) == [
        Item("p1", days[2], days[5]),
        Item("p1", days[8], days[8]),
    ]
    assert not agenda.waits(late=False)
    assert list(agenda.take(1, 4, late=True)) == [Item("old", days[0], days[3])]
    assert list(agenda.take(9, 31, late=True)) == [Item("old", days[4], days[9])]
    assert not agenda.waits(late=True)


def test_what_waits_comes_when_its_moment_is_reached() -> None:
    """By the clock or by a terminal, whoever is asked; once."""
    agenda = Agenda()
    agenda.wait(Until(5), ("p1", FIRST))
    agenda.wait(Until(5, "lobby"), ("p2", FIRST))
    agenda.reached(lambda until: until.terminal == "lobby")
    assert list(agenda.take(9, 31, late=False)) == [Item("p2", FIRST, FIRST)]
    agenda.reached(lambda until: until.moment <= 5)
    agenda.reached(lambda until: until.moment <= 5)
    assert list(agenda.take(9, 31, late=False)) == [Item("p1", FIRST, FIRST)]
