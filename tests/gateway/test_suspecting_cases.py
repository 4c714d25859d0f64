"""Tonight's cases beside those of before: the same, weakened, decided, open again."""

from datetime import datetime
from typing import Any

from gateway.suspecting_cases import merged
from gateway.suspecting_review import Decision, Precision, ReviewError, check
from tests import builders


def case(key: str = "c-aaaa", *events: str, **changes: Any) -> dict[str, Any]:
    """Return a case with what merging looks at."""
    return {
        "id": key,
        "kind": "pair",
        "grade": "case",
        "status": "open",
        "subject": "p1",
        "terminal": "t0",
        "events": list(events or ("e1", "e2")),
        "opened_on": "2026-10-20",
        "as_of": "2026-11-02",
        "why_not_a_case": None,
        "review": [],
        **changes,
    }


def review(decision: str = "dismiss", at: str = "2026-11-03T10:00:00") -> Any:
    """Return what was decided."""
    return {"by": ["a"], "at": at, "decision": decision, "reason": "x"}


def test_a_new_case_stands_as_it_was_found() -> None:
    """Nothing before, nothing changed."""
    assert merged([], [case()], {}) == [case()]


def test_the_newest_evidence_replaces_the_same_case() -> None:
    """One id, one case: tonight's version, the first day it was opened on."""
    now = case("c-aaaa", "e1", "e2", "e3", as_of="2026-11-03", opened_on="2026-10-22")
    (found,) = merged([case()], [now], {})
    assert found == now | {"opened_on": "2026-10-20"}


def test_a_case_keeps_its_id_when_the_days_move_on() -> None:
    """Kind, subject and a common punch make it the one people speak of."""
    now = case("c-bbbb", "e2", "e3", opened_on="2026-11-02")
    (found,) = merged([case()], [now], {})
    assert (found["id"], found["opened_on"]) == ("c-aaaa", "2026-10-20")


def test_other_people_kinds_and_grades_are_other_cases() -> None:
    """Neither another subject nor the watch list takes a case over."""
    for other in ({"subject": "p2"}, {"kind": "burst"}, {"grade": "watch"}):
        found = merged([case()], [case("c-bbbb", "e1", **other)], {})
        assert [one["id"] for one in found] == ["c-aaaa", "c-bbbb"]
    found = merged([case()], [case("c-bbbb", "e9")], {})
    assert [one["status"] for one in found] == ["weakened", "open"]


def test_a_terminals_case_is_known_by_terminal_and_first_day() -> None:
    """Records that are gone have no punches and nobody in them."""
    gone: Any = {"kind": "records_gone", "subject": None, "events": []}
    before, now = case(**gone), case("c-bbbb", **gone)
    assert [one["id"] for one in merged([before], [now], {})] == ["c-aaaa"]
    elsewhere = case("c-bbbb", **{**gone, "terminal": "t1"})
    assert len(merged([before], [elsewhere], {})) == 2
    later = case("c-bbbb", **{**gone, "opened_on": "2026-10-21"})
    assert len(merged([before], [later], {})) == 2


def test_two_cases_of_tonight_never_become_one() -> None:
    """The first takes the known id, the second keeps its own."""
    tonight = [case("c-bbbb", "e1"), case("c-cccc", "e2")]
    found = merged([case()], tonight, {})
    assert [one["id"] for one in found] == ["c-aaaa", "c-cccc"]


def test_what_is_gone_tonight_has_weakened_once_and_for_all() -> None:
    """It stays visible as a note; the watch list stays the watch list."""
    (found,) = merged([case()], [], {})
    assert (found["status"], found["grade"]) == ("weakened", "note")
    assert found["why_not_a_case"]["en"].startswith("The evidence has weakened")
    assert merged([found], [], {}) == [found]
    (watch,) = merged([case(grade="watch")], [], {})
    assert (watch["status"], watch["grade"]) == ("weakened", "watch")


def test_a_decision_stands_whatever_the_evidence_does() -> None:
    """Confirmed stays confirmed, dismissed stays dismissed; nothing is sent anew."""
    reviews = {"c-aaaa": [review()]}
    (found,) = merged([case()], [], reviews)
    assert (found["status"], found["grade"]) == ("dismissed", "case")
    assert found["review"] == [review()]
    more = case("c-aaaa", "e1", "e2", "e3")
    assert merged([found], [more], reviews) == [found]
    (again,) = merged([found], [], {"c-aaaa": [review(), review("confirm")]})
    assert again["status"] == "confirmed"


def test_new_evidence_of_a_later_month_is_a_case_of_its_own() -> None:
    """Never in the month of the decision; then under an id that stays."""
    reviews = {"c-aaaa": [review()]}
    decided = merged([case()], [], reviews)
    same = case("c-aaaa", as_of="2026-12-01")
    assert merged(decided, [same], reviews) == decided
    more = case("c-aaaa", "e1", "e2", "e3", as_of="2026-12-01")
    first = merged(decided, [more], reviews)
    assert [one["id"] for one in first] == ["c-aaaa", "c-aaaa-202612"]
    assert (first[1]["status"], first[1]["opened_on"]) == ("open", "2026-12-01")
    later = merged(first, [more | {"as_of": "2027-01-05"}], reviews)
    assert [one["id"] for one in later] == ["c-aaaa", "c-aaaa-202612"]
    reviews["c-aaaa-202612"] = [review("confirm", "2027-01-06T09:00:00")]
    done = merged(later, [], reviews)
    assert merged(done, [more | {"as_of": "2027-02-05"}], reviews) == done


def test_precision_is_counted_with_an_interval() -> None:
    """Nine of ten: 0.9, and honest about how few that are."""
    assert Precision(0, 0).interval is None
    found = Precision(9, 1).to_json()
    assert found["precision"] == 0.9
    assert found["interval_95"] == [0.596, 0.982]
    assert Precision(0, 3).to_json()["interval_95"][0] == 0.0


def refused(
    *others: dict[str, Any], at: str = "2026-11-03T10:00:00", **changes: Any
) -> str:
    """Return why a case that lacks nothing else may not be confirmed."""
    usual = {"decided": ["2026-10"], "charge_once": "p1/2026-11"}
    found = case(**usual | changes)
    said = Decision(
        "confirm",
        ("a", "b"),
        datetime.fromisoformat(at),
        "x",
        "x",
        datetime.fromisoformat("2026-11-02T10:00:00"),
    )
    try:
        check(found, said, builders.book(), [found, *others])
    except ReviewError as error:
        return str(error)
    return ""


def test_nobody_is_charged_twice_for_one_month() -> None:
    """Another confirmed case of the month stands in the way; a dismissed one not."""
    other = case("c-bbbb", charge_once="p1/2026-11", status="confirmed")
    assert refused() == ""
    assert refused(other) == "p1 was charged already: case c-bbbb"
    assert refused(other | {"status": "dismissed"}) == ""
    assert refused(other | {"charge_once": "p1/2026-10"}) == ""


def test_money_looks_at_the_end_of_a_month() -> None:
    """Statistical cases wait for it; a hard signal stands by itself."""
    assert "behind 2026-10-31" in refused(decided=[])
    assert refused(decided=[], kind="leave") == ""
    assert refused(decided=[], kind="enrolment") == ""
    assert "behind 2026-11-30" in refused(
        decided=[], kind="enrolment", opened_on="2026-11-01"
    )


def test_what_is_no_case_is_not_confirmed() -> None:
    """A note, the watch list, a weakened case, a terminal's case."""
    assert "it is a note" in refused(grade="note")
    assert "it is a watch" in refused(grade="watch")
    assert "has weakened" in refused(status="weakened")
    assert "nobody to charge" in refused(subject=None, kind="clock")
