"""The last verdict on every session: one revision for each change, and its entry."""

import json
from collections.abc import Callable
from datetime import date

from sqlite_utils import Database

from gateway.store import verdicts
from gateway.store.verdicts import Kept, Piece, Progress, Verdict

DAY = "2026-11-02"


def said(words: str, key: str = "a1", *, quiet: bool = False) -> Verdict:
    """Return a verdict whose entry holds these words."""

    def encode(seq: int, rev: int) -> bytes:
        return json.dumps({"seq": seq, "rev": rev, "words": words}).encode()

    return Verdict(key, "p1", DAY, words == "final", words, encode, quiet)


def withdraw(stored: bytes) -> Verdict:
    """Return the verdict that nothing is owed."""
    assert json.loads(stored)["rev"]
    return said("gone", quiet=True)


def keep(
    db: Database,
    *what: Verdict,
    last: str = DAY,
    gone: Callable[[bytes], Verdict] = withdraw,
) -> list[Kept]:
    """Store what was judged of a day."""
    return verdicts.keep(db, "now", [Piece("p1", DAY, last, what)], gone, {"S": 7})


def sent(db: Database) -> list[tuple[int, str]]:
    """Return seq and words of every entry."""
    rows = db.query("SELECT entry FROM outbox WHERE kind = 'attendance' ORDER BY seq")
    entries = [json.loads(row["entry"]) for row in rows]
    return [(one["seq"], f"{one['words']} {one['rev']}") for one in entries]


def test_a_changed_verdict_gets_a_revision_and_one_that_says_the_same_none(
    db: Database,
) -> None:
    """Superseded, never deleted; unchanged, nothing is sent."""
    (first,) = keep(db, said("pending"))
    assert (first.rev, first.before) == (1, None)
    assert keep(db, said("pending")) == []
    (second,) = keep(db, said("final"))
    assert (second.rev, second.before) == (2, first.body)
    assert sent(db) == [(1, "pending 1"), (2, "final 2")]
    (row,) = db.query("SELECT * FROM verdicts")
    assert (row["rev"], row["final"], row["body"]) == (2, 1, second.body)


def test_a_quiet_verdict_is_stored_only_in_place_of_another(db: Database) -> None:
    """A session that has not begun says nothing, unless something was said before."""
    assert keep(db, said("ahead", quiet=True)) == []
    keep(db, said("pending"))
    assert [one.rev for one in keep(db, said("ahead", quiet=True))] == [2]


def test_what_is_judged_no_more_is_taken_back_once(db: Database) -> None:
    """And only on the dates that were judged."""
    keep(db, said("pending"))
    other = Piece("p1", "2026-11-03", "2026-11-03", [])
    assert verdicts.keep(db, "now", [other], withdraw, {}) == []
    assert [one.rev for one in keep(db)] == [2]
    assert keep(db) == []
    assert [words for _, words in sent(db)] == ["pending 1", "gone 2"]


def test_how_far_the_data_went_is_kept_with_the_verdicts(db: Database) -> None:
    """So that a restart never judges with less; not written where nothing changed."""
    assert verdicts.watermarks(db) == {}
    keep(db, said("pending"))
    assert verdicts.watermarks(db) == {"S": 7}
    verdicts.keep(db, "now", [Piece("p1", DAY, DAY, [said("pending")])], withdraw, {})
    assert verdicts.watermarks(db) == {"S": 7}


def test_verdicts_are_found_by_what_they_wait_for_and_name(db: Database) -> None:
    """Open ones, ones with an absence on a date, ones that name an id; counted."""
    keep(db, said("pending"), said("final", "a2"), said('"kind":"absence"', "a3"))
    day = date(2026, 11, 2)
    assert verdicts.open_dates(db) == [("p1", DAY), ("p1", DAY)]
    assert len(verdicts.absent_on(db, day, day)) == 2
    assert verdicts.absent_on(db, date(2026, 11, 3), date(2026, 11, 4)) == []
    assert verdicts.dates_with(db, "fina") == [("p1", DAY)]
    assert verdicts.dates_with(db, "f1_other") == []
    assert verdicts.people(db) == ["p1"]
    assert verdicts.count(db, None, DAY) == 3
    assert verdicts.count(db, ["p1", "p2"], DAY) == 3
    assert verdicts.count(db, ["p2"], DAY) == 0
    assert verdicts.count(db, None, "2026-11-03") == 0


def test_how_far_judging_came_is_remembered(db: Database) -> None:
    """Nothing was judged in a new journal."""
    assert verdicts.progress(db) == Progress()
    verdicts.note(db, Progress(12, "law", DAY))
    assert verdicts.progress(db) == Progress(12, "law", DAY)
