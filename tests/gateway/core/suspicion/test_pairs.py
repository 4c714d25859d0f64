"""The pair process: every trap that would accuse friends, and the sign that stays."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.suspicion.events import Punch, gather
from gateway.core.suspicion.pairs import Mark, Pair, Pool, lacking
from gateway.core.suspicion.people import Habit, Person, PersonDay
from gateway.core.suspicion.queues import line_up, sheets
from gateway.core.suspicion.site import PlainBook, Turn
from gateway.core.suspicion.state import State, close
from tests.gateway.core.suspicion.makers import (
    FIRST,
    NAMES,
    TIMES,
    book,
    covered,
    leave,
    moved,
    punch,
    usual,
    wall,
    workdays,
)

DAYS = workdays(30)
TEST_DAY = workdays(40)[22]


def fold(events: Sequence[Punch], site: PlainBook | None = None) -> State:
    """Return the state after every day of some events."""
    site = site or book()
    queues = line_up(gather(events).punches, site)
    state = State()
    for sheet in sheets(queues):
        close(state, sheet, "", queues.roster, site)
    return state


def history(names: str = "ABCD") -> list[Punch]:
    """Return a month of four people a minute apart: nobody stands beside anybody."""
    return list(usual(tuple(names), DAYS))


def last(events: Sequence[Punch], site: PlainBook | None = None) -> Mark:
    """Return what the last day says about A beside B."""
    mark = fold(events, site).pairs["A", "B"].marks[-1]
    assert mark.day == FIRST + TEST_DAY
    return mark


def day(**changes: str | None) -> list[Punch]:
    """Return the test day: A three seconds behind B in the morning, apart later.

    `m`, `n`, `a`, `e` (morning, noon, afternoon, evening) are A's credentials; None
    means no punch of A.
    """
    modes = dict(zip("mnae", ("finger",) * 4, strict=True)) | changes
    rows: list[Punch] = list(usual(("B", "C", "D"), [TEST_DAY]))
    for key, clock in zip("mnae", TIMES, strict=True):
        mode = modes[key]
        if mode is not None:
            later = 3 if key == "m" else 300
            rows.append(punch("A", TEST_DAY, moved(clock, later), mode))
    return rows


def test_a_card_beside_b_and_fingers_elsewhere_is_the_contrast() -> None:
    """S1: weak beside, strong in every other punch of the day."""
    mark = last(history() + day(m="card"))
    assert (mark.contrasts, mark.judged_slots, mark.gap) == (1, 1, 0)
    assert mark.ratio > 15


def test_a_day_as_usual_speaks_for_innocence() -> None:
    """Standing beside B with one's own finger lowers E."""
    mark = last(history() + day())
    assert (mark.contrasts, mark.judged_slots) == (0, 1)
    assert mark.ratio < 0.2


def test_trouble_on_the_same_day_cancels() -> None:
    """Weak elsewhere too: a bad finger day is no contrast."""
    assert last(history() + day(m="card", a="card")).contrasts == 0


def test_an_unknown_code_is_neutral() -> None:
    """Nobody vouched for the code: a factor of one."""
    mark = last(history() + day(m="unknown"))
    assert (mark.contrasts, mark.judged_slots, mark.slots) == (0, 0, 1)
    assert mark.ratio == mark.blind


def test_a_reader_where_a_never_used_a_finger_is_neutral() -> None:
    """A card-only door, or one A is not enrolled at, shows no contrast."""
    rows = [
        punch("B", TEST_DAY, "10:00:00", "card", terminal="door"),
        punch("A", TEST_DAY, "10:00:03", "card", terminal="door"),
    ]
    mark = last(history() + usual(NAMES[:4], [TEST_DAY]) + rows)
    assert (mark.contrasts, mark.judged_slots, mark.slots) == (0, 0, 1)


def test_two_odd_cards_in_a_row_point_past_b() -> None:
    """B's own punch beside is as odd: a third person or the reader, not B."""
    rows = [one for one in day(m="card") if one.badge != "B"]
    rows += [
        punch("B", TEST_DAY, clock, "card" if clock == TIMES[0] else "finger")
        for clock in TIMES
    ]
    assert last(history() + rows).judged_slots == 0


def test_a_dirty_reader_is_nobody_s_sign() -> None:
    """Three others with cards within half an hour: the reader had trouble."""
    names = tuple(NAMES[:7])
    rows = [
        punch(name, TEST_DAY, moved(TIMES[0], 200 + 60 * place), "card")
        for place, name in enumerate("EFG")
    ]
    events = list(usual(names, DAYS)) + day(m="card")
    assert last(events + rows[:2]).contrasts == 1
    assert last(events + rows).judged_slots == 0


def test_a_gap_counts_only_if_the_neighbour_has_that_punch() -> None:
    """S2: couples leave early together; a missing evening of both says nothing."""
    alone = last(history() + day(e=None))
    assert (alone.gap, alone.blind > 2) == (2 << 3, True)
    early = [one for one in day(e=None) if one.badge != "B" or one.at % 86_400 < 60_000]
    both = last(history() + early)
    assert (both.gap, both.blind < 1) == (0, True)


def test_a_start_is_not_an_end() -> None:
    """B comes for the night at 20:00: that is not the evening punch A lacks."""
    site = book(
        turns={"A": [Turn(((28_800, 72_000),))], "B": [Turn(((72_000, 115_200),))]}
    )
    rows = (punch("A", 0, "07:58:00"), punch("B", 0, "19:58:00"))
    queues = line_up(gather(rows).punches, site)
    a, b = queues.by_terminal["lobby"]
    mine = PersonDay(FIRST, (a,), 0, 1, frozenset({0}), (0, 1), (1,), True, ())
    theirs = PersonDay(FIRST, (b,), 0, 1, frozenset({0}), (0, 1), (), True, ())
    assert lacking(mine, theirs, queues.roster) == ()
    ended = PersonDay(FIRST, (a,), 0, 1, frozenset({1}), (0, 1), (), True, ())
    assert lacking(mine, ended, queues.roster) == (1,)
    assert lacking(mine, None, queues.roster) == ()


def test_leave_excuses_a_gap() -> None:
    """An afternoon on approved leave is not missing."""
    away = {"A": [leave(TEST_DAY, "14:30:00", "17:30:00")]}
    mark = last(history() + day(a=None, e=None), book(absences=away))
    assert mark.gap == 0


def test_no_gap_is_seen_before_a_habit_is_known() -> None:
    """In the first days nothing is usual, so nothing can be missing."""
    rows = list(usual(tuple("ABCD"), workdays(4)))
    behind = [punch("B", 4, TIMES[0]), punch("A", 4, moved(TIMES[0], 3))]
    assert fold(rows + behind).pairs["A", "B"].marks[-1].gap == -1


def test_arriving_again_with_a_finger_is_a_gap() -> None:
    """S2: a card beside B at 08:10, A's finger half an hour later, without B."""
    again = punch("A", TEST_DAY, moved(TIMES[0], 1_800))
    assert last(history() + day(m="card") + [again]).gap == 1
    soon = punch("A", TEST_DAY, moved(TIMES[0], 400))
    assert last(history() + day(m="card") + [soon]).gap == 0


def test_two_slots_together_count_as_twice_and_average() -> None:
    """S4, and slots of a day never multiply: one odd slot of two is half as loud."""
    once = last(history() + day(m="card"))
    rows = [*day(m="card", e=None), punch("A", TEST_DAY, moved(TIMES[3], 3))]
    twice = last(history() + rows)
    assert (once.twice, twice.twice) == (False, True)
    assert (twice.contrasts, twice.slots) == (1, 2)
    assert twice.ratio / twice.blind == pytest.approx(
        (once.ratio / once.blind + 0.1 / (1 - twice.rates.contrast)) / 2, rel=1e-6
    )


def test_the_punches_under_test_are_not_in_the_null() -> None:
    """Eight odd cards beside B leave p̂ where A's other punches put it."""
    clean_days = workdays(26)
    odd = workdays(40)[18:26]
    events: list[Punch] = list(usual(tuple("ABCD"), clean_days[:18]))
    for number in odd:
        events += covered(number)
    rates = [one.rates.contrast for one in fold(events).pairs["A", "B"].marks]
    assert rates == sorted(rates, reverse=True)
    assert max(rates) < 0.03


def test_a_new_habit_makes_at_most_two_gaps() -> None:
    """Somebody stops punching at noon: after two days it is how they live."""
    habit = Habit()
    for number in range(20):
        habit.add(number, present=True)
    assert habit.usual()
    habit.add(20, present=False)
    assert habit.usual()
    habit.add(21, present=False)
    assert not habit.usual()


def test_the_first_week_accuses_nobody() -> None:
    """Without a record p̂ is near a half and no day is loud."""
    events = [one for number in workdays(5) for one in covered(number)]
    pair = fold(list(events)).pairs["A", "B"]
    assert pair.peak < 3


def test_friends_who_are_there_lose_evidence_every_day() -> None:
    """Thirty days side by side, fingers and all punches: E only falls."""
    pair = fold(list(usual(NAMES[:4], workdays(42), apart=3))).pairs["A", "B"]
    assert pair.days == len(workdays(42))
    assert pair.e < 0.5
    assert pair.peak < 20


@given(st.integers(0, 50), st.floats(0, 9), st.lists(st.floats(0, 1e9), max_size=6))
def test_state_survives_as_json(number: int, value: float, marks: list[float]) -> None:
    """What a store keeps comes back to the last bit."""
    pair = Pair(days=number, recent_weak=value, peak=value, decisions=(202603,))
    pair.marked.extend(marks)
    assert Pair.from_json(pair.to_json()) == pair
    person = Person(number, 7, value, 2.5, 3, 1, 2, {"lobby": 4})
    person.habits[30_600] = Habit(1, 2, 0.5, value, 9, 1)
    assert Person.from_json(person.to_json()) == person
    pool = Pool(3, 1, 5, 2)
    assert Pool.from_json(pool.to_json()) == pool
    assert wall(0, "00:00:00") == FIRST * 86_400
