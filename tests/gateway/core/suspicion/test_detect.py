"""The whole engine: documents, restarts, late data, weakening, one case per subject."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.suspicion.cases import Case, integrity, month_end
from gateway.core.suspicion.events import Punch
from gateway.core.suspicion.state import State
from gateway.core.suspicion.values import (
    Grade,
    Kind,
    Options,
    Status,
    Text,
    day_number,
)
from tests.gateway.core.suspicion.makers import (
    MONDAY,
    NAMES,
    book,
    covered,
    moved,
    punch,
    run,
    text,
    usual,
    workdays,
)

KEYS = [
    *("id", "kind", "grade", "subject", "neighbour", "alternatives", "terminal"),
    *("events", "days", "null", "strength", "opened_on", "as_of", "claim"),
]
DAYS = workdays(40)


def month(fakes: Sequence[int], days: Sequence[int] = DAYS) -> list[Punch]:
    """Return two months of four people; on some days B makes A's only punch."""
    events: list[Punch] = []
    for day in days:
        if day in fakes:
            events += covered(day)
        else:
            events += usual(NAMES[:4], [day])
    return events


FAKES = DAYS[18:26:2]


def pair_case(events: list[Punch], **how: Any) -> dict[str, Any]:
    """Return the only pair case of some events as it stands in the document."""
    cases = run(events, **how).to_json()["cases"]
    (case,) = (one for one in cases if one["kind"] == "pair" and one["grade"] == "case")
    return dict(case)


def test_the_document_of_a_pair_case() -> None:
    """Who, beside whom, which punches, what for and what against, and how to check."""
    case = pair_case(month(FAKES))
    assert list(case)[: len(KEYS)] == KEYS
    assert (case["subject"], case["neighbour"], case["terminal"]) == ("A", "B", "lobby")
    assert case["events"] == [f"A-{day}-08:11:03-lobby" for day in FAKES]
    assert [day["speaks"] for day in case["days"]] == ["for"] * 4
    assert case["days"][0]["beside"][0]["seconds_apart"] == 3
    assert case["days"][0]["presence_gap"]["missing"] == ["12:00", "14:30", "17:30"]
    assert case["null"]["contrast"]["weak"] == 0
    assert case["null"]["contrast"]["of"] > 90
    strength = case["strength"]
    assert strength["e"] * strength["weight"] >= strength["needed"]
    assert case["context"]["tie"]["means"] == "acquaintance, nothing else"
    assert case["punches"][0]["before"] == {
        "person": "B",
        "seconds": 3,
        "verify": "finger",
    }
    assert case["to_confirm"][0]["at"] == case["punches"][0]["at"][:16]
    assert case["charge_once"] == "A/2026-04"
    assert case["decision_on"] == "2026-04-30"
    assert case["review"] == []


def test_no_document_speaks_of_the_probability_of_guilt() -> None:
    """Strength is E against a bar; guilt has no number here."""
    words = text(run(month(FAKES))).decode().lower()
    assert "guilt" not in words
    assert "probability" not in words
    assert "概率" not in words
    assert "suspected" in words


def test_evidence_against_comes_first() -> None:
    """Days beside B with A's own finger stand before the days that accuse."""
    events = month(FAKES)
    honest = DAYS[10]
    events.append(punch("B", honest, moved("08:10:00", 180 + 3), id="again"))
    events = [one for one in events if one.id != f"A-{honest}-08:10:00-lobby"]
    events.append(punch("A", honest, moved("08:10:00", 180 + 6)))
    case = pair_case(events)
    assert [day["speaks"] for day in case["days"]] == ["against"] + ["for"] * 4


def test_one_favour_is_never_a_case() -> None:
    """A single loud day goes to the watch list and no further."""
    loud = Options(watch_ratio=50.0)
    cases = run(month(DAYS[20:21]), options=loud).cases
    assert [(one.kind, one.grade) for one in cases] == [(Kind.PAIR, Grade.WATCH)]
    assert cases[0].to_json()["why_not_a_case"]["en"].startswith("One day")
    for quiet in (Options(), Options(watch_ratio=50.0, watch_per_week=0)):
        assert run(month(DAYS[20:21]), options=quiet).cases == ()


def test_one_case_per_subject() -> None:
    """Two helpers of one person are one case; the other stands as an alternative."""
    events = month(())
    for place, day in enumerate(DAYS[18:34:2]):
        helper = "BC"[place % 2]
        start, end = DAYS.index(day), DAYS.index(day) + 1
        events = [one for one in events if one not in usual(NAMES[:4], DAYS[start:end])]
        events += covered(day, helper=helper)
    case = pair_case(events)
    assert {case["neighbour"], case["alternatives"][0]["neighbour"]} == {"B", "C"}
    assert case["strength"]["e"] >= case["alternatives"][0]["e"]


def test_a_case_weakens_when_the_evidence_does() -> None:
    """Open only while selected: honest days beside B close it, in words."""
    events = month(FAKES[:3], days=DAYS[:26])
    later = workdays(120)[26:60]
    events += usual(("C", "D"), later, terminal="side")
    for day in later:
        events += usual(("B", "A"), [day], apart=3)
    early = run(events, options=Options(through=MONDAY + timedelta(days=DAYS[25])))
    assert [one.status for one in early.cases] == [Status.OPEN]
    (case,) = run(events).cases
    assert (case.status, case.grade) == (Status.WEAKENED, Grade.NOTE)
    assert case.id == early.cases[0].id
    assert case.decisions == ("2026-03",)
    assert case.reason is not None
    assert "weakened" in case.reason.en


def test_a_case_says_when_it_opened() -> None:
    """Opened on the first night it was chosen, whichever night looks."""
    whole = pair_case(month(FAKES))
    opened = date.fromisoformat(whole["opened_on"])
    assert (opened - MONDAY).days in FAKES[1:]
    before = run(month(FAKES), options=Options(through=opened - timedelta(days=1)))
    assert all(one.grade != Grade.CASE for one in before.cases)


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, len(DAYS) - 1))
def test_restart_order_and_repeats_change_no_byte(rng: Any, split: int) -> None:
    """Fold, stop, keep as JSON, go on; shuffled, doubled: the same bytes."""
    events = month(FAKES)
    expected = text(run(events))
    shuffled = events + rng.sample(events, 40)
    rng.shuffle(shuffled)
    through = Options(through=MONDAY + timedelta(days=DAYS[split]))
    kept = json.loads(json.dumps(run(shuffled, options=through).state.to_json()))
    state = State.from_json(kept)
    assert state is not None
    assert state.closed is not None
    assert len(state.digests) == split + 1
    rng.shuffle(shuffled)
    assert text(run(shuffled, states=[state])) == expected


def test_late_data_gives_what_it_would_have_given() -> None:
    """A day that changes after it was closed is folded again from before it."""
    events = month(FAKES)
    lost = [one for one in events if one.id != f"A-{FAKES[1]}-08:11:03-lobby"]
    nights = [
        run(lost, options=Options(through=MONDAY + timedelta(days=day))).state
        for day in (DAYS[10], DAYS[-1])
    ]
    early = nights[0].to_json()
    assert text(run(events, states=nights)) == text(run(events))
    assert len(nights[0].digests) == len(DAYS)
    assert len(early["digests"]) == 11


def test_a_state_of_other_rules_or_settings_is_not_used() -> None:
    """What was folded by other rules would mix two methods."""
    data = run(month(FAKES)).state.to_json()
    assert State.from_json(data | {"rules": "0"}) is None
    other = run(month(FAKES), options=Options(alpha=0.01)).state
    assert text(run(month(FAKES), states=[other])) == text(run(month(FAKES)))


def test_a_changed_book_is_late_data() -> None:
    """A roster entered afterwards changes the day, and the state with it."""
    state = run(month(FAKES)).state
    site = book(["A", "B", "C"])
    expected = text(run(month(FAKES), site))
    assert text(run(month(FAKES), site, states=[state])) == expected


def test_the_hash_is_of_the_rows_used() -> None:
    """Another credential in one row is another hash; the order is not."""
    one, other = punch("A", 0, "08:00:00"), punch("B", 0, "08:00:03")
    assert integrity([one, other]) == integrity([other, one])
    card = punch("A", 0, "08:00:00", "card")
    assert integrity([one, other]) != integrity([card, other])
    assert pair_case(month(FAKES))["integrity"].startswith("sha256:")


def test_nothing_is_no_case() -> None:
    """No events, no cases, and a document all the same."""
    assert run([]).to_json() == {"cases": []}


@pytest.mark.parametrize("month_number,last", [(2, 28), (4, 30), (12, 31)])
def test_money_looks_at_the_end_of_the_month(month_number: int, last: int) -> None:
    """The decision date is the month's last day."""
    assert month_end(MONDAY.replace(month=month_number)).day == last


def test_a_case_before_any_closed_work_day_is_as_of_its_own_day() -> None:
    """A hard signal needs no work day; nothing is said to be known as of 1970."""
    opened = date(2026, 11, 30)
    case = Case(
        kind=Kind.LEAVE,
        grade=Grade.CASE,
        subject="p1",
        neighbour=None,
        terminal="lobby",
        events=(),
        opened_on=day_number(opened),
        as_of=0,
        claim=Text("", ""),
        about="x",
    )
    said = case.to_json()
    assert (said["opened_on"], said["as_of"]) == ("2026-11-30", "2026-11-30")
    assert (said["decision_on"], said["charge_once"]) == ("2026-11-30", "p1/2026-11")
